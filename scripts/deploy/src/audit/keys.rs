//! Keys of a plugin's configuration that it does not know: mostly mistyped ones, which do nothing.

// The plugins are programs, and nothing to link; but what they know is said in one place.
#[path = "../../../../plugins/dpu-host/src/config/keys.rs"]
mod dpu_host;
#[path = "../../../../plugins/dpu-nic-placeholder/src/keys.rs"]
mod placeholder;

use cni::unknown_keys;
use serde_json::{Map, Value};

use super::conf::Conf;
use super::finding::Findings;

/// Names those of our plugins.
pub(crate) fn check(conf: &Conf, findings: &mut Findings) {
    for plugin in plugins(&conf.document) {
        let (name, own, theirs, fate) = match plugin.get("type").and_then(Value::as_str) {
            Some("dpu-nic-placeholder") => {
                ("dpu-nic-placeholder", &placeholder::OWN[..], &[][..], "passes over")
            }
            Some("dpu-host") => (
                "dpu-host",
                &dpu_host::OWN[..],
                &dpu_host::OVN_KUBERNETES[..],
                "only hands on to ovnkube-node",
            ),
            _ => continue,
        };
        for key in unknown_keys(plugin, &[own, theirs].concat()) {
            findings.warning(
                "network",
                format!("{} has {key:?}, which {name} does not know and {fate}", conf.path),
                format!("its own keys are {}, logFile and logLevel", own.join(", ")),
            );
        }
    }
}

/// The configurations in a list, or in a file that is nothing but one.
fn plugins(document: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let list = document["plugins"].as_array().map_or(std::slice::from_ref(document), Vec::as_slice);
    list.iter().filter_map(Value::as_object)
}
