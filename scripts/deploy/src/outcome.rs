//! How a command ends.

use std::process::ExitCode;

use serde::Serialize;

use crate::fault::{Fault, Faults};

/// What a command has to say, and how it ends.
pub(crate) struct Report {
    /// For standard output.
    pub(crate) text: String,
    /// For scripts.
    pub(crate) code: ExitCode,
}

/// A command's end.
pub(crate) type Outcome = Result<Report, Faults>;

/// What is printed for programs.
///
/// # Errors
/// When serde cannot write it, which is our mistake.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Fault> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n")
        .map_err(|error| Fault::new(format!("no JSON of this ({error})"), "report this"))
}
