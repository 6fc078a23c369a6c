//! One line on standard error that says how far the suite is, where somebody is watching.

use std::io::{IsTerminal, Write, stderr};

use super::case_result::{CaseResult, Status};

/// The line.
pub(crate) struct Progress {
    total: usize,
    done: usize,
    failed: usize,
    shown: bool,
}

impl Progress {
    /// For this many checks.
    pub(crate) fn new(total: usize) -> Progress {
        Progress { total, done: 0, failed: 0, shown: stderr().is_terminal() }
    }

    /// One more is done.
    pub(crate) fn advance(&mut self, row: &CaseResult) {
        self.done += 1;
        self.failed += usize::from(row.status == Status::Fail && row.required);
        self.show(&format!(
            "{}/{} checks, {} failed, last: {} {}",
            self.done, self.total, self.failed, row.number, row.verb
        ));
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        self.show("");
    }

    fn show(&self, text: &str) {
        if self.shown {
            // Nobody depends on it.
            let _ = write!(stderr(), "\r\x1b[K{text}").and_then(|()| stderr().flush());
        }
    }
}
