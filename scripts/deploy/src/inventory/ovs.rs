//! What Open vSwitch has in its database, by `ovs-vsctl`: three tables, a line of JSON each, in the notation of OVSDB
//! (RFC 7047, section 5.1).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::document::{Bridge, Ovs};
use super::sources::{Sources, strange};
use crate::fault::Fault;

/// It waits for a dead database for ever, if it may.
const COMMAND: [&str; 14] = [
    "ovs-vsctl",
    "--timeout=10",
    "--format=json",
    "--columns=external_ids,other_config",
    "list",
    "Open_vSwitch",
    "--",
    "--columns=name,datapath_type,ports",
    "list",
    "Bridge",
    "--",
    "--columns=_uuid,name",
    "list",
    "Port",
];

/// A table; which one, its headings tell.
#[derive(Deserialize)]
struct Table {
    headings: Vec<String>,
    data: Vec<Vec<Value>>,
}

/// A row by its columns.
type Row = BTreeMap<String, Value>;

/// Asks for everything at once.
pub(super) fn read(sources: &Sources) -> Result<Ovs, Fault> {
    let text = sources.answer("ovs.json", &COMMAND)?;
    parse(&text).map_err(|error| strange(&COMMAND, error))
}

fn parse(text: &str) -> Result<Ovs, String> {
    let mut rows = Vec::new();
    for table in serde_json::Deserializer::from_str(text).into_iter::<Table>() {
        let Table { headings, data } = table.map_err(|error| error.to_string())?;
        rows.extend(data.into_iter().map(|cells| headings.iter().cloned().zip(cells).collect::<Row>()));
    }
    let named = rows.iter().filter_map(|row| Some((texts(row.get("_uuid")?).pop()?, name(row))));
    let ports: BTreeMap<String, String> = named.collect();
    let root = rows.iter().find(|row| row.contains_key("external_ids")).ok_or("no row of Open_vSwitch")?;
    let mut bridges: Vec<Bridge> = rows.iter().filter_map(|row| bridge(row, &ports)).collect();
    bridges.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Ovs { external_ids: map(root, "external_ids")?, other_config: map(root, "other_config")?, bridges })
}

fn bridge(row: &Row, ports: &BTreeMap<String, String>) -> Option<Bridge> {
    let mut ports: Vec<String> =
        texts(row.get("ports")?).iter().filter_map(|uuid| ports.get(uuid).cloned()).collect();
    ports.sort();
    let datapath = row.get("datapath_type").and_then(|value| texts(value).pop()).unwrap_or_default();
    Some(Bridge { name: name(row), datapath, ports })
}

fn name(row: &Row) -> String {
    row.get("name").and_then(|value| texts(value).pop()).unwrap_or_default()
}

/// A text, a `["uuid", text]`, or a `["set", [...]]` of such: a set of one is written without its set.
fn texts(value: &Value) -> Vec<String> {
    match (value, value[0].as_str()) {
        (Value::String(text), _) => vec![text.clone()],
        (_, Some("uuid")) => texts(&value[1]),
        (_, Some("set")) => value[1].as_array().into_iter().flatten().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// A `["map", [[key, value], ...]]`.
fn map(row: &Row, column: &str) -> Result<BTreeMap<String, String>, String> {
    let value = &row.get(column).ok_or_else(|| format!("no {column}"))?[1];
    let pairs: Vec<(String, String)> =
        serde_json::from_value(value.clone()).map_err(|error| format!("{column}: {error}"))?;
    Ok(pairs.into_iter().collect())
}
