//! A page: a badge, the sum, and a table of what failed.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::run::{About, Summary};
use crate::case_result::{CaseResult, Conclusion};
use crate::text::one_line;

pub(super) fn write(out: &mut impl Write, about: &About, rows: &[CaseResult]) -> io::Result<()> {
    let (summary, name) = (Summary::of(rows), about.name());
    writeln!(out, "# CNI conformance of {name}\n")?;
    writeln!(out, "{}\n", badge(summary))?;
    writeln!(
        out,
        "Profile {}, CNI versions {}: {}.",
        about.profile,
        about.versions.join(" "),
        summary.words()
    )?;
    let failed = |row: &&CaseResult| !matches!(row.conclusion(), Conclusion::Passed | Conclusion::Skipped);
    let failed: Vec<&CaseResult> = rows.iter().filter(failed).collect();
    if !failed.is_empty() {
        writeln!(out, "\n| Check | | Sent | Came back | Should | Source |\n|---|---|---|---|---|---|")?;
    }
    for row in failed {
        let cells = [&row.sent, &row.came_back, &row.should, row.source].map(cell).join(" | ");
        let check = format!("[{}]({}) {}", row.number, row.explained, row.verb);
        writeln!(out, "| {check} | {} | {cells} |", row.conclusion().word())?;
    }
    Ok(())
}

/// An image that says it in a line; shields.io draws what its address says.
fn badge(summary: Summary) -> String {
    let Summary { passed, failed, known, .. } = summary;
    let colour = if failed > 0 {
        "red"
    } else if known > 0 {
        "yellow"
    } else {
        "brightgreen"
    };
    let mut words = format!("{passed} passed, {failed} failed");
    if known > 0 {
        let _ = write!(words, ", {known} known");
    }
    let path = words.replace(' ', "%20").replace(',', "%2C");
    format!("![CNI conformance: {words}](https://img.shields.io/badge/CNI_conformance-{path}-{colour})")
}

/// Text in a cell: on one line, as it stands.
fn cell(text: &str) -> String {
    let text = one_line(text).replace('|', r"\|");
    if text.is_empty() || text.contains('`') { text } else { format!("`{text}`") }
}
