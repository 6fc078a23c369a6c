//! The peak memory of a process, its own alone.
//!
//! `ru_maxrss`, which `time -v` prints, starts at the peak of whoever started the process: the kernel accounts the
//! memory that exec replaces (`exec_mmap`), and after vfork that is the parent's. So a shell waits for the tracer,
//! turns into the program, and the tracer reads `VmHWM`, which begins anew with exec, when the program exits.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use nix::unistd::Pid;
use testkit::memory;
use testkit::process::spool;

use super::process::{Expect, Invocation};

/// Runs it once and returns the peak of its resident memory in KiB; none where another of its threads ended it. Children
/// of its own do not count.
///
/// # Errors
/// When it cannot be run or traced, or does not end as expected.
pub(super) fn kib(invocation: &Invocation) -> Result<Option<u64>> {
    // Tracer and starter have to be one thread.
    invocation.placed(|| kib_here(invocation))
}

fn kib_here(invocation: &Invocation) -> Result<Option<u64>> {
    let (gate, mut opener) = std::io::pipe()?;
    let mut child = Command::new("/bin/sh")
        // The gate is standard error until the program takes the shell's place.
        .args(["-c", "read -r _ <&2; exec \"$0\" \"$@\" 2>/dev/null"])
        .arg(&invocation.program)
        .args(&invocation.args)
        .env_clear()
        .envs(invocation.env.iter().map(|(key, value)| (key, value)))
        .stdin(spool(&invocation.stdin)?)
        .stdout(Stdio::null())
        .stderr(gate)
        .spawn()
        .context("running /bin/sh")?;
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let traced = memory::trace(pid);
    // In any case: it must not wait for ever.
    opener.write_all(b"\n")?;
    drop(opener);
    let peak = traced.and_then(|()| memory::follow(pid));
    if peak.is_err() {
        let _ = child.kill();
    }
    let ended = child.wait();
    let (peak, ended) = (peak?, ended?);
    let expected = match invocation.expect {
        Expect::Success => 0,
        Expect::Refusal => 1,
    };
    let whom = format!("{} {}", invocation.program.display(), invocation.verb());
    ensure!(ended.code() == Some(expected), "{whom} ended with {ended} while its memory was measured");
    Ok(peak)
}
