//! The error a plugin answers with: the specification's error object (SPEC, "Error").

use std::fmt;

/// Error codes: 1 to 11, 50 and 51 as in SPEC ("Error") and `types.Err*` of the reference library. Codes below
/// 100 are the specification's; a plugin's own start there.
pub mod code {
    /// The configuration's `cniVersion`, or the verb in that version, is not one the plugin speaks.
    pub const INCOMPATIBLE_VERSION: u32 = 1;
    /// A configuration field that the plugin does not support; the message holds its key and value.
    pub const UNSUPPORTED_FIELD: u32 = 2;
    /// The container is unknown or gone: the runtime need not call DEL for it.
    pub const UNKNOWN_CONTAINER: u32 = 3;
    /// A `CNI_*` variable is missing or malformed; the message names it.
    pub const INVALID_ENVIRONMENT: u32 = 4;
    /// Reading standard input failed, or another I/O failure.
    pub const IO: u32 = 5;
    /// Standard input is not the JSON that was expected.
    pub const DECODE: u32 = 6;
    /// The network configuration has a missing or bad value.
    pub const INVALID_CONFIG: u32 = 7;
    /// `CNI_NETNS` is the plugin's own namespace, or that cannot be determined (`types.ErrInvalidNetNS`).
    pub const INVALID_NETNS: u32 = 8;
    /// A transient condition: the runtime should try again later.
    pub const TRY_AGAIN: u32 = 11;
    /// STATUS: ADD would fail now.
    pub const NOT_AVAILABLE: u32 = 50;
    /// STATUS: ADD would fail now, and running containers may have lost connectivity too.
    pub const LIMITED_CONNECTIVITY: u32 = 51;
    /// A defect of the plugin, a panic for instance (the number of `types.ErrInternal`).
    pub const INTERNAL: u32 = 999;
}

/// Longest message or details text, in bytes; quoted input and answers of servers may be of any length.
const LONGEST: usize = 4096;

/// A failure as the runtime shows it: in a pod's event as `msg; details`, the code on no screen.
///
/// Both texts are one line: line breaks and other control characters become spaces, because they would break
/// the table of `kubectl describe`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: u32,
    msg: String,
    details: String,
}

impl Error {
    /// An error with one of the numbers of [`code`], or a plugin's own from 100.
    pub fn new(code: impl Into<u32>, msg: impl Into<String>) -> Self {
        Self { code: code.into(), msg: one_line(msg.into()), details: String::new() }
    }

    /// The same error with the longer text that runtimes show behind the message.
    #[must_use]
    pub fn details(self, details: impl Into<String>) -> Self {
        Self { details: one_line(details.into()), ..self }
    }

    /// The error code.
    pub fn code(&self) -> u32 {
        self.code
    }

    /// The short message.
    pub fn msg(&self) -> &str {
        &self.msg
    }

    /// The long text; empty when there is none.
    pub fn detail_text(&self) -> &str {
        &self.details
    }
}

/// As the reference library prints it: `msg`, or `msg; details`.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.msg)?;
        if !self.details.is_empty() {
            write!(f, "; {}", self.details)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// `text` in one line of bounded length.
pub(crate) fn one_line(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST - 3).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    if text.chars().any(breaks_line) {
        text = text.chars().map(|c| if breaks_line(c) { ' ' } else { c }).collect();
    }
    text
}

fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_a_pod_event_shows() {
        assert_eq!(Error::new(7u32, "bad").to_string(), "bad");
        assert_eq!(Error::new(7u32, "bad").details("very").to_string(), "bad; very");
    }

    #[test]
    fn is_one_line_of_bounded_length() {
        let error = Error::new(7u32, "a\nb\u{7}\u{85}c\u{2028}d").details("é".repeat(5000));
        assert_eq!(error.msg(), "a b  c d");
        assert!(error.detail_text().len() <= LONGEST);
        assert!(error.detail_text().ends_with("é..."));
    }
}
