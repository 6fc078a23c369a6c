//! What is read out of either runtime's configuration.

use std::fmt::{self, Display};

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
