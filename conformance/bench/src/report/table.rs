//! Markdown tables whose columns line up.

use std::fmt::Write;

use super::against::News;
use super::findings::Report;
use crate::curve::Curve;
use crate::group::{Measured, Role};
use crate::limits::Verdict;
use crate::stats::{Percentiles, Ratio, Summary};

/// The whole report.
pub(super) fn render(report: &Report) -> String {
    let mut text = format!("{}\n`{}`\n", report.machine.line(), report.command);
    for note in &report.notes {
        let _ = writeln!(text, "- {note}");
    }
    for block in report.blocks() {
        let title = block[0].title();
        let _ = write!(text, "\n### {title}\n\n{}", measurements(&block));
    }
    if !report.curves.is_empty() {
        let _ = write!(text, "\n### Growth\n\n{}", growth(&report.curves));
    }
    if let Some(earlier) = &report.against {
        let _ = write!(text, "\n### Against {}\n\n{}", earlier.line(), news(&earlier.news(&report.measured)));
    }
    let _ = write!(text, "\n### Size\n\n{}", sizes(report));
    let _ = write!(text, "\n### Limits\n\n{}", verdicts(&report.verdicts, report.judged));
    text
}

fn measurements(block: &[&Measured]) -> String {
    let reference = block.iter().find(|one| one.role == Role::Reference).copied();
    let against = reference.map_or_else(String::new, |one| format!("x {}", one.name));
    let mut rows = vec![vec![
        String::new(),
        "wall ms".to_owned(),
        "quartiles".to_owned(),
        "CPU ms".to_owned(),
        "peak MiB".to_owned(),
        "system calls".to_owned(),
        "requests ms".to_owned(),
        against,
    ]];
    for one in block {
        let wall = Summary::of(&one.wall);
        let ratio = reference
            .filter(|reference| reference.name != one.name)
            .and_then(|reference| Ratio::of(&one.wall, &reference.wall));
        rows.push(vec![
            one.name.clone(),
            number(wall.median),
            format!("{} - {}", number(wall.low), number(wall.high)),
            number(Summary::of(&one.cpu).median),
            one.peak.map_or_else(dash, |kib| format!("{:.2}", kib as f64 / 1024.0)),
            one.syscalls.map_or_else(dash, |count| count.to_string()),
            requests(one),
            ratio.map_or_else(dash, times),
        ]);
    }
    align(&rows, 1)
}

/// Most calls ask nothing of links.
pub(super) fn requests(one: &Measured) -> String {
    Some(Summary::of(&one.requests).median).filter(|ms| *ms > 0.0).map_or_else(dash, number)
}

pub(super) fn growth(curves: &[Curve]) -> String {
    let mut rows = vec![vec![
        String::new(),
        "how many".to_owned(),
        "wall ms".to_owned(),
        "quartiles".to_owned(),
        "each p50".to_owned(),
        "p95".to_owned(),
        "p99".to_owned(),
        "CPU ms".to_owned(),
        "peak MiB".to_owned(),
    ]];
    for curve in curves {
        for point in &curve.points {
            let wall = Summary::of(&point.wall);
            let Percentiles { p50, p95, p99 } = Percentiles::of(&point.each);
            let of_each = |value: f64| if point.each.is_empty() { dash() } else { number(value) };
            rows.push(vec![
                curve.name.clone(),
                point.count.to_string(),
                number(wall.median),
                format!("{} - {}", number(wall.low), number(wall.high)),
                of_each(p50),
                of_each(p95),
                of_each(p99),
                // What this program does itself is not counted.
                Some(Summary::of(&point.cpu).median).filter(|ms| *ms > 0.0).map_or_else(dash, number),
                point.peak.map_or_else(dash, |kib| format!("{:.2}", kib as f64 / 1024.0)),
            ]);
        }
    }
    align(&rows, 1)
}

fn news(news: &[News]) -> String {
    let mut rows = vec![["", "", "x the earlier wall time", ""].map(str::to_owned).to_vec()];
    for one in news {
        rows.push(vec![one.title.clone(), one.name.clone(), times(one.times), one.verdict.to_owned()]);
    }
    align(&rows, 1)
}

fn sizes(report: &Report) -> String {
    let kib = |bytes: u64| format!("{:.0}", bytes as f64 / 1024.0);
    let mut rows = vec![["", "KiB", "stripped", "gzip -9"].map(str::to_owned).to_vec()];
    for (name, size) in &report.sizes {
        rows.push(vec![name.clone(), kib(size.plain), kib(size.stripped), kib(size.gzip)]);
    }
    align(&rows, 1)
}

pub(super) fn verdicts(verdicts: &[Verdict], judged: bool) -> String {
    let mut rows = vec![["", "at most", "measured", ""].map(str::to_owned).to_vec()];
    for verdict in verdicts {
        let measured = verdict.measured.as_ref().map_or_else(dash, |value| value.to_string());
        let met = match verdict.met() {
            Some(_) if !judged => "not judged",
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "not measured",
        };
        rows.push(vec![verdict.what.clone(), format!("{:.3}", verdict.at_most), measured, met.to_owned()]);
    }
    align(&rows, 1)
}

/// Three significant digits.
pub(super) fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// A ratio with its interval.
fn times(ratio: Ratio) -> String {
    format!("{} ({} - {})", number(ratio.of_medians), number(ratio.low), number(ratio.high))
}

pub(super) fn dash() -> String {
    "-".to_owned()
}

/// The first row is the head; the first `texts` columns are text, the others are numbers.
pub(super) fn align(rows: &[Vec<String>], texts: usize) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default().max(3))
        .collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column < texts {
                write!(text, "| {cell:<width$} ")
            } else {
                write!(text, "| {cell:>width$} ")
            };
        }
        text.push_str("|\n");
        if at == 0 {
            for (column, width) in widths.iter().enumerate() {
                let line = "-".repeat(width + 1);
                let _ = if column < texts { write!(text, "|{line}-") } else { write!(text, "|{line}:") };
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_numbers_keep_three_digits() {
        let row = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
        let rows = [row("", "ms"), row("one", &number(123.456)), row("three", &number(0.5))];
        let lines = ["|       |   ms |", "|-------|-----:|", "| one   |  123 |", "| three | 0.50 |"];
        assert_eq!(align(&rows, 1), lines.map(|line| format!("{line}\n")).concat());
    }
}
