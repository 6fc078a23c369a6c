//! The inventory for people, programs and Prometheus.

use std::fmt::Write;

use serde::Serialize;

use super::inventory::Row;
use super::state::{Place, State};
use crate::time::{age, now};

/// Whether the card may be rebooted now: what is not at home is an error, whosever it is, if it is the DPU's at all.
pub(super) fn drained(rows: &[Row]) -> Result<String, String> {
    let is_away = |row: &&Row| match row.state {
        State::Used | State::Orphaned => true,
        State::Foreign => false,
        State::Free | State::Lost | State::Leaked | State::Waiting => {
            matches!(row.place, Place::Pod | Place::Unknown)
        }
    };
    let names: Vec<String> =
        rows.iter().filter(is_away).map(|row| format!("{} ({})", row.device, whose(row))).collect();
    if names.is_empty() {
        Ok("no pod has a VF of this node".to_owned())
    } else {
        Err(format!("pods have VFs of this node: {}", names.join(", ")))
    }
}

/// Whose a VF is that is not at home, and how it comes home where nobody deletes that pod.
fn whose(row: &Row) -> String {
    match (&row.pod, row.state) {
        (None, _) => "whose is not known".to_owned(),
        (Some(pod), State::Orphaned) => {
            format!("{pod}, which is gone: dpu-host vfs --release {}", row.device)
        }
        (Some(pod), State::Leaked) => format!("{pod}, which is gone; it is on its way home"),
        (Some(pod), _) => pod.clone(),
    }
}

/// In columns, with a head.
pub(super) fn table(rows: &[Row]) -> Result<String, String> {
    if rows.is_empty() {
        return Ok("this node has no VFs, and no record of any".to_owned());
    }
    let head = ["VF", "PF", "NAME", "MAC", "WHERE", "STATE", "POD", "SINCE", "NOTE"].map(str::to_owned);
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let lines: Vec<[String; 9]> = std::iter::once(head)
        .chain(rows.iter().map(|row| {
            [
                row.device.clone(),
                dash(row.pf.clone()),
                dash(row.name.clone()),
                dash(row.mac.map(|mac| mac.to_string())),
                word(row.place),
                word(row.state),
                dash(row.pod.clone()),
                dash(row.since.map(age)),
                row.note.clone().unwrap_or_default(),
            ]
        }))
        .collect();
    Ok(aligned(lines).join("\n"))
}

/// The cells of each line under each other.
pub(super) fn aligned<const N: usize>(lines: Vec<[String; N]>) -> Vec<String> {
    let widths: Vec<usize> =
        (0..N).map(|at| lines.iter().map(|line| line[at].len()).max().unwrap_or(0)).collect();
    let padded = |line: &[String; N]| {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(padded).collect()
}

/// A list of objects.
pub(super) fn json(rows: &[Row]) -> Result<String, String> {
    serde_json::to_string_pretty(rows).map_err(|error| error.to_string())
}

/// For the node exporter's textfile collector.
pub(super) fn prometheus(rows: &[Row]) -> Result<String, String> {
    let mut text = String::from(
        "# HELP dpu_cni_vfs Virtual functions of this node by state.\n# TYPE dpu_cni_vfs gauge\n",
    );
    for wanted in State::ALL {
        let count = rows.iter().filter(|row| row.state == wanted).count();
        let _ = writeln!(text, "dpu_cni_vfs{{state=\"{}\"}} {count}", word(wanted));
    }
    text.push_str("# HELP dpu_cni_vf_attached_seconds How long a pod has had the VF.\n# TYPE dpu_cni_vf_attached_seconds gauge\n");
    for row in rows {
        if let (State::Used, Some(since), Some(pod)) = (row.state, row.since, &row.pod) {
            let _ = writeln!(
                text,
                "dpu_cni_vf_attached_seconds{{device=\"{}\",pod=\"{}\"}} {}",
                row.device,
                label(pod),
                now().saturating_sub(since)
            );
        }
    }
    for (name, kind, what) in [("total", "counter", "How often"), ("timestamp_seconds", "gauge", "When last")]
    {
        let _ = writeln!(
            text,
            "# HELP dpu_cni_vf_restored_{name} {what} the pod was given the VF back that it had lost.\n\
             # TYPE dpu_cni_vf_restored_{name} {kind}"
        );
        for row in rows {
            if let (Some(restored), Some(pod)) = (&row.restored, &row.pod) {
                let value = if kind == "counter" { restored.count.into() } else { restored.at };
                let labels = format!("device=\"{}\",pod=\"{}\"", row.device, label(pod));
                let _ = writeln!(text, "dpu_cni_vf_restored_{name}{{{labels}}} {value}");
            }
        }
    }
    text.push_str("# HELP dpu_cni_vf_as_recorded Whether the VF is as its record says.\n# TYPE dpu_cni_vf_as_recorded gauge\n");
    for row in rows {
        let _ = writeln!(
            text,
            "dpu_cni_vf_as_recorded{{device=\"{}\"}} {}",
            row.device,
            u8::from(row.as_recorded)
        );
    }
    Ok(text)
}

/// A label's value in the exposition format: one bad line and the collector drops the whole file.
fn label(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}

/// A place or a state, as JSON has it.
fn word(of: impl Serialize) -> String {
    serde_json::to_value(of).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
