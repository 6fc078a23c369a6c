//! The peak memory of a process: `VmHWM`, which is read when it is about to end, as only a tracer sees.

use std::fs;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::libc::PTRACE_EVENT_EXIT;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Begins to trace a child. Only the thread that calls this may follow it.
pub fn trace(pid: Pid) -> Result<()> {
    ptrace::seize(pid, Options::PTRACE_O_TRACEEXIT).context("tracing a process")
}

/// Lets the process run until it is about to end, and returns its peak in KiB; none where another of its threads has ended
/// it, which leaves nobody the time to look. Its end is for others to wait for.
pub fn follow(pid: Pid) -> Result<Option<u64>> {
    loop {
        match waitpid(pid, Some(WaitPidFlag::__WALL))? {
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => return Ok(None),
            WaitStatus::PtraceEvent(_, _, PTRACE_EVENT_EXIT) => {
                let peak = high_water(pid)?;
                go_on(pid, None)?;
                return Ok(Some(peak));
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
