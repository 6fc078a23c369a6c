//! What came of a check.

use serde::Serialize;

use super::case::{Group, TestCase};
use super::done::Done;
use super::reason;
use super::stop::{Failure, Stop};
use super::text::brief;

/// What came of it, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// Not run.
    Skip,
}

/// What that means for the run as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conclusion {
    /// As it should be.
    Passed,
    /// Not as it should be, and the run fails.
    Failed,
    /// Not as it should be, as the baseline says.
    Known,
    /// Not as it should be, but not required in this profile.
    Advised,
    /// Not run.
    Skipped,
}

impl Conclusion {
    /// In a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Conclusion::Passed => "pass",
            Conclusion::Failed => "FAIL",
            Conclusion::Known => "known",
            Conclusion::Advised => "advice",
            Conclusion::Skipped => "skip",
        }
    }
}

/// A check's line in the report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CaseResult {
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
    /// Where it is explained, beside the suite's README.
    pub explained: String,
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
    /// Whether it failed, with one version at least, by no fault of the plugin's: the suite could not find out.
    pub broken: bool,
    /// What the baseline says of its failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
    /// The calls of the run that the row shows as a script, where they are wanted.
    #[serde(skip)]
    pub calls: String,
}

impl CaseResult {
    /// What it means for the run.
    pub(crate) fn conclusion(&self) -> Conclusion {
        match (self.status, self.required) {
            (Status::Pass, _) => Conclusion::Passed,
            (Status::Skip, _) => Conclusion::Skipped,
            (Status::Fail, true) if self.known.is_some() => Conclusion::Known,
            (Status::Fail, true) => Conclusion::Failed,
            (Status::Fail, false) => Conclusion::Advised,
        }
    }

    /// Of a check that was not run.
    pub(crate) fn skipped(
        group: &Group,
        case: &TestCase,
        required: bool,
        reason: impl Into<String>,
    ) -> CaseResult {
        CaseResult {
            number: case.number,
            group: group.name,
            verb: case.verb,
            levels: letters(case),
            source: case.source,
            explained: reason::address(case.number),
            status: Status::Skip,
            required,
            versions: Vec::new(),
            failed_versions: Vec::new(),
            sent: case.when.to_owned(),
            came_back: String::new(),
            should: case.then.to_owned(),
            seconds: 0.0,
            remark: reason.into(),
            broken: false,
            known: None,
            calls: String::new(),
        }
    }

    /// Of all its runs: one failure is a failure, and it is skipped only if no run was not. What the row shows is the
    /// first failure, else the last answer.
    pub(crate) fn of(group: &Group, case: &TestCase, required: bool, runs: Vec<Done>) -> CaseResult {
        let mut row = CaseResult::skipped(group, case, required, "");
        let mut reasons: Vec<String> = Vec::new();
        let mut first: Option<Failure> = None;
        for run in runs {
            row.versions.push(run.version.clone());
            row.seconds += run.elapsed.as_secs_f64();
            reasons.extend(run.remarks);
            if first.is_none() {
                row.calls = run.calls;
            }
            let failure = match run.verdict {
                Ok(()) => {
                    row.status = Status::Pass;
                    row.came_back = run.last.map(|last| brief(&last.glance(), 200)).unwrap_or_default();
                    continue;
                }
                Err(Stop::Skipped(reason)) => {
                    reasons.push(reason);
                    continue;
                }
                Err(Stop::Failed(failure)) => *failure,
                Err(Stop::Broken(error)) => {
                    row.broken = true;
                    broken(case, &error)
                }
            };
            first.get_or_insert(failure);
            row.failed_versions.push(run.version);
        }
        reasons.dedup();
        reasons.truncate(3);
        row.remark = reasons.join("; ");
        if let Some(Failure { sent, came_back, should }) = first {
            (row.status, row.sent, row.should) = (Status::Fail, sent, should);
            row.came_back = brief(&came_back, 400);
        }
        row
    }
}

/// The letters of its levels, as reports and lists print them.
pub(super) fn letters(case: &TestCase) -> String {
    case.levels.iter().map(|level| level.letter()).map(String::from).collect::<Vec<_>>().join("/")
}

/// The suite could not find out.
fn broken(case: &TestCase, error: &anyhow::Error) -> Failure {
    let came_back = format!("the suite itself failed: {error:#}");
    Failure { sent: case.when.to_owned(), came_back, should: case.then.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::stop::Verdict;
    use crate::topics::GROUPS;

    fn row(verdicts: Vec<Verdict>) -> CaseResult {
        let run = |(index, verdict)| Done {
            version: format!("0.{index}.0"),
            verdict,
            remarks: Vec::new(),
            last: None,
            calls: String::new(),
            elapsed: Duration::from_secs(1),
        };
        let runs = verdicts.into_iter().enumerate().map(run).collect();
        CaseResult::of(&GROUPS[0], &GROUPS[0].cases[0], true, runs)
    }

    #[test]
    fn a_row_shows_its_first_failure() {
        let failed = |came_back| Err(Stop::failed("sent", came_back, "should"));
        let row = row(vec![Ok(()), failed("first"), Ok(()), failed("second"), Ok(())]);
        assert_eq!((row.status, row.came_back.as_str()), (Status::Fail, "first"));
        assert_eq!(row.failed_versions, ["0.1.0", "0.3.0"]);
        assert_eq!(row.versions.len(), 5);
    }

    #[test]
    fn a_row_is_skipped_only_if_every_run_was() {
        let skipped = || Err(Stop::skipped("reason"));
        assert_eq!(row(vec![skipped(), Ok(()), skipped()]).status, Status::Pass);
        let row = row(vec![skipped(), skipped()]);
        assert_eq!((row.status, row.remark.as_str()), (Status::Skip, "reason"));
    }

    #[test]
    fn what_goes_wrong_in_the_suite_is_no_pass() {
        let row = row(vec![Ok(()), Err(Stop::Broken(anyhow::anyhow!("no iproute2")))]);
        assert_eq!((row.status, row.broken), (Status::Fail, true));
        assert!(row.came_back.contains("no iproute2"), "{}", row.came_back);
    }
}
