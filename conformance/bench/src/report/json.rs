//! The report for programs, every single measurement included.

use anyhow::Result;
use serde_json::{Value, json};

use super::findings::Report;
use crate::stats::Summary;

/// The document. Times are in ms, memory is in KiB, sizes are in bytes.
pub(super) fn render(report: &Report) -> Result<String> {
    let measured: Vec<Value> = report
        .measured
        .iter()
        .map(|one| {
            json!({
                "group": one.group, "verb": one.verb, "name": one.name,
                "wall": Summary::of(&one.wall), "cpu": Summary::of(&one.cpu),
                "peak": one.peak, "syscalls": one.syscalls, "requests": one.requests,
                "rounds": { "wall": one.wall, "cpu": one.cpu },
            })
        })
        .collect();
    let sizes: Vec<Value> =
        report.sizes.iter().map(|(name, size)| json!({ "name": name, "size": size })).collect();
    let limits: Vec<Value> = report
        .verdicts
        .iter()
        .map(|one| json!({ "what": one.what, "at_most": one.at_most, "measured": one.measured, "met": one.met() }))
        .collect();
    let document = json!({
        "machine": report.machine, "command": report.command, "notes": report.notes,
        "measured": measured, "growth": report.curves, "sizes": sizes, "limits": limits,
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
}
