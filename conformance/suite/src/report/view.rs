//! How a report looks to whoever reads it.

use std::env;
use std::io::{IsTerminal, stdout};

use crate::case_result::{CaseResult, Conclusion};

/// Characters on a line where nobody says how many there are.
const USUAL: usize = 100;
/// Fewer than these cannot hold the columns.
const LEAST: usize = 60;

/// Width, colours, and whether only failures count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// Characters on a line.
    pub width: usize,
    /// Whether verdicts have colours.
    pub colour: bool,
    /// Whether only what failed is shown.
    pub failures: bool,
}

impl View {
    /// In a file.
    pub(super) const PLAIN: View = View { width: USUAL, colour: false, failures: false };

    /// Of standard output: as wide as `COLUMNS` says or the terminal is; coloured on a terminal, unless `NO_COLOR` is set
    /// (no-color.org) or the terminal is dumb.
    pub(crate) fn of_stdout(failures: bool) -> View {
        let set = |key: &str| env::var(key).ok().filter(|value| !value.is_empty());
        let columns = set("COLUMNS").and_then(|columns| columns.parse().ok());
        let window = || rustix::termios::tcgetwinsize(stdout()).ok().map(|size| usize::from(size.ws_col));
        let width = columns.or_else(window).filter(|&width| width > 0).unwrap_or(USUAL).max(LEAST);
        let plain = set("NO_COLOR").is_some() || set("TERM").is_some_and(|term| term == "dumb");
        View { width, colour: stdout().is_terminal() && !plain, failures }
    }

    /// Whether a check has its line.
    pub(super) fn shows(self, row: &CaseResult) -> bool {
        !self.failures || row.broken || row.conclusion() == Conclusion::Failed
    }

    /// The verdict of a check, in a column of six.
    pub(super) fn verdict(self, row: &CaseResult) -> String {
        let conclusion = row.conclusion();
        let colour = match conclusion {
            Conclusion::Passed => "32",
            Conclusion::Failed => "1;31",
            Conclusion::Known | Conclusion::Advised => "33",
            Conclusion::Skipped => "2",
        };
        let word = conclusion.word();
        if self.colour { format!("\x1b[{colour}m{word:<6}\x1b[m") } else { format!("{word:<6}") }
    }
}
