//! Where the container runtime looks, by its own configuration.

use toml::{Table, Value};

use super::finding::Findings;
use crate::known::{UPSTREAM_BINARIES, UPSTREAM_CONFIGURATION};
use crate::tree::Tree;

/// What matters of a container runtime's configuration.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) name: &'static str,
    /// Directory of network configurations.
    pub(crate) configuration: String,
    /// Directories of plugins, in order.
    pub(crate) binaries: Vec<String>,
    /// The network it is bound to, if it is.
    pub(crate) network: Option<String>,
}

impl Runtime {
    /// CRI-O where it is configured, else containerd, else CRI-O's defaults.
    pub(crate) fn of(tree: &Tree, findings: &mut Findings) -> Self {
        let containerd = tree.exists("/etc/containerd/config.toml") && !tree.exists("/etc/crio");
        if !containerd && !tree.exists("/etc/crio") {
            findings.warning(
                "runtime",
                "no CRI-O or containerd configuration here: CRI-O's defaults are assumed".to_owned(),
                "if this is a copy of a node, copy /etc/crio or /etc/containerd too",
            );
        }
        let runtime = if containerd { Self::containerd(tree, findings) } else { Self::crio(tree, findings) };
        let Runtime { name, configuration, binaries, .. } = &runtime;
        findings.ok(
            "runtime",
            format!("{name} reads {configuration} and looks for plugins in {}", binaries.join(", ")),
        );
        runtime
    }

    /// `crio.conf`, then the drop-ins by name: a later key wins, and `plugin_dirs` replaces the whole list. The
    /// deprecated `plugin_dir` is appended to it (cri-o `pkg/config/config.go: NetworkConfig.Validate`).
    fn crio(tree: &Tree, findings: &mut Findings) -> Self {
        let mut runtime = Runtime {
            name: "CRI-O",
            configuration: UPSTREAM_CONFIGURATION.to_owned(),
            binaries: vec![UPSTREAM_BINARIES.to_owned()],
            network: None,
        };
        let drop_ins = tree.names("/etc/crio/crio.conf.d").into_iter();
        let files = std::iter::once("/etc/crio/crio.conf".to_owned())
            .chain(drop_ins.map(|name| format!("/etc/crio/crio.conf.d/{name}")));
        let mut extra = None;
        for path in files.filter(|path| tree.exists(path)) {
            let Some(table) = table(tree, &path, findings) else { continue };
            let Some(network) = at(&table, &["crio", "network"]) else { continue };
            if let Some(value) = network.get("network_dir") {
                runtime.configuration = text(value).trim_end_matches('/').to_owned();
            }
            if let Some(list) = network.get("plugin_dirs").and_then(Value::as_array) {
                runtime.binaries =
                    list.iter().map(|value| text(value).trim_end_matches('/').to_owned()).collect();
            }
            runtime.network = network.get("cni_default_network").map(text).or(runtime.network);
            extra = network.get("plugin_dir").map(text).or(extra);
        }
        runtime.binaries.extend(extra.filter(|directory| !directory.is_empty()));
        runtime.network = runtime.network.filter(|network| !network.is_empty());
        runtime
    }

    /// Version 2 of the file, and version 3 (containerd 2).
    fn containerd(tree: &Tree, findings: &mut Findings) -> Self {
        let table = table(tree, "/etc/containerd/config.toml", findings).unwrap_or_default();
        let cni = ["io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"]
            .into_iter()
            .find_map(|plugin| at(&table, &["plugins", plugin, "cni"]));
        let key = |name: &str| cni.and_then(|cni| cni.get(name)).map(text).filter(|text| !text.is_empty());
        let many = cni.and_then(|cni| cni.get("bin_dirs")).and_then(Value::as_array);
        let binaries =
            many.map(|list| list.iter().map(text).collect::<Vec<_>>()).filter(|list| !list.is_empty());
        Runtime {
            name: "containerd",
            configuration: key("conf_dir").unwrap_or_else(|| UPSTREAM_CONFIGURATION.to_owned()),
            binaries: binaries
                .unwrap_or_else(|| vec![key("bin_dir").unwrap_or_else(|| UPSTREAM_BINARIES.to_owned())]),
            network: None,
        }
    }

    /// The first directory that holds the plugin.
    pub(crate) fn find(&self, tree: &Tree, plugin: &str) -> Option<String> {
        self.binaries.iter().map(|directory| format!("{directory}/{plugin}")).find(|path| tree.exists(path))
    }
}

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

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
