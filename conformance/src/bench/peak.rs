//! The peak memory of a process, its own alone.
//!
//! `ru_maxrss`, which `time -v` prints, starts at the peak of whoever started the process: the kernel accounts the
//! memory that exec replaces (`exec_mmap`), and after vfork that is the parent's. So a shell waits for the tracer,
//! turns into the program, and the tracer reads `VmHWM`, which begins anew with exec, when the program exits.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::libc::PTRACE_EVENT_EXIT;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::process::{Expect, Invocation};

/// Runs it once and returns the peak of its resident memory in KiB. Children of its own do not count.
///
/// # Errors
/// When it cannot be run or traced, or does not end as expected.
pub(super) fn kib(invocation: &Invocation) -> Result<u64> {
    // Tracer and starter have to be one thread.
    invocation.placed(|| kib_here(invocation))
}

fn kib_here(invocation: &Invocation) -> Result<u64> {
    let (gate, mut opener) = std::io::pipe()?;
    let mut child = Command::new("/bin/sh")
        // The gate is standard error until the program takes the shell's place.
        .args(["-c", "read -r _ <&2; exec \"$0\" \"$@\" 2>/dev/null"])
        .arg(&invocation.program)
        .args(&invocation.args)
        .env_clear()
        .envs(invocation.env.iter().map(|(key, value)| (key, value)))
        .stdin(invocation.input()?)
        .stdout(Stdio::null())
        .stderr(gate)
        .spawn()
        .context("running /bin/sh")?;
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let traced = ptrace::seize(pid, Options::PTRACE_O_TRACEEXIT).context("tracing a process");
    // In any case: it must not wait for ever.
    opener.write_all(b"\n")?;
    drop(opener);
    let traced = traced.and_then(|()| follow(pid));
    if traced.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let (peak, code) = traced?;
    let expected = match invocation.expect {
        Expect::Success => 0,
        Expect::Refusal => 1,
    };
    let whom = format!("{} {}", invocation.program.display(), invocation.verb());
    ensure!(code == expected, "{whom} ended with status {code} while its memory was measured");
    peak.with_context(|| format!("{whom} ended without telling its peak memory"))
}

/// Lets the process run to its end; its peak, if it was seen, and its exit status.
fn follow(pid: Pid) -> Result<(Option<u64>, i32)> {
    let mut peak = None;
    loop {
        match waitpid(pid, Some(WaitPidFlag::__WALL))? {
            WaitStatus::Exited(_, code) => return Ok((peak, code)),
            WaitStatus::Signaled(_, signal, _) => bail!("a traced process was killed by {signal}"),
            WaitStatus::PtraceEvent(_, _, PTRACE_EVENT_EXIT) => {
                peak = Some(high_water(pid)?);
                go_on(pid, None)?;
            }
            // A signal for the process, which it gets.
            WaitStatus::Stopped(_, signal) if signal != Signal::SIGTRAP => go_on(pid, Some(signal))?,
            _ => go_on(pid, None)?,
        }
    }
}

/// Lets it go on; another of its threads may have ended the process meanwhile, which the next wait tells.
fn go_on(pid: Pid, signal: Option<Signal>) -> Result<()> {
    match ptrace::cont(pid, signal) {
        Err(Errno::ESRCH) => Ok(()),
        done => Ok(done?),
    }
}

fn high_water(pid: Pid) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in /proc")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
