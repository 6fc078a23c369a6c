//! What of the report stands in `conformance/README.md`: all calls in one table, how cost grows, and the limits.

use std::fmt::Write;

use super::findings::Report;
use super::table::{align, dash, growth, number, requests, verdicts};
use crate::group::{Measured, Role};
use crate::stats::Summary;

/// The section, from its date to the limits.
pub(super) fn render(report: &Report) -> String {
    let mut text = format!(
        "Measured with `scripts/bench`: {}.\n\nMedians, of the whole process:\n\n{}",
        report.machine.line(),
        calls(report)
    );
    let _ = write!(text, "\n{}", growth(&report.curves));
    let _ = write!(text, "\n{}", verdicts(&report.verdicts, report.judged));
    text
}

fn calls(report: &Report) -> String {
    let head = ["call", "contender", "wall ms", "CPU ms", "peak MiB", "system calls", "requests ms"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for block in report.blocks() {
        let mut title = block[0].title();
        // What does nothing does it under every name.
        let tells = |one: &&&Measured| !one.name.starts_with("does nothing") || one.group == "VERSION";
        for one in block.iter().filter(tells) {
            rows.push(vec![
                std::mem::take(&mut title),
                if one.role == Role::Ours { format!("**{}**", one.name) } else { one.name.clone() },
                number(Summary::of(&one.wall).median),
                number(Summary::of(&one.cpu).median),
                one.peak.map_or_else(dash, |kib| format!("{:.2}", kib as f64 / 1024.0)),
                one.syscalls.map_or_else(dash, |count| count.to_string()),
                requests(one),
            ]);
        }
    }
    align(&rows, 2)
}
