//! 151: what runtimes make of the configuration file.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::stop::{Stop, Verdict};
use crate::trial::Trial;
use crate::versions::{KNOWN, at_least};

pub(super) fn accepts(t: &Trial<'_>) -> Verdict {
    let conf = Value::Object(t.conf());
    let mut plugin = t.conf();
    plugin.retain(|key, _| key != "cniVersion" && key != "name");
    let list = json!({
        "cniVersion": "0.4.0",
        "cniVersions": ["0.4.0", "1.0.0", "1.1.0"],
        "name": t.network(),
        "loadOnlyInlinedPlugins": true,
        "disableCheck": true,
        "plugins": [plugin],
    });
    load(t, "a.conflist", &list)?;
    load(t, "a.conf", &conf)?;
    let Some(path) = &t.suite.config else { return Ok(()) };
    let file: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
    if file.get("cniVersion").is_none() {
        // A configuration for tests may leave the version to the suite.
        t.remark("--config names no cniVersion: not looked at as a node's file");
        return Ok(());
    }
    load(t, &name(path), &file)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// As CRI-O's ocicni: parse, choose a version, ask every plugin whether it supports exactly that; and Multus' rule
/// for the configuration of the cluster's network.
fn load(t: &Trial<'_>, file: &str, conf: &Value) -> Verdict {
    let refused = |why: String| Stop::failed(format!("{file}: {conf}"), why, "a configuration that loads");
    let Some(declared) = conf["cniVersion"].as_str() else {
        return Err(refused("no string `cniVersion`: Multus refuses the file".to_owned()));
    };
    if !at_least(declared, "0.4.0") {
        return Err(refused(format!("cniVersion {declared}: Multus wants 0.4.0 at least")));
    }
    let list = conf["plugins"].as_array();
    let mut candidates = vec![declared];
    if list.is_some() {
        candidates.extend(conf["cniVersions"].as_array().into_iter().flatten().filter_map(Value::as_str));
    }
    let known = candidates.into_iter().filter(|version| KNOWN.contains(version));
    let newest = known.fold(declared, |best, version| if at_least(version, best) { version } else { best });
    // What runtimes from before `cniVersions` use, and what today's do.
    for version in [declared, newest] {
        if !t.suite.lists(version) {
            return Err(refused(format!("the plugin does not support config version {version:?}")));
        }
    }
    let kinds: Vec<&Value> =
        list.map_or(vec![&conf["type"]], |plugins| plugins.iter().map(|plugin| &plugin["type"]).collect());
    if kinds.iter().all(|kind| kind.as_str().is_some_and(|kind| !kind.is_empty() && !kind.contains('/'))) {
        return Ok(());
    }
    Err(refused("a plugin without a type".to_owned()))
}
