//! What came back from a call, and what it can be held to.

use serde_json::{Map, Value};
use testkit::process::Finished;

use super::stop::{Stop, Verdict};
use super::text::{brief, one_line};

/// The longest that an error's text may be, in characters.
pub const LONGEST: usize = 300;
/// What kubelet looks for in an ADD's error: it then retries ten times as often.
pub const NOT_READY: &str = "network is not ready";
/// What runtimes look for in other errors.
pub const MATCHED: &[&str] = &["not found", "no such file or directory", "\""];

/// The end of a call.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    sent: String,
    finished: Finished,
    skel_strings: bool,
}

/// An error object, decoded as strictly as runtimes need it.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    answer: Answer,
    /// `code`.
    pub code: u64,
    /// `msg`.
    pub msg: String,
    /// `details`, or nothing.
    pub details: String,
    /// `cniVersion`, which the reference library leaves out.
    pub version: Option<String>,
}

/// How a call ended, without its particulars: for comparing one call with another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Success.
    Ok,
    /// A well-formed error with this code.
    Refused(u64),
    /// Anything else.
    Garbled,
}

impl Answer {
    /// What `finished` after this was `sent`.
    pub(crate) fn new(sent: String, finished: Finished, skel_strings: bool) -> Answer {
        Answer { sent, finished, skel_strings }
    }

    /// The ended process.
    pub(crate) fn finished(&self) -> &Finished {
        &self.finished
    }

    /// What was sent, for a report.
    pub(crate) fn sent(&self) -> &str {
        &self.sent
    }

    /// Standard output as text.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.finished.stdout).into_owned()
    }

    /// Standard error as text.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.finished.stderr).into_owned()
    }

    /// For a report: the ending, the output, and the complaints if there is no output.
    pub(crate) fn came_back(&self) -> String {
        let (out, err) = (one_line(&self.stdout()), one_line(&self.stderr()));
        let said = match (out.is_empty(), err.is_empty()) {
            (false, _) => format!(", {}", brief(&out, 300)),
            (true, false) => format!(", empty stdout, stderr: {}", brief(&err, 300)),
            (true, true) => String::new(),
        };
        format!("{}{said}", self.finished.ending())
    }

    /// The same for whoever does not need every byte: of an error its code and its text.
    pub(crate) fn glance(&self) -> String {
        match self.refusal() {
            Ok(refusal) => format!("{}, code {}: {}", self.finished.ending(), refusal.code, refusal.text()),
            Err(_) => self.came_back(),
        }
    }

    /// Whether it ended in a stack trace, of Rust or of Go.
    pub(crate) fn panicked(&self) -> bool {
        ["panicked at", "goroutine 1 [running]"].iter().any(|trace| self.stderr().contains(trace))
    }

    /// A deviation: this answer came where something else should have.
    pub(crate) fn should(&self, should: impl Into<String>) -> Stop {
        Stop::failed(&self.sent, self.came_back(), should)
    }

    /// Fails with `should` unless `fine`.
    pub(crate) fn expect(&self, fine: bool, should: impl Into<String>) -> Verdict {
        if fine { Ok(()) } else { Err(self.should(should)) }
    }

    /// How it ended.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.refusal() {
            _ if self.finished.timed_out => Outcome::Garbled,
            _ if self.finished.status.success() => Outcome::Ok,
            Ok(refusal) => Outcome::Refused(refusal.code),
            Err(_) => Outcome::Garbled,
        }
    }

    /// Success.
    pub(crate) fn ok(&self) -> Verdict {
        self.expect(!self.finished.timed_out && self.finished.status.success(), "exit 0")
    }

    /// Success without a word.
    pub(crate) fn silent(&self) -> Verdict {
        self.ok()?;
        self.expect(self.finished.stdout.is_empty(), "exit 0 and an empty stdout")
    }

    /// Success, and one JSON object.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, Stop> {
        self.ok()?;
        match serde_json::from_slice(&self.finished.stdout) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(self.should("one JSON object on stdout")),
            Err(error) => Err(self.should(format!("one JSON object on stdout ({error})"))),
        }
    }

    /// An error as the specification and the runtimes' decoders want it.
    pub(crate) fn refusal(&self) -> Result<Refusal, Stop> {
        const SHOULD: &str = "a failure and one JSON error object on stdout";
        let finished = &self.finished;
        self.expect(!finished.timed_out && finished.status.code().is_some_and(|code| code != 0), SHOULD)?;
        let object = match serde_json::from_slice(&finished.stdout) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return Err(self.should(SHOULD)),
            Err(error) => return Err(self.should(format!("{SHOULD} ({error})"))),
        };
        let text = |key: &str| match object.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.should(format!("an error object whose `{key}` is a string"))),
        };
        let code = object.get("code").and_then(Value::as_u64);
        let code =
            code.ok_or_else(|| self.should("an error object whose `code` is a non-negative integer"))?;
        let msg = text("msg")?.filter(|msg| !msg.is_empty());
        let msg = msg.ok_or_else(|| self.should("an error object with a `msg`"))?;
        let (details, version) = (text("details")?.unwrap_or_default(), text("cniVersion")?);
        Ok(Refusal { answer: self.clone(), code, msg, details, version })
    }

    /// An error with this code.
    pub(crate) fn refused(&self, code: u64) -> Result<Refusal, Stop> {
        self.refused_with(&[code])
    }

    /// An error with one of these codes.
    pub(crate) fn refused_with(&self, codes: &[u64]) -> Result<Refusal, Stop> {
        let refusal = self.refusal()?;
        let names = codes.iter().map(u64::to_string).collect::<Vec<_>>().join(" or ");
        self.expect(codes.contains(&refusal.code), format!("an error with code {names}"))?;
        Ok(refusal)
    }
}

impl Refusal {
    /// `msg; details`: what a person gets to see.
    pub(crate) fn text(&self) -> String {
        if self.details.is_empty() { self.msg.clone() } else { format!("{}; {}", self.msg, self.details) }
    }

    /// Fails with `should` unless `fine`.
    pub(crate) fn expect(&self, fine: bool, should: impl Into<String>) -> Verdict {
        self.answer.expect(fine, should)
    }

    /// The text holds this.
    pub(crate) fn names(&self, what: &str) -> Verdict {
        self.expect(self.text().contains(what), format!("an error that names {what:?}"))
    }

    /// `msg` is what the reference library says, where that was asked for (`--skel-strings`).
    pub(crate) fn says(&self, skel: &str) -> Verdict {
        self.expect(
            !self.answer.skel_strings || self.msg == skel,
            format!("the reference's message {skel:?}"),
        )
    }

    /// As [`Refusal::says`], for a message with a variable end.
    pub(crate) fn begins(&self, skel: &str) -> Verdict {
        let fine = !self.answer.skel_strings || self.msg.starts_with(skel);
        self.expect(fine, format!("the reference's message {skel:?}..."))
    }
}
