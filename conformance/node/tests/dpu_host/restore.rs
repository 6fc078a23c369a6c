//! A pod whose VF went away with its card, and what it gets back.

use std::collections::BTreeSet;

use anyhow::Result;
use node::{Node, Verb};
use serde_json::Value;

use super::*;

/// What the record has of this device's addresses and routes, in no order.
fn noted(node: &Node, at: usize) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
    let (_, record) = record(node)?;
    let list = |key: &str| -> BTreeSet<String> {
        let values = record["devices"][at]["plumbing"][key].as_array().cloned().unwrap_or_default();
        values.iter().map(Value::to_string).collect()
    };
    Ok((list("addresses"), list("routes")))
}

/// Attaches a pod with a primary user-defined network, on the first two VFs.
fn attach_with_udn(node: &Node) -> Result<(Pod, Value)> {
    const RESOURCE: &str = "openshift.io/dpuvf";
    let pod = node.pod("web", "web-0")?;
    node.give_udn(&pod, &node.vfs()[1])?;
    node.allocate(&pod, RESOURCE, &[node.vfs()[0].device_id(), node.vfs()[1].device_id()]);
    let mut conf = node.conf();
    conf["resourceName"] = RESOURCE.into();
    let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    Ok((pod, after(conf, result)))
}

#[test]
fn what_a_server_has_done_itself_is_noted_as_what_it_asked_for() -> Result<()> {
    let mut both = Vec::new();
    for privileged in [true, false] {
        let node = Node::builder().privileged(privileged).start()?;
        attach_with_udn(&node)?;
        both.push([noted(&node, 0)?, noted(&node, 1)?]);
    }
    assert_eq!(both[0], both[1]);
    let [(addresses, routes), _] = &both[0];
    assert!(addresses.len() == 2 && routes.len() >= 2, "{both:?}");
    Ok(())
}
