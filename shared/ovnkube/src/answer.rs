//! What an HTTP answer means (`cniserver.go: writeCNIResponse`, `cnishim.go: doCNI`).

use serde::Deserialize;

use crate::http::Answer;
use crate::wire::Fields;
use crate::{Failure, Health, Response};

/// CNI code "the plugin is not available", the server's word for a card that is not ready.
const NOT_AVAILABLE: u32 = 50;

/// How the text of an ADD's refusal begins while the card is not ready; STATUS has it in a CNI error.
const NOT_READY: &str = "DPU Not Ready";

/// How a server that knows no STATUS refuses it, having taken it for a pod's request (6c366bb49 and before).
const UNAWARE: [&str; 2] = ["missing CNI_", "invalid CNI_ARG"];

/// The longest text of another's that enters an error of ours, in bytes.
const MAX_TEXT: usize = 1024;

/// The answer to ADD or DEL.
pub(crate) fn response(answer: &Answer) -> Result<Response, Failure> {
    if answer.status != 200 {
        return Err(refusal(answer));
    }
    serde_json::from_slice(&answer.body).map_err(|e| Failure::Garbage(one_line(&e.to_string())))
}

/// The answer to STATUS.
pub(crate) fn health(answer: &Answer) -> Result<Health, Failure> {
    if answer.status == 200 {
        return Ok(Health::Ready);
    }
    match refusal(answer) {
        Failure::Cni { code, msg, .. } => Ok(Health::NotReady { code, reason: msg }),
        Failure::Refused(text) if UNAWARE.iter().any(|start| text.starts_with(start)) => Ok(Health::Alive),
        Failure::Refused(text) if text.starts_with(NOT_READY) => {
            Ok(Health::NotReady { code: NOT_AVAILABLE, reason: text })
        }
        failure => Err(failure),
    }
}

/// An error status: a CNI error in JSON, else plain text.
fn refusal(answer: &Answer) -> Failure {
    if let Ok(CniError { code, msg, details }) = serde_json::from_slice(&answer.body)
        && code != 0
    {
        return Failure::Cni { code, msg: one_line(&msg), details: one_line(&details) };
    }
    // Other JSON is not quoted: for all we know it holds a token. The server's own texts may begin with a bracket.
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&answer.body).is_ok();
    let text = if is_json || answer.body.trim_ascii_start().starts_with(b"{") {
        String::from("JSON that is no CNI error")
    } else {
        one_line(&String::from_utf8_lossy(&answer.body))
    };
    match (answer.status, text.is_empty()) {
        (400, false) => Failure::Refused(text),
        (status, false) => Failure::Refused(format!("HTTP status {status}: {text}")),
        (status, true) => Failure::Refused(format!("HTTP status {status} without a word")),
    }
}

struct CniError {
    code: u32,
    msg: String,
    details: String,
}

impl<'de> Deserialize<'de> for CniError {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut fields = Fields::read(from)?;
        Ok(CniError {
            code: fields.take("code")?,
            msg: fields.take("msg")?,
            details: fields.take("details")?,
        })
    }
}

/// `text` without line breaks or control characters, and not too long.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > MAX_TEXT {
            let end = line.char_indices().map(|(at, _)| at).take_while(|at| *at <= MAX_TEXT).last();
            line.truncate(end.unwrap_or_default());
            line.push('…');
            break;
        }
    }
    line
}
