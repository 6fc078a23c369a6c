//! `dpu-host vfs`: what it shows of each VF.

use anyhow::Result;
use node::{Card, Node, Verb};
use serde_json::json;

use super::*;

#[test]
fn the_inventory_says_where_every_vf_is() -> Result<()> {
    let (node, pod, _) = checkable()?;
    let row = |at: usize| row(&node, node.vfs()[at].device_id());
    let used = row(0)?;
    assert_eq!(
        (&used["state"], &used["place"], &used["pod"], &used["asRecorded"]),
        (&json!("used"), &json!("pod"), &json!("web/web-0"), &json!(true)),
        "{used}"
    );
    let free = row(1)?;
    assert_eq!((&free["state"], &free["place"]), (&json!("free"), &json!("host")), "{free}");
    pod.change("link set eth0 mtu 1280")?;
    assert_eq!(row(0)?["asRecorded"], false);
    node.lose_netns(&pod)?;
    assert_eq!(row(0)?["state"], "leaked");
    let metrics = vfs_as(&node, &["--prometheus"])?;
    assert!(metrics.contains("dpu_cni_vfs{state=\"leaked\"} 1\n"), "{metrics}");
    assert!(vfs_as(&node, &[])?.contains(node.vfs()[1].device_id()));
    Ok(())
}

#[test]
fn looking_leaves_nothing_behind() -> Result<()> {
    let node = Node::builder().start()?;
    vfs(&node)?;
    assert!(!node.root().join("run/dpu-cni").exists());
    Ok(())
}

#[test]
fn a_vf_that_may_still_move_is_said_so() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    node.behave(|b| b.card = Card::Never);
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["timeoutSeconds"] = json!(1);
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
    let row = &vfs(&node)?[0];
    assert_eq!((&row["state"], &row["place"]), (&json!("waiting"), &json!("host")), "{row}");
    assert!(row["note"].as_str().is_some_and(|note| note.contains("ovnkube-node")), "{row}");
    rewrite(&node, |record| record["server_may_act_until"] = json!(0))?;
    let row = &vfs(&node)?[0];
    assert!(row["note"].as_str().is_some_and(|note| note.contains("next call")), "{row}");
    Ok(())
}
