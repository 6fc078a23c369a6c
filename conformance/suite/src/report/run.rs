//! A run as a whole.

use serde::Serialize;

use crate::case_result::{CaseResult, Status};

/// All about a run but its rows.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct About {
    /// The plugin's path.
    pub plugin: String,
    /// The profile's name.
    pub profile: String,
    /// The versions that it lists.
    pub versions: Vec<String>,
    /// The number that random inputs were made from.
    pub seed: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// As they should be.
    pub passed: usize,
    /// Not as they should be, and required.
    pub failed: usize,
    /// Not as they should be, but not required in this profile.
    pub advised: usize,
    /// Not run.
    pub skipped: usize,
}

impl Summary {
    /// Of these rows.
    pub(crate) fn of(rows: &[CaseResult]) -> Summary {
        let mut summary = Summary::default();
        for row in rows {
            *match (row.status, row.required) {
                (Status::Pass, _) => &mut summary.passed,
                (Status::Fail, true) => &mut summary.failed,
                (Status::Fail, false) => &mut summary.advised,
                (Status::Skip, _) => &mut summary.skipped,
            } += 1;
        }
        summary
    }
}
