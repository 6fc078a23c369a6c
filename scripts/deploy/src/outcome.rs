//! How a command ends.

use std::process::ExitCode;

use crate::fault::Faults;

/// What a command has to say, and how it ends.
pub(crate) struct Report {
    /// For standard output.
    pub(crate) text: String,
    /// For scripts.
    pub(crate) code: ExitCode,
}

/// A command's end.
pub(crate) type Outcome = Result<Report, Faults>;
