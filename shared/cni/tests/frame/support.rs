//! A plugin that records how it was called, and a process made of strings to call it in.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use cni::{Add, AddResult, Check, Del, Error, Gc, Leniency, Plugin, Process, Status};
use serde_json::{Value, json};

pub(crate) const STRICT: usize = 0;
pub(crate) const ANY_VERSION: usize = 1;
pub(crate) const NEVER: usize = 2;

/// Answers what it is told to, and remembers the calls that reached it.
#[derive(Default)]
pub(crate) struct Probe<const DEL: usize> {
    pub(crate) result: AddResult,
    pub(crate) failure: Option<Error>,
    pub(crate) calls: RefCell<Vec<String>>,
    pub(crate) afterwards: RefCell<usize>,
}

impl<const DEL: usize> Probe<DEL> {
    fn record(&self, call: String) -> Result<(), Error> {
        self.calls.borrow_mut().push(call);
        self.failure.clone().map_or(Ok(()), Err)
    }
}

impl<const DEL: usize> Plugin for Probe<DEL> {
    const NAME: &'static str = "probe";
    const ABOUT: &'static str = "records how it is called";
    const DEL: Leniency = [Leniency::Strict, Leniency::AnyVersion, Leniency::Never][DEL];

    fn add(&self, call: &Add) -> Result<AddResult, Error> {
        self.record(format!("ADD {} {} {}", call.attachment, call.netns.display(), call.args.pod()))?;
        Ok(self.result.clone())
    }

    fn del(&self, call: &Del) -> Result<(), Error> {
        let prev = call.conf.prev_result()?.map(|result| result.ips.len());
        self.record(format!("DEL {} {:?} {prev:?}", call.attachment, call.netns))
    }

    fn check(&self, call: &Check) -> Result<(), Error> {
        let prev = call.conf.prev_result()?.map(|result| result.ips.len());
        self.record(format!("CHECK {} {} {prev:?}", call.attachment, call.netns.display()))
    }

    fn status(&self, call: &Status) -> Result<(), Error> {
        self.record(format!("STATUS {}", call.conf.name()))
    }

    fn gc(&self, call: &Gc) -> Result<(), Error> {
        self.record(format!("GC {} {:?}", call.conf.name(), call.keep))
    }

    fn afterwards(&self, _verb: cni::Verb) {
        *self.afterwards.borrow_mut() += 1;
    }
}

/// A process to be: its variables and its standard input.
#[derive(Clone)]
pub(crate) struct Call {
    env: Vec<(String, OsString)>,
    stdin: Vec<u8>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Call {
    /// `verb` with everything that CRI-O sends, and a configuration of `version`.
    pub(crate) fn new(verb: &str, version: &str) -> Self {
        Self { env: Vec::new(), stdin: Vec::new() }
            .env("CNI_COMMAND", verb)
            .env("CNI_CONTAINERID", "suite-0001")
            .env("CNI_NETNS", "/var/run/netns/suite-nowhere")
            .env("CNI_IFNAME", "eth0")
            .env("CNI_PATH", "/opt/cni/bin")
            .env("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=pod")
            .conf(json!({"cniVersion": version, "name": "net", "type": "probe"}))
    }

    pub(crate) fn env(mut self, key: &str, value: impl Into<OsString>) -> Self {
        self = self.without(key);
        self.env.push((key.to_owned(), value.into()));
        self
    }

    pub(crate) fn without(mut self, key: &str) -> Self {
        self.env.retain(|(known, _)| known != key);
        self
    }

    pub(crate) fn conf(self, conf: Value) -> Self {
        self.stdin(conf.to_string())
    }

    /// The configuration with more keys.
    pub(crate) fn with(self, keys: Value) -> Self {
        let mut conf: Value = serde_json::from_slice(&self.stdin).unwrap();
        conf.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        self.conf(conf)
    }

    pub(crate) fn stdin(mut self, stdin: impl Into<Vec<u8>>) -> Self {
        self.stdin = stdin.into();
        self
    }

    pub(crate) fn run<const DEL: usize>(&self, probe: &Probe<DEL>) -> Answer {
        self.run_with(probe, &mut self.stdin.as_slice())
    }

    pub(crate) fn run_with<const DEL: usize>(&self, probe: &Probe<DEL>, stdin: &mut dyn Read) -> Answer {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let exit = self.serve(probe, stdin, &mut stdout, &mut stderr);
        Answer {
            success: exit == ExitCode::SUCCESS,
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    pub(crate) fn serve<const DEL: usize>(
        &self,
        probe: &Probe<DEL>,
        stdin: &mut dyn Read,
        stdout: &mut dyn Write,
        stderr: &mut dyn Write,
    ) -> ExitCode {
        let env = |key: &str| self.env.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone());
        cni::run(probe, Process { env: &env, stdin, stdout, stderr })
    }

    /// Runs a strict probe that must not be reached, and answers its error as (code, msg, details, version).
    pub(crate) fn refused(&self) -> (u64, String, String, String) {
        let probe = Probe::<STRICT>::default();
        let answer = self.run(&probe);
        assert_eq!(*probe.calls.borrow(), [""; 0], "{answer:?}");
        answer.error()
    }

    /// The code of [`Call::refused`].
    pub(crate) fn code(&self) -> u64 {
        self.refused().0
    }
}

impl Answer {
    /// The one error document, as (code, msg, details, cniVersion).
    pub(crate) fn error(&self) -> (u64, String, String, String) {
        assert!(!self.success, "{self:?}");
        let error: Value = serde_json::from_str(&self.stdout).unwrap();
        let text = |key: &str| error.get(key).map_or(String::new(), |text| text.as_str().unwrap().to_owned());
        assert!(!text("msg").is_empty(), "{self:?}");
        (error["code"].as_u64().unwrap(), text("msg"), text("details"), text("cniVersion"))
    }

    /// Success without a word.
    pub(crate) fn silent(&self) -> bool {
        self.success && self.stdout.is_empty() && self.stderr.is_empty()
    }
}

/// Standard input that must not be read.
pub(crate) struct Unreadable;

impl Read for Unreadable {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("read although it must not be"))
    }
}
