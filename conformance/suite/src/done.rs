//! What came of one run of a check.

use std::time::Duration;

use super::answer::Answer;
use super::stop::Verdict;

/// That.
#[derive(Debug)]
pub(crate) struct Done {
    /// With which version.
    pub version: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What is worth knowing although it passed.
    pub remarks: Vec<String>,
    /// The last answer of the plugin.
    pub last: Option<Answer>,
    /// Its calls as a script, where they are wanted.
    pub calls: String,
    /// How long it took, surroundings included.
    pub elapsed: Duration,
}
