//! One call of the plugin: a valid one to begin with, and what a check changes about it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use testkit::process::{Process, Running, Sink, Stdin};

use super::answer::Answer;
use super::repeat;
use super::stop::Stop;
use super::text::{brief, one_line, quoted};

/// What all calls have in common.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    /// The plugin to execute.
    pub program: PathBuf,
    /// How long one call may take.
    pub timeout: Duration,
    /// Whether the reference library's sentences are compared, not only its codes.
    pub skel_strings: bool,
    /// Set when the user wants the suite to stop.
    pub interrupted: Arc<AtomicBool>,
    /// The last answer there was.
    pub last: Arc<Mutex<Option<Answer>>>,
    /// All calls, as lines for a shell, where they are wanted.
    pub calls: Option<Arc<Mutex<Vec<String>>>>,
}

/// A call that has not been made yet.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    common: Common,
    verb: String,
    env: BTreeMap<OsString, OsString>,
    conf: Map<String, Value>,
    stdin: Option<Stdin>,
    stdout: Sink,
    hold: bool,
    cwd: PathBuf,
    shell: Option<String>,
    changes: Vec<String>,
}

impl Call {
    /// A call with this environment and this configuration on its standard input.
    pub(crate) fn new(common: Common, verb: &str, conf: Map<String, Value>, cwd: &Path) -> Call {
        let mut env = BTreeMap::new();
        env.insert("CNI_COMMAND".into(), verb.into());
        let (verb, cwd) = (verb.to_owned(), cwd.to_owned());
        let (stdin, stdout, shell) = (None, Sink::Captured, None);
        Call { common, verb, env, conf, stdin, stdout, hold: false, cwd, shell, changes: Vec::new() }
    }

    /// The verb it was made for, whatever `CNI_COMMAND` says by now.
    pub(crate) fn verb(&self) -> &str {
        &self.verb
    }

    /// Its configuration.
    pub(crate) fn conf(&self) -> &Map<String, Value> {
        &self.conf
    }

    /// Belongs to a valid call: sets a variable without mentioning it.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl AsRef<OsStr>) -> Call {
        self.env.insert(key.into(), value.as_ref().into());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub(crate) fn env(self, key: &str, value: impl AsRef<OsStr>) -> Call {
        let change = format!("{key}={}", quoted(value.as_ref().to_string_lossy()));
        self.with(key, value).noting(change)
    }

    /// Takes an environment variable away.
    #[must_use]
    pub(crate) fn without(mut self, key: &str) -> Call {
        self.env.remove(OsStr::new(key));
        self.noting(format!("no {key}"))
    }

    /// Keeps these environment variables and takes all others away.
    #[must_use]
    pub(crate) fn only(mut self, keys: &[&str]) -> Call {
        self.env.retain(|key, _| keys.iter().any(|keep| OsStr::new(keep) == key));
        self.noting(format!("only {}", keys.join(", ")))
    }

    /// Sets a key of the configuration.
    #[must_use]
    pub(crate) fn key(mut self, key: &str, value: impl Into<Value>) -> Call {
        let value = value.into();
        let change = format!("\"{key}\":{}", brief(&value.to_string(), 60));
        self.conf.insert(key.to_owned(), value);
        self.noting(change)
    }

    /// Takes a key of the configuration away.
    #[must_use]
    pub(crate) fn without_key(mut self, key: &str) -> Call {
        self.conf.remove(key);
        self.noting(format!("no \"{key}\""))
    }

    /// Belongs to a valid call: changes the configuration without mentioning it.
    #[must_use]
    pub(crate) fn with_conf(mut self, change: impl FnOnce(&mut Map<String, Value>)) -> Call {
        change(&mut self.conf);
        self
    }

    /// Sends these bytes instead of the configuration.
    #[must_use]
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Call {
        let bytes = bytes.into();
        let change = format!("stdin {}", quoted(String::from_utf8_lossy(&bytes)));
        self.stdin = Some(Stdin::Bytes(bytes));
        self.noting(change)
    }

    /// Gives the plugin something else than a pipe to read from.
    #[must_use]
    pub(crate) fn stdin_file(mut self, path: &Path) -> Call {
        self.stdin = Some(Stdin::File(path.to_owned()));
        self.noting(format!("stdin is {}", path.display()))
    }

    /// Never ends the standard input.
    #[must_use]
    pub(crate) fn held_open(mut self) -> Call {
        self.hold = true;
        self.noting("stdin kept open".to_owned())
    }

    /// Gives the plugin a standard output that nobody reads.
    #[must_use]
    pub(crate) fn broken_stdout(mut self) -> Call {
        self.stdout = Sink::Broken;
        self.noting("stdout without a reader".to_owned())
    }

    /// Starts the plugin from this `sh` script, which finds it in `$0`.
    #[must_use]
    pub(crate) fn shell(mut self, script: &str) -> Call {
        self.shell = Some(script.to_owned());
        self.noting(format!("`{script}` to start it"))
    }

    /// Executes the plugin by another path.
    #[must_use]
    pub(crate) fn program(mut self, path: &Path) -> Call {
        self.common.program = path.to_owned();
        self.noting(format!("executed as {}", path.display()))
    }

    /// Starts it in another directory.
    #[must_use]
    pub(crate) fn cwd(mut self, path: &Path) -> Call {
        self.cwd = path.to_owned();
        self.noting(format!("in {}", path.display()))
    }

    /// Mentions something in what is reported as sent.
    #[must_use]
    pub(crate) fn noting(mut self, change: String) -> Call {
        self.changes.push(change);
        self
    }

    /// The same call, whose answer nobody remembers.
    #[must_use]
    pub(crate) fn in_private(mut self) -> Call {
        self.common.last = Arc::default();
        self
    }

    /// Makes the call and waits for its end.
    pub(crate) fn run(&self) -> Result<Answer, Stop> {
        if self.common.interrupted.load(Ordering::Relaxed) {
            return Err(Stop::skipped("interrupted"));
        }
        self.answer(self.start()?)
    }

    /// Starts the call; [`Call::answer`] takes its end.
    pub(crate) fn start(&self) -> Result<Running, Stop> {
        let process = self.process();
        self.keep(|| repeat::line(&process));
        Ok(process.start()?)
    }

    /// The answer of a call that was started, at its end.
    pub(crate) fn answer(&self, running: Running) -> Result<Answer, Stop> {
        let answer = Answer::new(self.sent(), running.finish()?, self.common.skel_strings);
        self.keep(|| format!("# {}", one_line(&answer.glance())));
        *self.common.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer.clone());
        Ok(answer)
    }

    /// Keeps a line for who wants to repeat the call.
    fn keep(&self, line: impl FnOnce() -> String) {
        if let Some(calls) = &self.common.calls {
            calls.lock().unwrap_or_else(PoisonError::into_inner).push(line());
        }
    }

    /// What a report says was sent: the verb, and everything unusual.
    pub(crate) fn sent(&self) -> String {
        let mut sent = self.verb.clone();
        if let Some(Value::String(version)) = self.conf.get("cniVersion").filter(|_| self.stdin.is_none()) {
            sent.push_str(&format!(" {version}"));
        }
        if !self.changes.is_empty() {
            sent.push_str(&format!(" with {}", self.changes.join(", ")));
        }
        sent
    }

    fn process(&self) -> Process {
        let plugin = &self.common.program;
        let (program, args) = match &self.shell {
            Some(script) => (PathBuf::from("/bin/sh"), vec!["-c".into(), script.into(), plugin.into()]),
            None => (plugin.clone(), Vec::new()),
        };
        let conf = || Value::Object(self.conf.clone()).to_string().into_bytes();
        let stdin = match self.stdin.clone().unwrap_or_else(|| Stdin::Bytes(conf())) {
            Stdin::Bytes(bytes) if self.hold => Stdin::Open(bytes),
            other => other,
        };
        Process {
            program,
            args,
            env: self.env.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            cwd: self.cwd.clone(),
            stdin,
            stdout: self.stdout,
            stderr: Sink::Captured,
            timeout: self.common.timeout,
        }
    }
}
