//! Where the container runtime looks, by its own configuration.

mod containerd;
mod crio;

use std::fmt::{self, Display};

use toml::{Table, Value};

use super::finding::Findings;
use crate::tree::Tree;

/// What matters of a container runtime's configuration.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) kind: Kind,
    /// Directory of network configurations.
    pub(crate) configuration: String,
    /// Directories of plugins, in order.
    pub(crate) binaries: Vec<String>,
}

/// Which runtime, and how it chooses among the networks.
#[derive(Debug)]
pub(crate) enum Kind {
    Crio {
        /// The network that it is bound to, if it is.
        network: Option<String>,
    },
    Containerd {
        /// How many networks it takes, from the first.
        networks: usize,
        /// Whether it needs no plugin for `lo`.
        own_loopback: bool,
    },
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Crio { .. } => "CRI-O",
            Kind::Containerd { .. } => "containerd",
        })
    }
}

impl Runtime {
    /// CRI-O where it is configured, else containerd, else CRI-O's defaults.
    pub(crate) fn of(tree: &Tree, findings: &mut Findings) -> Self {
        let containerd = tree.exists(containerd::CONFIG) && !tree.exists("/etc/crio");
        if !containerd && !tree.exists("/etc/crio") {
            findings.warning(
                "runtime",
                "no CRI-O or containerd configuration here: CRI-O's defaults are assumed".to_owned(),
                "if this is a copy of a node, copy /etc/crio or /etc/containerd too",
            );
        }
        let runtime = if containerd { containerd::read(tree, findings) } else { crio::read(tree, findings) };
        let Runtime { kind, configuration, binaries } = &runtime;
        findings.ok(
            "runtime",
            format!("{kind} reads {configuration} and looks for plugins in {}", binaries.join(", ")),
        );
        runtime
    }

    /// The plugin in the first directory that holds it (`pkg/invoke/find.go: FindInPath`).
    pub(crate) fn find(&self, tree: &Tree, plugin: &str) -> Option<String> {
        if plugin.is_empty() || plugin.contains('/') {
            return None;
        }
        let is_there = |path: &String| {
            // A link may lead out of a copy.
            let metadata = tree.at(path).metadata().or_else(|_| tree.at(path).symlink_metadata());
            metadata.is_ok_and(|metadata| !metadata.is_dir())
        };
        self.binaries.iter().map(|directory| format!("{directory}/{plugin}")).find(is_there)
    }
}

/// A file of a runtime that does not start while one of its files is broken.
fn table(tree: &Tree, path: &str, findings: &mut Findings) -> Option<Table> {
    let parsed = tree
        .read(path)
        .map_err(|error| error.to_string())
        .and_then(|text| text.parse::<Table>().map_err(|error| error.message().to_owned()));
    parsed
        .map_err(|error| {
            findings.error("runtime", format!("{path}: {error}"), "mend the file, then restart the runtime")
        })
        .ok()
}

fn at<'a>(table: &'a Table, keys: &[&str]) -> Option<&'a Table> {
    keys.iter().try_fold(table, |table, key| table.get(*key)?.as_table())
}

/// A directory, or another word; none where there is no text, or an empty one.
fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let trimmed = if text.len() > 1 { text.trim_end_matches('/') } else { text };
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}
