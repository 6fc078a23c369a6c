//! Deviations that are known: a line each, `103 DEL wants the namespace`. A run fails only for what is not in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::case_result::{CaseResult, Status};
use super::text::brief;

/// What each file begins with, for who finds it.
const HEAD: &str =
    "# Checks of cni-conformance that are known to fail: the number, then why. Only others fail a run.\n";

/// The known ones, with what there is to say of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Baseline(BTreeMap<u16, String>);

impl Baseline {
    /// What was written down before.
    ///
    /// # Errors
    /// When it cannot be read, or a line does not begin with a number.
    pub(crate) fn read(path: &Path) -> Result<Baseline> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Baseline::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<Baseline> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let known = lines.map(|line| {
            let (number, why) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let number = number.parse().ok();
            let number = number.with_context(|| format!("no number of a check begins {line:?}"))?;
            Ok((number, why.trim().to_owned()))
        });
        known.collect::<Result<_>>().map(Baseline)
    }

    /// Marks the rows that are known to fail.
    pub(crate) fn mark(&self, rows: &mut [CaseResult]) {
        for row in rows.iter_mut().filter(|row| row.status == Status::Fail && row.required && !row.broken) {
            row.known = self.0.get(&row.number).cloned();
        }
    }

    /// Those that pass now, and need not be listed any more.
    pub(crate) fn mended(&self, rows: &[CaseResult]) -> Vec<u16> {
        let passed = |row: &&CaseResult| row.status == Status::Pass && self.0.contains_key(&row.number);
        rows.iter().filter(passed).map(|row| row.number).collect()
    }

    /// Every required check that fails in this run, known ones with what was said of them.
    pub(crate) fn write(path: &Path, rows: &[CaseResult]) -> Result<()> {
        let mut text = HEAD.to_owned();
        for row in rows.iter().filter(|row| row.status == Status::Fail && row.required && !row.broken) {
            let found = || format!("{}: {}", row.sent, row.came_back.replace('\n', " "));
            let why = row.known.clone().unwrap_or_else(|| brief(&found(), 160));
            let _ = writeln!(text, "{} {why}", row.number);
        }
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_number_and_a_reason() {
        let known = Baseline::parse("# why\n\n 103 DEL wants it\n4\n").unwrap();
        let expected = [(4, String::new()), (103, "DEL wants it".to_owned())];
        assert_eq!(known, Baseline(expected.into()));
    }

    #[test]
    fn a_line_without_a_number_is_named() {
        let error = Baseline::parse("103 this\nthat\n").unwrap_err();
        assert_eq!(error.to_string(), "no number of a check begins \"that\"");
    }
}
