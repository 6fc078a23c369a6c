//! What came of a check.

use std::time::Duration;

use serde::Serialize;

use super::answer::Answer;
use super::catalogue::{Check, Group};
use super::stop::{Failure, Stop, Verdict};
use super::text::brief;

/// What came of it, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// Not run.
    Skip,
}

/// What came of one run.
#[derive(Debug)]
pub struct Done {
    /// With which version.
    pub version: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What is worth knowing although it passed.
    pub remarks: Vec<String>,
    /// The last answer of the plugin.
    pub last: Option<Answer>,
    /// How long it took, surroundings included.
    pub elapsed: Duration,
}

/// A check's line in the report.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its number.
    pub number: u16,
    /// Its group.
    pub group: &'static str,
    /// Its verb.
    pub verb: &'static str,
    /// The letters of its levels.
    pub levels: String,
    /// Where it comes from.
    pub source: &'static str,
    /// What came of it.
    pub status: Status,
    /// Whether the suite fails if it does.
    pub required: bool,
    /// The versions it ran with.
    pub versions: Vec<String>,
    /// Those it failed with.
    pub failed_versions: Vec<String>,
    /// What was sent: in general, or in the run that failed.
    pub sent: String,
    /// What came back.
    pub came_back: String,
    /// What should have.
    pub should: String,
    /// How long all its runs took together, in seconds.
    pub seconds: f64,
    /// Why it was not run, or what is worth knowing.
    pub remark: String,
}

impl Row {
    /// Of a check that was not run.
    pub fn skipped(group: &Group, check: &Check, required: bool, reason: impl Into<String>) -> Row {
        Row {
            number: check.number,
            group: group.name,
            verb: check.verb,
            levels: letters(check),
            source: check.source,
            status: Status::Skip,
            required,
            versions: Vec::new(),
            failed_versions: Vec::new(),
            sent: check.when.to_owned(),
            came_back: String::new(),
            should: check.then.to_owned(),
            seconds: 0.0,
            remark: reason.into(),
        }
    }

    /// Of all its runs: one failure is a failure, and it is skipped only if no run was not.
    pub fn of(group: &Group, check: &Check, required: bool, runs: Vec<Done>) -> Row {
        let mut row = Row::skipped(group, check, required, "");
        let mut reasons: Vec<String> = Vec::new();
        let mut passed = false;
        for run in runs {
            row.versions.push(run.version.clone());
            row.seconds += run.elapsed.as_secs_f64();
            reasons.extend(run.remarks);
            let failure = match run.verdict {
                Ok(()) => {
                    passed = true;
                    if let Some(last) = run.last {
                        row.came_back = brief(&last.came_back(), 200);
                    }
                    continue;
                }
                Err(Stop::Skipped(reason)) => {
                    reasons.push(reason);
                    continue;
                }
                Err(Stop::Failed(failure)) => *failure,
                Err(Stop::Broken(error)) => broken(check, &error),
            };
            if row.failed_versions.is_empty() {
                row.sent = failure.sent;
                row.came_back = failure.came_back;
                row.should = failure.should;
            }
            row.failed_versions.push(run.version);
        }
        reasons.dedup();
        reasons.truncate(3);
        row.remark = reasons.join("; ");
        row.status = match (row.failed_versions.is_empty(), passed) {
            (false, _) => Status::Fail,
            (true, true) => Status::Pass,
            (true, false) => Status::Skip,
        };
        if row.status == Status::Fail && !row.came_back.is_empty() {
            // A failing row is about one run; the general words are in the list of checks.
            row.came_back = brief(&row.came_back, 400);
        }
        row
    }
}

fn letters(check: &Check) -> String {
    check.levels.iter().map(|level| level.letter()).map(String::from).collect::<Vec<_>>().join("/")
}

/// The suite could not find out.
fn broken(check: &Check, error: &anyhow::Error) -> Failure {
    let came_back = format!("the suite itself failed: {error:#}");
    Failure { sent: check.when.to_owned(), came_back, should: check.then.to_owned() }
}
