//! CRI-O: `crio.conf`, then every file below `crio.conf.d`, whatever it is called, in the order of a walk; a later key
//! wins, and a list replaces a list (cri-o `pkg/config/config.go: UpdateFromPath`).

use toml::Value;

use super::settings::{Kind, Runtime};
use super::toml::{at, table, text};
use crate::audit::finding::Findings;
use crate::known::{UPSTREAM_BINARIES, UPSTREAM_CONFIGURATION};
use crate::tree::Tree;

const DROP_INS: &str = "/etc/crio/crio.conf.d";

/// The settings of `[crio.network]`. The deprecated `plugin_dir` is appended to `plugin_dirs` (`NetworkConfig.Validate`).
pub(super) fn read(tree: &Tree, findings: &mut Findings) -> Runtime {
    let mut configuration = UPSTREAM_CONFIGURATION.to_owned();
    let mut binaries = vec![UPSTREAM_BINARIES.to_owned()];
    let (mut bound, mut extra) = (None, None);
    let main = "/etc/crio/crio.conf".to_owned();
    let mut files: Vec<String> = Some(main).into_iter().filter(|path| tree.exists(path)).collect();
    walk(tree, DROP_INS, &mut files);
    for path in files {
        let Some(table) = table(tree, &path, findings) else { continue };
        let Some(network) = at(&table, &["crio", "network"]) else { continue };
        if let Some(value) = network.get("network_dir") {
            configuration = text(value).unwrap_or_default();
        }
        if let Some(list) = network.get("plugin_dirs").and_then(Value::as_array) {
            binaries = list.iter().filter_map(text).collect();
        }
        bound = network.get("cni_default_network").map_or(bound, text);
        extra = network.get("plugin_dir").map_or(extra, text);
    }
    binaries.extend(extra);
    Runtime { kind: Kind::Crio { network: bound }, configuration, binaries }
}

/// `filepath.Walk`: by name, a directory where its name comes, links not followed.
fn walk(tree: &Tree, directory: &str, files: &mut Vec<String>) {
    for name in tree.names(directory) {
        let path = format!("{directory}/{name}");
        if tree.at(&path).symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            walk(tree, &path, files);
        } else {
            files.push(path);
        }
    }
}
