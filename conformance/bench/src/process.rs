//! One plugin process, run as a runtime runs it, and what it cost.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::mounts::Mounts;
use anyhow::{Result, ensure};
use linux::Netns;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use testkit::process::{Finished, Prepared, Process, Sink, Stdin};

/// Nothing that is measured takes longer; then it is killed, and the run ends.
const PATIENCE: Duration = Duration::from_secs(150);

/// A program with its environment and input, ready to be run any number of times.
#[derive(Clone, Debug)]
pub(super) struct Invocation {
    /// What is run.
    pub(super) program: PathBuf,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// Its whole environment; nothing is inherited, so that every subject has the same.
    pub(super) env: Vec<(String, String)>,
    /// Its standard input.
    pub(super) stdin: Vec<u8>,
    /// The network namespace that it is started in; this program's own if `None`.
    pub(super) inside: Option<Arc<Netns>>,
    /// The mount namespace that it is started in, beside a network namespace; this program's own if `None`.
    pub(super) mounts: Option<Mounts>,
    /// How it has to end. A plugin that fails early is fast, but not what was to be measured.
    pub(super) expect: Expect,
}

/// How a process has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// Status 0.
    Success,
    /// Status 1 and an error document: what a plugin that refuses does.
    Refusal,
}

/// What one run cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// From before the process was started until it was waited for.
    pub(super) wall: Duration,
    /// User and system time of the process and of those it waited for.
    pub(super) cpu: Duration,
}

impl Invocation {
    /// A program that gets nothing.
    pub(super) fn new(program: impl Into<PathBuf>) -> Self {
        Invocation {
            program: program.into(),
            args: Vec::new(),
            env: vec![("PATH".to_owned(), "/usr/sbin:/usr/bin:/sbin:/bin".to_owned())],
            stdin: Vec::new(),
            inside: None,
            mounts: None,
            expect: Expect::Success,
        }
    }

    /// Runs it once. Only one process of this program may be measured at a time: the CPU time is the growth of
    /// what all waited-for children have used.
    ///
    /// # Errors
    /// When it cannot be run, or does not end as expected.
    pub(super) fn measure(&self) -> Result<Cost> {
        self.run().map(|(cost, _)| cost)
    }

    /// Runs it once for what it prints.
    ///
    /// # Errors
    /// When it cannot be run, or does not end as expected.
    pub(super) fn output(&self) -> Result<Vec<u8>> {
        self.run().map(|(_, stdout)| stdout)
    }

    fn run(&self) -> Result<(Cost, Vec<u8>)> {
        self.placed(|| self.run_here())
    }

    /// Does something in the namespaces of this invocation: a child gets that of the thread that starts it.
    ///
    /// # Errors
    /// Those of the work, or when the namespace cannot be entered.
    pub(super) fn placed<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        match (&self.inside, &self.mounts) {
            // It runs that in a thread of its own.
            (Some(netns), Some(mounts)) => netns.run(|| mounts.enter().and_then(|()| work()))?,
            (Some(netns), None) => netns.run(work)?,
            (None, _) => work(),
        }
    }

    fn run_here(&self) -> Result<(Cost, Vec<u8>)> {
        let prepared = self.prepare()?;
        let before = children_cpu()?;
        let done = prepared.start()?.finish()?;
        let cpu = children_cpu()?.saturating_sub(before);
        self.judge(&done)?;
        Ok((Cost { wall: done.elapsed, cpu }, done.stdout))
    }

    /// Makes everything ready that is not to be measured.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub(super) fn prepare(&self) -> Result<Prepared> {
        let process = Process {
            program: self.program.clone(),
            args: self.args.iter().map(Into::into).collect(),
            env: self.env.iter().map(|(key, value)| (key.into(), value.into())).collect(),
            cwd: "/".into(),
            // Only what a runtime must wait for is a pipe.
            stdin: Stdin::Spooled(self.stdin.clone()),
            stdout: Sink::Captured,
            stderr: Sink::Spooled,
            timeout: PATIENCE,
        };
        process.prepare()
    }

    /// Whether a run was one that counts.
    ///
    /// # Errors
    /// What the process said, if it was not.
    pub(super) fn judge(&self, done: &Finished) -> Result<()> {
        let fine = match self.expect {
            Expect::Success => done.status.success(),
            Expect::Refusal => {
                done.status.code() == Some(1) && done.stdout.trim_ascii_start().starts_with(b"{")
            }
        };
        let [stdout, stderr] = [&done.stdout, &done.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        ensure!(
            fine && !done.timed_out,
            "{} {}: {}: {} {}",
            self.program.display(),
            self.verb(),
            done.ending(),
            stdout.trim(),
            stderr.trim()
        );
        Ok(())
    }

    /// The CNI command it is run with, or nothing.
    pub(super) fn verb(&self) -> &str {
        self.env.iter().find(|(key, _)| key == "CNI_COMMAND").map_or("", |(_, value)| value)
    }
}

/// The CPU time of all children that have ended and been waited for.
///
/// # Errors
/// None that Linux documents for this use.
pub(super) fn children_cpu() -> Result<Duration> {
    Ok(duration(&getrusage(UsageWho::RUSAGE_CHILDREN)?))
}

/// User and system time.
pub(super) fn duration(usage: &Usage) -> Duration {
    let length = |time: TimeVal| {
        Duration::from_secs(time.tv_sec().unsigned_abs())
            + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    length(usage.user_time()) + length(usage.system_time())
}
