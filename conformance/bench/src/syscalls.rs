//! What a process asks of the kernel, with its threads and children, by strace: how many system calls, and how long those
//! last that are about links.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result};

use super::process::Invocation;

/// Whether `strace` is here at all.
pub(super) fn available() -> bool {
    Command::new("strace").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Runs it once under `strace` and returns the number of its system calls, from exec to exit.
///
/// # Errors
/// When it cannot be run or traced, or does not end as expected.
pub(super) fn count(invocation: &Invocation) -> Result<u64> {
    let summary = traced(invocation, &["-c"])?;
    total(&summary)
        .with_context(|| format!("reading the summary of strace of {}", invocation.program.display()))
}

/// Runs it once and returns for how long it was in requests over netlink, in ms. The kernel does what it is asked while it
/// takes the request, most of it under its one lock for all links: so long at most does the process keep others from it,
/// or wait for them.
///
/// # Errors
/// As [`count`].
pub(super) fn in_requests(invocation: &Invocation) -> Result<f64> {
    let lines = traced(invocation, &["-T", "-yy", "-s", "0", "-e", "trace=sendto,sendmsg"])?;
    Ok(requests(&lines))
}

/// What strace writes of a run.
fn traced(invocation: &Invocation, how: &[&str]) -> Result<String> {
    let output = tempfile::NamedTempFile::new()?;
    let traced = Invocation {
        program: "strace".into(),
        args: ["-f"]
            .iter()
            .chain(how)
            .map(|&arg| arg.to_owned())
            .chain(["-o".to_owned(), output.path().display().to_string()])
            .chain([invocation.program.display().to_string()])
            .chain(invocation.args.iter().cloned())
            .collect(),
        ..invocation.clone()
    };
    traced.measure()?;
    Ok(std::fs::read_to_string(output.path())?)
}

/// The column `calls` of the line `total`.
fn total(summary: &str) -> Option<u64> {
    let line = summary.lines().find(|line| line.ends_with(" total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// The times at the ends of lines about netlink sockets, in ms. A call that another thread's line has cut in two is known by
/// its thread.
fn requests(trace: &str) -> f64 {
    let mut cut: BTreeMap<&str, bool> = BTreeMap::new();
    let mut all = 0.0;
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let is_netlink = if call.contains(" resumed>") {
            cut.remove(thread).unwrap_or_default()
        } else {
            call.contains("<NETLINK:[")
        };
        if call.ends_with("<unfinished ...>") {
            cut.insert(thread, is_netlink);
        } else if is_netlink {
            let seconds =
                call.rsplit_once('<').and_then(|(_, end)| end.trim_end_matches('>').parse::<f64>().ok());
            all += seconds.unwrap_or_default() * 1e3;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_with_and_without_errors() {
        let head = "% time     seconds  usecs/call     calls    errors syscall\n------ ---- ---\n";
        assert_eq!(
            total(&format!("{head}100.00    0.000042           3        12         4 total\n")),
            Some(12)
        );
        assert_eq!(
            total(&format!("{head}100.00    0.000000           0         7           total\n")),
            Some(7)
        );
        assert_eq!(total(head), None);
    }

    #[test]
    fn the_time_of_requests_is_read_from_lines_whole_or_cut() {
        let trace = "7 sendto(3<NETLINK:[ROUTE:7]>, \"\"..., 40, 0, NULL, 12) = 40 <0.000250>\n\
                     7 sendto(4<UNIX-STREAM:[1->2]>, \"\"..., 9, MSG_NOSIGNAL, NULL, 0) = 9 <0.500000>\n\
                     8 sendmsg(3<NETLINK:[ROUTE:7]>, {msg_name=NULL} <unfinished ...>\n\
                     7 sendto(4<UNIX-STREAM:[1->2]>, \"\"..., 9 <unfinished ...>\n\
                     8 <... sendmsg resumed>, 0) = 72 <0.020000>\n\
                     7 <... sendto resumed>, 0, NULL, 0) = 9 <0.700000>\n\
                     7 +++ exited with 0 +++\n";
        assert!((requests(trace) - 20.25).abs() < 1e-9, "{}", requests(trace));
    }
}
