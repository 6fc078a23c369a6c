//! A run as a whole.

use serde::Serialize;

use crate::case_result::{CaseResult, Conclusion};

/// All about a run but its rows.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct About {
    /// The plugin's path.
    pub plugin: String,
    /// Where its configuration comes from, if it has one.
    pub configuration: Option<String>,
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
    /// Checks that the baseline says fail, and that passed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mended: Vec<u16>,
}

impl About {
    /// The plugin's type.
    pub(super) fn name(&self) -> &str {
        self.plugin.rsplit('/').next().unwrap_or(&self.plugin)
    }
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// As they should be.
    pub passed: usize,
    /// Not as they should be, and required.
    pub failed: usize,
    /// Not as they should be, as the baseline says.
    pub known: usize,
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
            *match row.conclusion() {
                Conclusion::Passed => &mut summary.passed,
                Conclusion::Failed => &mut summary.failed,
                Conclusion::Known => &mut summary.known,
                Conclusion::Advised => &mut summary.advised,
                Conclusion::Skipped => &mut summary.skipped,
            } += 1;
        }
        summary
    }

    /// In words; advice is no failure.
    pub(super) fn words(self) -> String {
        let Summary { passed, failed, known, advised, skipped } = self;
        let known = if known == 0 { String::new() } else { format!(", {known} known to fail") };
        let advice = if advised == 0 { String::new() } else { format!(", {advised} not as advised") };
        format!("{passed} passed, {failed} failed, {skipped} skipped{known}{advice}")
    }
}
