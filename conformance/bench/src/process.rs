//! One plugin process, run as a runtime runs it, and what it cost.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use linux::Netns;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;

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

    /// Does something in the namespace of this invocation: a child gets that of the thread that starts it.
    ///
    /// # Errors
    /// Those of the work, or when the namespace cannot be entered.
    pub(super) fn placed<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        match &self.inside {
            Some(netns) => netns.run(work)?,
            None => work(),
        }
    }

    fn run_here(&self) -> Result<(Cost, Vec<u8>)> {
        let prepared = self.prepare()?;
        let before = children_cpu()?;
        let (wall, stdout) = prepared.start()?.finish()?;
        let cpu = children_cpu()?.saturating_sub(before);
        Ok((Cost { wall, cpu }, stdout))
    }

    /// Makes everything ready that is not to be measured.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub(super) fn prepare(&self) -> Result<Prepared<'_>> {
        let stderr = tempfile::tempfile()?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(self.env.iter().map(|(key, value)| (key, value)));
        // Input from a file and errors to one: only what a runtime must wait for is a pipe. With nothing more to
        // set, the standard library starts processes by vfork, so that our own size does not count.
        command.stdin(self.input()?).stdout(Stdio::piped()).stderr(stderr.try_clone()?);
        Ok(Prepared { invocation: self, command, stderr })
    }

    /// The input as a file, at its beginning.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub(super) fn input(&self) -> Result<Stdio> {
        let mut file = tempfile::tempfile()?;
        file.write_all(&self.stdin)?;
        file.rewind()?;
        Ok(file.into())
    }

    /// Whether a run was one that counts.
    ///
    /// # Errors
    /// What the process said, if it was not.
    fn judge(&self, status: ExitStatus, stdout: &[u8], stderr: &mut File) -> Result<()> {
        let fine = match self.expect {
            Expect::Success => status.success(),
            Expect::Refusal => status.code() == Some(1) && stdout.trim_ascii_start().starts_with(b"{"),
        };
        let mut said = String::new();
        if !fine {
            stderr.rewind()?;
            stderr.read_to_string(&mut said)?;
        }
        ensure!(
            fine,
            "{} {} ended with {}: {} {}",
            self.program.display(),
            self.verb(),
            status.signal().map_or_else(|| status.to_string(), |signal| format!("signal {signal}")),
            String::from_utf8_lossy(stdout).trim(),
            said.trim()
        );
        Ok(())
    }

    /// The CNI command it is run with, or nothing.
    pub(super) fn verb(&self) -> &str {
        self.env.iter().find(|(key, _)| key == "CNI_COMMAND").map_or("", |(_, value)| value)
    }
}

/// A process that only has to be started.
pub(super) struct Prepared<'i> {
    invocation: &'i Invocation,
    command: Command,
    stderr: File,
}

/// A process on its way.
pub(super) struct Started<'i> {
    invocation: &'i Invocation,
    child: Child,
    at: Instant,
    stderr: File,
}

impl<'i> Prepared<'i> {
    /// Starts it and returns at once.
    ///
    /// # Errors
    /// When it cannot be run.
    pub(super) fn start(mut self) -> Result<Started<'i>> {
        let at = Instant::now();
        let child = self.command.spawn();
        let child = child.with_context(|| format!("running {}", self.invocation.program.display()))?;
        Ok(Started { invocation: self.invocation, child, at, stderr: self.stderr })
    }
}

impl Started<'_> {
    /// Waits for its end; how long it took since its start, and what it printed.
    ///
    /// # Errors
    /// When it does not end as expected.
    pub(super) fn finish(mut self) -> Result<(Duration, Vec<u8>)> {
        let mut stdout = Vec::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_end(&mut stdout)?;
        }
        let status = self.child.wait()?;
        let wall = self.at.elapsed();
        self.invocation.judge(status, &stdout, &mut self.stderr)?;
        Ok((wall, stdout))
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
