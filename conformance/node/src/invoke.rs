//! Running a plugin on the node, as a runtime does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use linux::Netns;
use serde_json::Value;
use testkit::process::{Finished, Process, Sink, Stdin};

use super::sandbox::Pod;

/// Nothing that a test calls may take longer; then it is killed and the test fails.
const PATIENCE: Duration = Duration::from_secs(150);

/// The CNI commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `ADD`
    Add,
    /// `DEL`
    Del,
    /// `CHECK`
    Check,
    /// `STATUS`
    Status,
    /// `GC`
    Gc,
    /// `VERSION`
    Version,
}

impl Verb {
    /// As in `CNI_COMMAND`.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Add => "ADD",
            Verb::Del => "DEL",
            Verb::Check => "CHECK",
            Verb::Status => "STATUS",
            Verb::Gc => "GC",
            Verb::Version => "VERSION",
        }
    }
}

/// A call of a plugin that is being made up. Its environment is empty but for `PATH` and what is set here.
#[derive(Debug)]
pub struct Call<'a> {
    pub(super) host: &'a Netns,
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) stdin: Vec<u8>,
}

/// A plugin that is running. Dropping it kills it.
pub struct Running(testkit::process::Running);

/// What a plugin has said.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// From its start to its end.
    pub elapsed: Duration,
}

impl Call<'_> {
    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: impl Into<String>) -> Self {
        self.env.insert(key.into(), value.into());
        self
    }

    /// Removes a variable.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.env.remove(key);
        self
    }

    /// Sets the variables of a pod's sandbox.
    #[must_use]
    pub fn pod(self, pod: &Pod) -> Self {
        self.env("CNI_CONTAINERID", &pod.container)
            .env("CNI_NETNS", pod.netns().path().to_string_lossy())
            .env("CNI_IFNAME", &pod.ifname)
            .env("CNI_ARGS", pod.args())
    }

    /// Sets standard input.
    #[must_use]
    pub fn conf(mut self, conf: &Value) -> Self {
        self.stdin = conf.to_string().into_bytes();
        self
    }

    /// Sets standard input to these bytes, JSON or not.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Adds arguments: what a person types.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(OsString::from));
        self
    }

    /// Has another program start it: a tracer, whose last arguments become the plugin's path and arguments.
    #[must_use]
    pub fn through(mut self, program: impl Into<PathBuf>, args: &[&str]) -> Self {
        let plugin = std::mem::replace(&mut self.program, program.into());
        let own = std::mem::take(&mut self.args);
        self.args = args.iter().map(OsString::from).chain([plugin.into()]).chain(own).collect();
        self
    }

    /// Starts it in the host's namespace.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(self) -> Result<Running> {
        let path = ("PATH".into(), std::env::var_os("PATH").unwrap_or_default());
        let env = self.env.into_iter().map(|(key, value)| (key.into(), value.into()));
        let process = Process {
            program: self.program,
            args: self.args,
            env: [path].into_iter().chain(env).collect(),
            cwd: "/".into(),
            stdin: Stdin::Bytes(self.stdin),
            stdout: Sink::Captured,
            stderr: Sink::Captured,
            timeout: PATIENCE,
        };
        // A child gets the namespace of the thread that starts it.
        let mut running = self.host.run(|| process.start())??;
        running.feed();
        Ok(Running(running))
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it cannot be started, or does not end.
    pub fn run(self) -> Result<Output> {
        self.spawn()?.wait()
    }
}

impl Running {
    /// Its process ID.
    pub fn id(&self) -> u32 {
        self.0.pid().as_raw().unsigned_abs()
    }

    /// Kills it at once, wherever it is.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill(self) -> Result<()> {
        self.0.kill()
    }

    /// Leaves it alone, as a runtime does that is killed: nobody reads what it says, and what it writes from now on meets
    /// a closed pipe. How it ends all the same, without a word.
    ///
    /// # Errors
    /// As for [`Running::wait`].
    pub fn abandon(mut self) -> Result<Output> {
        self.0.abandon();
        self.wait()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end within a bound that no plugin may need: then it is killed.
    pub fn wait(self) -> Result<Output> {
        let Finished { status, stdout, stderr, elapsed, timed_out } = self.0.finish()?;
        ensure!(!timed_out, "the plugin has not ended within {PATIENCE:?}");
        let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Output { status, stdout, stderr, elapsed })
    }
}

impl Output {
    /// Its standard output as JSON, `null` when it is empty.
    ///
    /// # Errors
    /// When it is neither.
    pub fn json(&self) -> Result<Value> {
        if self.stdout.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&self.stdout).with_context(|| format!("not JSON: {self:?}"))
    }

    /// The result of a call that succeeded, `null` when there is none.
    ///
    /// # Errors
    /// When it failed.
    pub fn ok(&self) -> Result<Value> {
        ensure!(self.status.success(), "{} {}", self.stdout.trim(), self.stderr.trim());
        self.json()
    }

    /// Code and text, `msg; details`, of a call that failed.
    ///
    /// # Errors
    /// When it succeeded or printed no error.
    pub fn error(&self) -> Result<(u64, String)> {
        ensure!(self.status.code() == Some(1), "it should have failed with status 1: {self:?}");
        let json = self.json()?;
        let code = json["code"].as_u64().with_context(|| format!("no code: {self:?}"))?;
        let texts = ["msg", "details"].into_iter().filter_map(|key| json[key].as_str());
        Ok((code, texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")))
    }
}
