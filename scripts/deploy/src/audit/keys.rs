//! Keys of a plugin's configuration that it does not know: mostly mistyped ones, which do nothing.

use cni::unknown_keys;
use serde_json::{Map, Value};

use super::conf::Conf;
use super::finding::Findings;

/// The placeholder's own (`plugins/dpu-nic-placeholder/src/config.rs`).
const PLACEHOLDER: [&str; 2] = ["message", "status"];

/// Names those of the placeholder.
pub(crate) fn check(conf: &Conf, findings: &mut Findings) {
    for plugin in plugins(&conf.document) {
        for key in unknown_keys(plugin, &PLACEHOLDER) {
            findings.warning(
                "network",
                format!("{} has {key:?}, which dpu-nic-placeholder does not know and passes over", conf.path),
                format!("its own keys are {}, logFile and logLevel", PLACEHOLDER.join(", ")),
            );
        }
    }
}

/// Its configurations in a list, or in a file that is nothing but one.
fn plugins(document: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let list = document["plugins"].as_array().map_or(std::slice::from_ref(document), Vec::as_slice);
    list.iter().filter(|plugin| plugin["type"] == "dpu-nic-placeholder").filter_map(Value::as_object)
}
