//! A line per check, then the particulars of those that failed, then the sum.

use std::io::{self, Write};

use super::{About, Summary};
use crate::case_result::{CaseResult, Status};
use crate::text::brief;

pub(super) fn write(out: &mut impl Write, about: &About, rows: &[CaseResult]) -> io::Result<()> {
    let About { plugin, profile, versions, seed, seconds, .. } = about;
    writeln!(out, "{plugin}, profile {profile}, CNI versions {}", versions.join(" "))?;
    writeln!(
        out,
        "{:>3} {:<5} {:<12} {:<6} {:<44} {:<44} came back",
        "no.", "level", "verb", "result", "sent", "should"
    )?;
    for rows in rows.chunk_by(|row, next| row.group == next.group) {
        writeln!(out, "-- {}", rows[0].group)?;
        for row in rows {
            line(out, row)?;
        }
    }
    for row in rows.iter().filter(|row| row.status == Status::Fail) {
        failure(out, row)?;
    }
    let Summary { passed, failed, advised, skipped } = Summary::of(rows);
    writeln!(out)?;
    if about.interrupted {
        writeln!(out, "interrupted: the rest was not run")?;
    }
    writeln!(
        out,
        "{passed} passed, {failed} failed, {advised} failed but are only advice in this profile, \
         {skipped} skipped; {} checks in {seconds:.1} s, seed {seed}",
        rows.len()
    )
}

fn line(out: &mut impl Write, row: &CaseResult) -> io::Result<()> {
    let CaseResult { number, verb, levels, status, required, .. } = row;
    let result = match (status, required) {
        (Status::Pass, _) => "pass",
        (Status::Fail, true) => "FAIL",
        (Status::Fail, false) => "advice",
        (Status::Skip, _) => "skip",
    };
    let last = match (row.remark.is_empty(), status) {
        (false, Status::Skip) => row.remark.clone(),
        (false, _) => format!("{} [{}]", brief(&row.came_back, 60), row.remark),
        (true, _) => brief(&row.came_back, 80),
    };
    let (sent, should) = (fit(&row.sent), fit(&row.should));
    writeln!(out, "{number:>3} {levels:<5} {verb:<12} {result:<6} {sent:<44} {should:<44} {last}")
}

fn failure(out: &mut impl Write, row: &CaseResult) -> io::Result<()> {
    let advice = if row.required { "" } else { " (advice)" };
    writeln!(out)?;
    writeln!(out, "{} {}{advice}, with {}", row.number, row.verb, row.failed_versions.join(" "))?;
    writeln!(out, "    sent       {}", row.sent)?;
    writeln!(out, "    came back  {}", row.came_back)?;
    writeln!(out, "    should     {}", row.should)?;
    writeln!(out, "    source     {}", row.source)
}

/// At most a column wide.
fn fit(text: &str) -> String {
    if text.chars().count() <= 44 {
        return text.to_owned();
    }
    let start: String = text.chars().take(41).collect();
    format!("{start}...")
}
