//! Which network wins on this node, and whether its plugins are there.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::finding::Findings;
use super::runtime::Runtime;
use crate::tree::Tree;

/// A network configuration file.
#[derive(Clone, Debug)]
pub(crate) struct Conf {
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// The `type` of each plugin.
    pub(crate) types: Vec<String>,
    pub(crate) document: Value,
}

impl Conf {
    /// Reads a file as libcni does.
    ///
    /// # Errors
    /// With what is wrong.
    pub(crate) fn read(tree: &Tree, path: &str) -> Result<Self, String> {
        let text = tree.read(path).map_err(|error| error.to_string())?;
        let document: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let types: Vec<String> = match document["plugins"].as_array() {
            Some(plugins) => plugins.iter().filter_map(|plugin| text(&plugin["type"])).collect(),
            None => text(&document["type"]).into_iter().collect(),
        };
        if types.is_empty() {
            return Err("no plugin is named in it".to_owned());
        }
        let base = path.rsplit('/').next().unwrap_or_default();
        Ok(Conf {
            path: path.to_owned(),
            name: text(&document["name"]).unwrap_or_else(|| base.to_owned()),
            version: text(&document["cniVersion"]),
            types,
            document,
        })
    }

    /// Whether it calls the plugin.
    pub(crate) fn calls(&self, plugin: &str) -> bool {
        self.types.iter().any(|name| name == plugin)
    }
}

/// The network that pods of this node get, as the runtime chooses it: the first file by name whose plugins are there.
pub(crate) fn winner(tree: &Tree, runtime: &Runtime, findings: &mut Findings) -> Option<Conf> {
    let directory = &runtime.configuration;
    let names = tree.names(directory).into_iter();
    let names = names.filter(|name| [".conf", ".conflist", ".json"].iter().any(|end| name.ends_with(end)));
    let mut winner: Option<Conf> = None;
    for path in names.map(|name| format!("{directory}/{name}")) {
        let conf = match Conf::read(tree, &path) {
            Ok(conf) => conf,
            Err(error) => {
                findings.error(
                    "network",
                    format!("{path} is skipped by {} ({error})", runtime.name),
                    "mend or remove the file",
                );
                continue;
            }
        };
        let missing: Vec<_> =
            conf.types.iter().filter(|plugin| runtime.find(tree, plugin).is_none()).collect();
        if let Some(plugin) = missing.first() {
            let dirs = runtime.binaries.join(", ");
            findings.error(
                "network",
                format!("{path} is skipped: its plugin {plugin} is not in {dirs}"),
                elsewhere(tree, plugin, runtime),
            );
        } else if winner.is_none() && runtime.network.as_ref().is_none_or(|bound| *bound == conf.name) {
            winner = Some(conf);
        }
    }
    match (&winner, &runtime.network) {
        (Some(conf), _) => findings.ok(
            "network",
            format!("{} wins: network {}, plugin {}", conf.path, conf.name, conf.types.join(" + ")),
        ),
        (None, Some(bound)) => findings.error(
            "network",
            format!(
                "cni_default_network is {bound}, and {directory} has no such network: the node is NotReady"
            ),
            "remove that key from CRI-O's configuration",
        ),
        (None, None) => findings.error(
            "network",
            format!("{directory} has no usable network: the node is NotReady"),
            "apply the MachineConfig with the configuration, and wait for Multus",
        ),
    }
    winner
}

fn elsewhere(tree: &Tree, plugin: &str, runtime: &Runtime) -> String {
    let known = ["/var/lib/cni/bin", "/opt/cni/bin", "/var/opt/cni/bin", "/usr/libexec/cni"];
    let found = known.iter().map(|directory| format!("{directory}/{plugin}")).find(|path| tree.exists(path));
    match found {
        Some(path) => format!(
            "it is {path}: install it in {}, or add that directory to {}'s plugin directories",
            runtime.binaries.join(" or "),
            runtime.name
        ),
        None => format!("install {plugin}, or remove the file"),
    }
}

/// Whether our plugin can be called at all.
pub(crate) fn executable(tree: &Tree, path: &str, findings: &mut Findings) {
    let Ok(metadata) = tree.at(path).symlink_metadata() else { return };
    let mode = metadata.permissions().mode() & 0o7777;
    if !metadata.is_file() || mode & 0o111 != 0o111 {
        let what = if metadata.is_file() { format!("has mode {mode:04o}") } else { "is no file".to_owned() };
        findings.error("files", format!("{path} {what}"), "install it again, mode 0755");
    } else {
        findings.ok("files", format!("{path} is installed, {} bytes", metadata.len()));
    }
}
