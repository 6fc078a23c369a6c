//! containerd: its file, and those that this and they import, each in its own version; what comes later wins
//! (containerd `cmd/containerd/server/config/config.go: LoadConfig`).

use std::collections::VecDeque;

use toml::{Table, Value};

use super::settings::{Kind, Runtime};
use super::toml::{at, table, text};
use crate::audit::finding::Findings;
use crate::known::{UPSTREAM_BINARIES, UPSTREAM_CONFIGURATION};
use crate::tree::Tree;

/// Where it begins.
pub(super) const CONFIG: &str = "/etc/containerd/config.toml";
/// The newest version of such a file: containerd does not start with a newer one.
const NEWEST: i64 = 4;

/// The settings of `cni` in the section of the CRI plugin.
pub(super) fn read(tree: &Tree, findings: &mut Findings) -> Runtime {
    let cni = merged(tree, findings);
    let list = |key: &str| cni.get(key).and_then(Value::as_array).filter(|list| !list.is_empty());
    let binaries = list("bin_dirs").map(|list| list.iter().filter_map(text).collect());
    let one = cni.get("bin_dir").and_then(text).unwrap_or_else(|| UPSTREAM_BINARIES.to_owned());
    let networks = cni.get("max_conf_num").and_then(Value::as_integer).unwrap_or(1);
    Runtime {
        kind: Kind::Containerd {
            // None, or less, is no limit.
            networks: usize::try_from(networks).ok().filter(|networks| *networks > 0).unwrap_or(usize::MAX),
            own_loopback: cni.get("use_internal_loopback").and_then(Value::as_bool).unwrap_or(false),
        },
        configuration: cni
            .get("conf_dir")
            .and_then(text)
            .unwrap_or_else(|| UPSTREAM_CONFIGURATION.to_owned()),
        binaries: binaries.unwrap_or_else(|| vec![one]),
    }
}

/// Breadth first, each file once. containerd 2 merges the sections key by key; containerd 1, which reads files up to
/// version 2, takes a later file's section of a plugin for the whole of it.
fn merged(tree: &Tree, findings: &mut Findings) -> Table {
    let (mut by_key, mut by_section) = (Table::new(), Table::new());
    let mut newest = 0;
    let mut pending = VecDeque::from([CONFIG.to_owned()]);
    let mut seen: Vec<String> = Vec::new();
    while let Some(path) = pending.pop_front() {
        if seen.contains(&path) {
            continue;
        }
        let Some(file) = table(tree, &path, findings) else { continue };
        let version = file.get("version").and_then(Value::as_integer).unwrap_or(1);
        if version > NEWEST {
            let text = format!("{path} has version {version}, and containerd knows none above {NEWEST}");
            findings.error("runtime", text, "write it in a version that containerd knows");
        }
        newest = newest.max(version);
        if let Some(cni) = section(&file, version) {
            by_key.extend(cni.clone());
            by_section = cni;
        }
        let imports = file.get("imports").and_then(Value::as_array).into_iter().flatten();
        pending.extend(imports.filter_map(Value::as_str).flat_map(|import| resolved(tree, &path, import)));
        seen.push(path);
    }
    if newest <= 2 && by_key != by_section {
        let text = format!(
            "{CONFIG} and what it imports share the section of the CRI plugin: containerd 2 merges that, containerd 1, which is assumed here, takes the last"
        );
        findings.warning("runtime", text, "write the whole section into one of them");
    }
    if newest <= 2 { by_section } else { by_key }
}

/// `None` where the file says nothing of the CRI plugin.
fn section(file: &Table, version: i64) -> Option<Table> {
    let plugins = at(file, &["plugins"])?;
    let older: &[&str] = match version {
        ..=1 => &["io.containerd.grpc.v1.cri", "cri"],
        2 | 3 => &["io.containerd.grpc.v1.cri"],
        _ => &[],
    };
    let names = older.iter().copied().chain(["io.containerd.cri.v1.runtime"]);
    let sections: Vec<&Table> = names.filter_map(|name| plugins.get(name)?.as_table()).collect();
    let cnis = sections.iter().filter_map(|section| section.get("cni")?.as_table());
    let mut cni = Table::new();
    cnis.for_each(|table| cni.extend(table.clone()));
    (!sections.is_empty()).then_some(cni)
}

/// An import is below the directory of the file that names it; `*` is any name there.
fn resolved(tree: &Tree, from: &str, import: &str) -> Vec<String> {
    let parent = from.rsplit_once('/').map_or("", |(parent, _)| parent);
    let path = if import.starts_with('/') { import.to_owned() } else { format!("{parent}/{import}") };
    let (directory, pattern) = path.rsplit_once('/').unwrap_or(("", &path));
    let Some((head, tail)) = pattern.split_once('*') else { return vec![path] };
    let fits = |name: &String| {
        name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
    };
    let names = tree.names(directory).into_iter().filter(fits);
    names.map(|name| format!("{directory}/{name}")).collect()
}
