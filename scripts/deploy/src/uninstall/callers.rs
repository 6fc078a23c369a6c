//! Which files of the node call our plugins, by what is in them: a list may be called anything.

use serde_json::Value;

use crate::audit::Findings;
use crate::audit::conf::{self, Conf, EXTENSIONS};
use crate::audit::multus;
use crate::audit::runtime::Runtime;
use crate::known::{
    DPU_HOST_CONF, MULTUS_NETWORKS, OPENSHIFT_CONFIGURATION, OPENSHIFT_MULTUS, PLACEHOLDER_CONF,
    UPSTREAM_CONFIGURATION,
};
use crate::tree::Tree;

const PLUGINS: [&str; 2] = ["dpu-host", "dpu-nic-placeholder"];

/// The files, by whose they are.
#[derive(Default)]
pub(super) struct Callers {
    /// They call nothing else, or have a name of ours.
    pub(super) ours: Vec<String>,
    /// Somebody's, who calls one of our plugins among others.
    pub(super) others: Vec<String>,
    /// Multus', which has our network inlined until it is restarted.
    pub(super) multus: Vec<String>,
    /// What ours write to.
    pub(super) logs: Vec<String>,
}

impl Callers {
    /// Looks through every directory that a runtime, or Multus, reads here; Multus' own before what it is made from.
    pub(super) fn on(tree: &Tree, runtime: &Runtime) -> Self {
        let mut directories = vec![OPENSHIFT_MULTUS.to_owned(), runtime.configuration.clone()];
        let fixed = [OPENSHIFT_CONFIGURATION, UPSTREAM_CONFIGURATION, MULTUS_NETWORKS];
        directories.extend(fixed.map(str::to_owned));
        let confs = directories.iter().flat_map(|directory| conf::files(tree, directory, &EXTENSIONS));
        let confs = confs.filter_map(|path| Conf::read(tree, &path).ok());
        let theirs: Vec<String> = confs
            .filter(|conf| conf.types.iter().any(|name| is_multus(name)))
            .map(|conf| multus::directory(tree, &conf, runtime))
            .collect();
        directories.extend(theirs);
        let mut seen: Vec<String> = Vec::new();
        let mut callers = Callers::default();
        for directory in directories {
            if !seen.contains(&directory) {
                callers.look_in(tree, &directory, true);
                seen.push(directory);
            }
        }
        callers
    }

    /// The same, of a node that is looked at for the first time.
    pub(super) fn of(tree: &Tree) -> Self {
        Self::on(tree, &Runtime::of(tree, &mut Findings::default()))
    }

    /// A folder of a network's name may hold plugins of it.
    fn look_in(&mut self, tree: &Tree, directory: &str, deeper: bool) {
        for name in tree.names(directory) {
            let path = format!("{directory}/{name}");
            if tree.at(&path).symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
                if deeper {
                    self.look_in(tree, &path, false);
                }
            } else {
                self.judge(tree, path, &name);
            }
        }
    }

    fn judge(&mut self, tree: &Tree, path: String, name: &str) {
        let named = [DPU_HOST_CONF, PLACEHOLDER_CONF].contains(&name);
        let Ok(text) = tree.read(&path) else { return };
        let document: Value = match serde_json::from_str(&text) {
            Ok(document) => document,
            // Nobody can tell what it calls, and nobody reads it.
            Err(_) if named => return self.ours.push(path),
            Err(_) => return,
        };
        if !calls_us(&document) {
            return;
        }
        let entries: Vec<&Value> = match document["plugins"].as_array() {
            Some(plugins) => plugins.iter().collect(),
            None => vec![&document],
        };
        let is_read = name.rsplit_once('.').is_some_and(|(_, end)| EXTENSIONS.contains(&end));
        if named || entries.iter().all(|entry| kind(entry).is_some_and(is_ours)) {
            let files = entries.iter().filter_map(|entry| entry["logFile"].as_str());
            let files = files.filter(|file| file.starts_with("/var/log/")).map(str::to_owned);
            self.logs.extend(files);
            self.ours.push(path);
        } else if entries.iter().any(|entry| kind(entry).is_some_and(is_multus)) {
            self.multus.push(path);
        } else if is_read {
            self.others.push(path);
        }
    }
}

/// Whether one of our plugins is named anywhere in it.
fn calls_us(value: &Value) -> bool {
    match value {
        Value::Object(map) => kind(value).is_some_and(is_ours) || map.values().any(calls_us),
        Value::Array(list) => list.iter().any(calls_us),
        _ => false,
    }
}

/// A plugin's `type`, in whatever case the key is: that is how Go reads it.
fn kind(plugin: &Value) -> Option<&str> {
    let (_, value) = plugin.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case("type"))?;
    value.as_str()
}

fn is_ours(name: &str) -> bool {
    PLUGINS.contains(&name)
}

fn is_multus(name: &str) -> bool {
    name.starts_with("multus")
}
