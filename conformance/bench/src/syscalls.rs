//! How many system calls a process makes, with its threads and children, by `strace -f -c`.

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
    let summary = tempfile::NamedTempFile::new()?;
    let traced = Invocation {
        program: "strace".into(),
        args: ["-f", "-c", "-o"]
            .into_iter()
            .map(str::to_owned)
            .chain([summary.path().display().to_string(), invocation.program.display().to_string()])
            .chain(invocation.args.iter().cloned())
            .collect(),
        ..invocation.clone()
    };
    traced.measure()?;
    let text = std::fs::read_to_string(summary.path())?;
    total(&text).with_context(|| format!("reading the summary of strace of {}", invocation.program.display()))
}

/// The column `calls` of the line `total`.
fn total(summary: &str) -> Option<u64> {
    let line = summary.lines().find(|line| line.ends_with(" total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
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
}
