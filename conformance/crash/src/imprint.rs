//! What a call has left behind, in words that are the same from run to run: whatever comes next can only depend on it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;
use linux::Link;
use serde_json::Value;

use super::census::{Census, ObservedVf, Place};
use super::records::{self, Records};
use node::{Node, Pod};

/// Members of a record that differ from run to run, or from node to node.
const PASSING: [&str; 14] = [
    "call",
    "began",
    "since",
    "netns",
    "netns_id",
    "until",
    "uid",
    "index",
    "args",
    "mac",
    "plumbing",
    "incarnation",
    "at",
    "pod_mac",
];

/// The state of all VFs, pods and files, as text.
pub(super) fn imprint(node: &Node, census: &Census, homes: &[ObservedVf], pods: &[&Pod]) -> Result<String> {
    let mut text = String::new();
    for (seen, home) in census.vfs.iter().zip(homes) {
        // The address that a pod gets is the next one of the node, and a reset makes others.
        let own = seen.link.mac == home.link.mac;
        let link = Link { index: 0, peer: None, carrier: false, mac: None, ..seen.link.clone() };
        writeln!(text, "{:?} {own} {link:?} {:?}", seen.place, seen.features)?;
    }
    let others = census.host.iter().filter(|link| {
        census.vfs.iter().all(|seen| seen.place != Place::Host || seen.link.index != link.index)
    });
    for link in others {
        writeln!(text, "{}", link.name)?;
    }
    for pod in pods {
        let told = node.pod_object(pod).map(|pod| pod.details.into_keys().collect::<Vec<_>>());
        writeln!(text, "{} {} {told:?}", pod.name, pod.netns().path().exists())?;
    }
    text.push_str(&files(node.root())?);
    Ok(text)
}

/// The state directory.
fn files(root: &Path) -> Result<String> {
    let mut lines = Vec::new();
    for (dir, path, name) in records::files(root) {
        lines.push(match name.starts_with('.') {
            // Nobody reads a draft, nor cares whose it was to be.
            true => format!("{dir}/."),
            // Its name is its namespace's number; one that was not written says that nothing has been changed.
            false if dir == Records::DEFAULTS => {
                let content: Value = serde_json::from_slice(&fs::read(path)?).unwrap_or_default();
                format!("{dir}/ {}", content["values"])
            }
            false if path.is_symlink() => format!("{dir}/{name} {}", fs::read_link(path)?.display()),
            false => {
                let mut content: Value = serde_json::from_slice(&fs::read(path)?).unwrap_or_default();
                settle(&mut content);
                format!("{dir}/{name} {content}")
            }
        });
    }
    lines.sort();
    lines.dedup();
    Ok(lines.join("\n"))
}

/// Removes what differs from run to run.
fn settle(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|key, _| !PASSING.contains(&key.as_str()));
            if let Some(until) = members.get_mut("server_may_act_until") {
                *until = (!until.is_null()).into();
            }
            members.values_mut().for_each(settle);
        }
        Value::Array(members) => members.iter_mut().for_each(settle),
        _ => {}
    }
}
