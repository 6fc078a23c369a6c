//! A line per check, then the particulars of those that failed, then what the letters mean and the sum.

use std::io::{self, Write};

use super::run::{About, Summary};
use super::view::View;
use crate::case_result::{CaseResult, Conclusion, Status};
use crate::levels::Level;

/// Before the columns that share what is left of the line: number, level, verb, verdict.
const FIXED: usize = 3 + 1 + 5 + 1 + 12 + 1 + 6 + 1;
/// From this width on there is room for what came back.
const ROOMY: usize = 140;

pub(super) fn write(out: &mut impl Write, about: &About, rows: &[CaseResult], view: View) -> io::Result<()> {
    let About { plugin, profile, versions, configuration, .. } = about;
    let configuration =
        configuration.as_ref().map_or(String::new(), |from| format!(", configuration {from}"));
    writeln!(out, "{plugin}{configuration}, profile {profile}, CNI versions {}", versions.join(" "))?;
    let shown: Vec<&CaseResult> = rows.iter().filter(|row| view.shows(row)).collect();
    if !shown.is_empty() {
        lines(out, &shown, view)?;
    }
    for row in shown.iter().filter(|row| row.status == Status::Fail) {
        failure(out, row)?;
    }
    sum(out, about, rows, &shown)
}

fn lines(out: &mut impl Write, shown: &[&CaseResult], view: View) -> io::Result<()> {
    let columns = Columns::of(view.width);
    let head = ["sent", "should", "came back"].map(str::to_owned);
    writeln!(out, "no. level verb         result {}", columns.line(&head))?;
    for group in shown.chunk_by(|row, next| row.group == next.group) {
        writeln!(out, "-- {}", group[0].group)?;
        for row in group {
            let (number, levels, verb) = (row.number, fit(&row.levels, 5), fit(row.verb, 12));
            let cells = columns.line(&cells(row, columns));
            writeln!(out, "{number:>3} {levels:<5} {verb:<12} {} {cells}", view.verdict(row))?;
        }
    }
    Ok(())
}

/// How wide the last columns are; the third is there in a wide table only.
#[derive(Clone, Copy)]
struct Columns {
    each: usize,
    third: bool,
}

impl Columns {
    fn of(width: usize) -> Columns {
        let third = width >= ROOMY;
        let (count, gaps) = if third { (3, 2) } else { (2, 1) };
        Columns { each: (width - FIXED - gaps) / count, third }
    }

    fn line(self, cells: &[String; 3]) -> String {
        let shown = if self.third { &cells[..] } else { &cells[..2] };
        let padded: Vec<String> =
            shown.iter().map(|cell| format!("{:<1$}", fit(cell, self.each), self.each)).collect();
        padded.join(" ").trim_end().to_owned()
    }
}

/// What was sent, what should have come back and what did, with remarks; why it was not run is in the last column there is.
fn cells(row: &CaseResult, columns: Columns) -> [String; 3] {
    let remarked = |text: &str| match (text, row.remark.as_str()) {
        (text, "") => text.to_owned(),
        ("", remark) => remark.to_owned(),
        (text, remark) => {
            format!("{} [{remark}]", fit(text, columns.each.saturating_sub(remark.len() + 3).max(20)))
        }
    };
    let (sent, should) = (row.sent.clone(), row.should.clone());
    match (row.status, columns.third) {
        (Status::Skip, false) => [sent, format!("({})", row.remark), String::new()],
        (Status::Skip, true) => [sent, should, row.remark.clone()],
        (_, false) => [sent, should, String::new()],
        (_, true) => [sent, should, remarked(&row.came_back)],
    }
}

fn failure(out: &mut impl Write, row: &CaseResult) -> io::Result<()> {
    let excuse = match (row.conclusion(), row.known.as_deref()) {
        (Conclusion::Advised, _) => " (advice)".to_owned(),
        (Conclusion::Known, Some(why)) => format!(" (known: {why})"),
        _ => String::new(),
    };
    writeln!(out)?;
    writeln!(out, "{} {}{excuse}, with {}", row.number, row.verb, row.failed_versions.join(" "))?;
    writeln!(out, "    sent       {}", row.sent)?;
    writeln!(out, "    came back  {}", row.came_back)?;
    writeln!(out, "    should     {}", row.should)?;
    writeln!(out, "    source     {}", row.source)?;
    writeln!(out, "    why        --explain {}, or {}", row.number, row.explained)
}

fn sum(out: &mut impl Write, about: &About, rows: &[CaseResult], shown: &[&CaseResult]) -> io::Result<()> {
    writeln!(out)?;
    let used = |level: &&Level| shown.iter().any(|row| row.levels.contains(level.letter()));
    for level in Level::ALL.iter().filter(used) {
        writeln!(out, "{}  {}", level.letter(), level.meaning())?;
    }
    if shown.iter().any(|row| row.conclusion() == Conclusion::Advised) {
        writeln!(out, "advice: not as it should be, but profile {} does not require it", about.profile)?;
    }
    if !about.mended.is_empty() {
        let mended = about.mended.iter().map(u16::to_string).collect::<Vec<_>>().join(" ");
        writeln!(out, "no longer failing, take it out of the baseline: {mended}")?;
    }
    if about.interrupted {
        writeln!(out, "interrupted: the rest was not run")?;
    }
    let (sum, count) = (Summary::of(rows).words(), rows.len());
    writeln!(out, "{sum}; {count} checks in {:.1} s, seed {}", about.seconds, about.seed)
}

/// At most so many characters wide.
fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let start: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{}...", start.trim_end())
}
