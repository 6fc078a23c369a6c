//! What a run has found, for people and for machines.

mod json;
mod junit;
mod table;
mod view;

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::case_result::{CaseResult, Status};
use super::levels::Profile;

pub use self::view::View;

/// A format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line per check, as wide as the terminal, and the particulars of those that failed.
    #[default]
    Table,
    /// One JSON object.
    Json,
    /// JUnit's XML, which CI systems display.
    Junit,
}

/// All about a run but its rows.
#[derive(Clone, Debug, Serialize)]
pub struct About {
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
pub struct Summary {
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
    pub fn of(rows: &[CaseResult]) -> Summary {
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

impl Format {
    /// Writes the whole report; only a table depends on who looks at it.
    pub fn write(
        self,
        out: &mut impl Write,
        about: &About,
        rows: &[CaseResult],
        view: View,
    ) -> io::Result<()> {
        match self {
            Format::Table => table::write(out, about, rows, view),
            Format::Json => json::write(out, about, rows),
            Format::Junit => junit::write(out, about, rows),
        }
    }
}

/// The profile's name on the command line.
pub fn name(profile: Profile) -> String {
    profile.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
