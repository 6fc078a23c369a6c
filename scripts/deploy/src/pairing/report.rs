//! The pairs for people and for programs.

use linux::Mac;
use linux::sriov::PciAddress;
use serde::Serialize;

use super::claims::Source;
use super::nodes::label;
use super::odd::{Oddity, plain};
use super::pair::Pair;
use crate::fault::Fault;
use crate::inventory::NodeName;
use crate::outcome;

const HEAD: [&str; 5] = ["HOST", "CARD", "BY", "FUNCTIONS", "NAMED BY"];

/// A pair a line, an oddity a line, the verdict last.
pub(super) fn table(pairs: &[Pair<'_>], odd: &[Oddity]) -> String {
    let rows: Vec<[String; 5]> = [HEAD.map(str::to_owned)].into_iter().chain(pairs.iter().map(row)).collect();
    let widths: [usize; 5] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for row in rows.iter().filter(|_| !pairs.is_empty()) {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}  "));
        text += cells.collect::<String>().trim_end();
        text += "\n";
    }
    text.extend(odd.iter().map(|odd| format!("odd: {odd}\n")));
    let count =
        |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let oddities = match odd.len() {
        0 => "nothing is odd".to_owned(),
        many => count(many, "thing is odd", "things are odd"),
    };
    text + &format!("verdict: {}, {oddities}\n", count(pairs.len(), "pair", "pairs"))
}

fn row(pair: &Pair<'_>) -> [String; 5] {
    let by = match (pair.functions.is_empty(), pair.serial.is_some()) {
        (false, true) => "MAC, serial",
        (false, false) => "MAC",
        _ => "serial",
    };
    let functions: Vec<String> =
        pair.functions.iter().map(|(function, port)| format!("{}={}", label(function), port.name)).collect();
    let or_none = |text: String| if text.is_empty() { "-".to_owned() } else { plain(&text) };
    [
        pair.host.name.to_string(),
        pair.card.name.to_string(),
        format!("{by}{}", if pair.is_sure { "" } else { " (doubtful)" }),
        or_none(functions.join(" ")),
        or_none(pair.named_by.iter().map(|source| source.word()).collect::<Vec<_>>().join(", ")),
    ]
}

#[derive(Serialize)]
struct Document<'a> {
    pairs: Vec<Row<'a>>,
    odd: &'a [Oddity],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    host: &'a NodeName,
    card: &'a NodeName,
    functions: Vec<Ends<'a>>,
    serial: Option<&'a str>,
    sure: bool,
    named_by: &'a [Source],
}

#[derive(Serialize)]
struct Ends<'a> {
    pci: PciAddress,
    netdev: Option<&'a str>,
    port: &'a str,
    mac: Option<Mac>,
}

/// The same for programs.
pub(super) fn json(pairs: &[Pair<'_>], odd: &[Oddity]) -> Result<String, Fault> {
    let rows = pairs.iter().map(|pair| Row {
        host: &pair.host.name,
        card: &pair.card.name,
        functions: pair
            .functions
            .iter()
            .map(|(function, port)| Ends {
                pci: function.pci,
                netdev: function.netdev.as_deref(),
                port: &port.name,
                mac: port.mac,
            })
            .collect(),
        serial: pair.serial,
        sure: pair.is_sure,
        named_by: &pair.named_by,
    });
    outcome::json(&Document { pairs: rows.collect(), odd })
}
