//! One program of the node, which can be killed and started again.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Result, ensure};
use runtimes::Place;

/// How much of a log a failed test shows.
const LOG_LINES: usize = 30;

/// A program of the node. It ends with the place that it runs in.
#[derive(Debug)]
pub struct Daemon {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    log: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Daemon {
    /// A program that has not been started, whose output is appended to `log`.
    pub(super) fn new(program: PathBuf, log: PathBuf) -> Daemon {
        Daemon { program, arguments: Vec::new(), environment: Vec::new(), log, child: Mutex::new(None) }
    }

    /// Adds arguments.
    pub(super) fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Daemon {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds a variable to its environment.
    pub(super) fn env(mut self, name: &str, value: impl Into<OsString>) -> Daemon {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Starts it in `place`.
    ///
    /// # Errors
    /// When it runs already, or cannot be started.
    pub fn start(&self, place: &Place) -> Result<()> {
        let mut child = self.child();
        ensure!(child.is_none(), "{} runs already", self.program.display());
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        *child = Some(place.spawn(&mut command)?);
        Ok(())
    }

    /// Kills it, and nothing that it has started, as systemd does where `KillMode=process` is set: for kubelet and
    /// containerd it is.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill(&self) -> Result<()> {
        if let Some(mut child) = self.child().take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Its status, when it has ended by itself.
    pub(super) fn ended(&self) -> Option<String> {
        let status = self.child().as_mut()?.try_wait().ok()??;
        Some(format!("{} ended with {status}", self.program.display()))
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        end_of(&self.log)
    }

    /// Its name.
    pub(super) fn name(&self) -> String {
        self.program.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Where it writes its log.
    pub fn log_file(&self) -> &Path {
        &self.log
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last lines of a log.
pub(super) fn end_of(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n")
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It can only have ended before.
        let _ = self.kill();
    }
}
