//! The configuration that we ship, read as runtimes read it.

use rscni_types::types::NetConfList;
use serde_json::{Value, json};

use crate::call::{Call, VERSIONS};

const EXAMPLE: &str = include_str!("../../examples/00-dpu-nic-placeholder.conflist");

/// The example as libcni takes it apart: each plugin with the list's name and version.
fn plugin(list: &Value, version: &str) -> Value {
    let mut plugin = list["plugins"][0].clone();
    plugin["name"] = list["name"].clone();
    plugin["cniVersion"] = version.into();
    plugin
}

#[test]
fn another_crate_reads_it() {
    let list: NetConfList = serde_json::from_str(EXAMPLE).unwrap();
    assert_eq!(list.cni_version, "0.4.0");
    assert_eq!(list.cni_versions, ["0.4.0", "1.0.0", "1.1.0"]);
    assert!(list.load_only_inlined_plugins && list.disable_check);
    assert_eq!(list.plugins.len(), 1);
}

#[test]
fn it_works_in_each_version_that_it_offers() {
    let list: Value = serde_json::from_str(EXAMPLE).unwrap();
    assert_eq!(list["plugins"][0]["type"], "dpu-nic-placeholder");
    for version in list["cniVersions"].as_array().unwrap().iter().map(|version| version.as_str().unwrap()) {
        assert!(VERSIONS.contains(&version));
        let call = |verb| Call::new(verb, "").stdin(plugin(&list, version).to_string());
        assert_eq!(call("ADD").run().error().0, 100);
        assert!(call("DEL").run().silent());
    }
    // Multus wants a version of at least 0.4.0 as a string; CRI-O asks VERSION for exactly the one in use.
    assert!(list["cniVersion"].as_str().is_some_and(|version| version >= "0.4.0"));
    assert_eq!(
        plugin(&list, "1.1.0"),
        json!({
            "cniVersion": "1.1.0", "name": "dpu-nic-placeholder", "type": "dpu-nic-placeholder",
        })
    );
}
