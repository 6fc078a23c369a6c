//! GC, and the little of it that every other call does.

use anyhow::Result;
use node::{Node, Verb};
use serde_json::{Value, json};

use super::*;

#[test]
fn gc_reclaims_what_is_not_listed_and_nothing_else() -> Result<()> {
    let node = Node::builder().privileged(false).vfs(3).start()?;
    let before = homes(&node)?;
    let stale = node.pod("web", "stale")?;
    let living = node.pod("blue", "living")?;
    node.give_udn(&living, &node.vfs()[2])?;
    add(&node, &stale, &node.vfs()[0])?.ok()?;
    add(&node, &living, &node.vfs()[1])?.ok()?;
    gc(&node, Some(json!([{"containerID": living.container, "ifname": "eth0"}])))?;
    assert_eq!(home(&node, &node.vfs()[0])?, before[0]);
    // The list has eth0 only, and ovn-udn1 belongs to it.
    assert!(living.link("eth0")?.is_some() && living.link("ovn-udn1")?.is_some());
    gc(&node, Some(Value::Null))?;
    assert!(living.links()?.is_empty());
    assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    Ok(())
}

#[test]
fn gc_without_a_list_reclaims_what_has_no_namespace() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let before = home(&node, &node.vfs()[0])?;
    let gone = node.pod("web", "gone")?;
    let living = node.pod("web", "living")?;
    add(&node, &gone, &node.vfs()[0])?.ok()?;
    add(&node, &living, &node.vfs()[1])?.ok()?;
    node.lose_netns(&gone)?;
    gc(&node, None)?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    assert!(living.link("eth0")?.is_some());
    Ok(())
}

#[test]
fn gc_leaves_other_networks_alone() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    let mut conf = node.conf();
    conf["name"] = json!("another");
    conf["cni.dev/valid-attachments"] = json!([]);
    node.call(PLUGIN, Verb::Gc)?.conf(&conf).run()?.ok()?;
    assert!(pod.link("eth0")?.is_some());
    Ok(())
}

#[test]
fn any_call_reclaims_a_few_whose_pod_is_gone() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    node.lose_netns(&pod)?;
    del(&node, &node.pod("web", "other")?, &node.vfs()[1])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}
