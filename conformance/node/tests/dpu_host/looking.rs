//! CHECK, and `dpu-host vfs`.

use anyhow::{Context, Result};
use node::{Card, Node, Verb};
use serde_json::{Value, json};

use super::*;

fn attached() -> Result<(Node, Pod, Value)> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let conf = node.conf_for(&node.vfs()[0]);
    let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    Ok((node, pod, after(conf, result)))
}

#[test]
fn check_finds_what_was_changed() -> Result<()> {
    for (change, part) in [
        ("link set eth0 down", "down"),
        ("link set eth0 address 02:00:00:00:00:01", "MAC"),
        ("link set eth0 mtu 1280", "MTU"),
        ("address flush dev eth0", "address"),
        ("link set eth0 down\nlink set eth0 name other\nlink set other up", "eth0"),
    ] {
        let (node, pod, conf) = attached()?;
        node.run(PLUGIN, Verb::Check, &pod, &conf)?.ok()?;
        pod.change(change)?;
        let (code, text) = node.run(PLUGIN, Verb::Check, &pod, &conf)?.error()?;
        assert_eq!(code, 108, "{change}: {text}");
        assert!(text.contains(part) && text.contains("web/web-0"), "{change}: {text}");
    }
    Ok(())
}

#[test]
fn check_finds_that_an_attachment_was_only_begun() -> Result<()> {
    let (node, pod, mut conf) = attached()?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    // The server may act late on an ADD that was given up, so its record stays for a while.
    node.behave(|b| b.card = Card::Never);
    conf["timeoutSeconds"] = json!(1);
    let mut begun = conf.clone();
    begun["prevResult"] = Value::Null;
    node.run(PLUGIN, Verb::Add, &pod, &begun)?.error()?;
    let (code, text) = node.run(PLUGIN, Verb::Check, &pod, &conf)?.error()?;
    assert_eq!(code, 108, "{text}");
    Ok(())
}

#[test]
fn check_minds_no_route_and_asks_nobody() -> Result<()> {
    let (node, pod, conf) = attached()?;
    pod.change("route del default")?;
    node.stop_server();
    node.run(PLUGIN, Verb::Check, &pod, &conf)?.ok()?;
    Ok(())
}

#[test]
fn check_notices_that_the_card_was_not_ready_after_all() -> Result<()> {
    // The Ready of an earlier sandbox is still there, so the ADD is let through, and the card never comes.
    let node = Node::builder().privileged(false).start()?;
    let first = node.pod("web", "web-0")?;
    add(&node, &first, &node.vfs()[0])?.ok()?;
    node.behave(|b| b.card_forgets = false);
    del(&node, &first, &node.vfs()[0])?.ok()?;
    node.behave(|b| b.card = Card::Never);
    let card = linux::Netlink::inside(node.card().netns())?;
    let representor = card.link(&node.vfs()[0].representor)?.context("no representor")?;
    card.change(representor.index, &linux::LinkChange { up: Some(false), ..Default::default() })?;
    let second = node.another_sandbox(&first)?;
    let conf = node.conf_for(&node.vfs()[0]);
    let result = node.run(PLUGIN, Verb::Add, &second, &conf)?.ok()?;
    let checked = node.run(PLUGIN, Verb::Check, &second, &after(conf, result))?;
    checked.ok()?;
    assert!(checked.stderr.contains("carrier"), "{}", checked.stderr);
    // And whoever looks for what is wrong with that pod.
    let row = &vfs(&node)?[0];
    assert!(row["note"].as_str().is_some_and(|note| note.contains("carrier")), "{row}");
    assert_eq!(row["asRecorded"], false);
    Ok(())
}

#[test]
fn check_wants_the_result() -> Result<()> {
    let (node, pod, _) = attached()?;
    node.run(PLUGIN, Verb::Check, &pod, &node.conf_for(&node.vfs()[0]))?.error()?;
    Ok(())
}

#[test]
fn check_tells_that_a_reset_took_the_vf() -> Result<()> {
    let (node, pod, conf) = attached()?;
    pod.change("link del eth0")?;
    let (code, text) = node.run(PLUGIN, Verb::Check, &pod, &conf)?.error()?;
    assert_eq!(code, 108);
    assert!(text.contains("reset"), "{text}");
    let row = &vfs(&node)?[0];
    assert_eq!((&row["state"], &row["pod"]), (&json!("lost"), &json!("web/web-0")), "{row}");
    assert!(row["note"].as_str().is_some_and(|note| note.contains("delete")), "{row}");
    // And DEL copes.
    node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    assert!(left(&node)?.is_empty());
    Ok(())
}

#[test]
fn the_inventory_says_where_every_vf_is() -> Result<()> {
    let (node, pod, _) = attached()?;
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
fn a_vf_that_the_server_may_still_move_is_not_said_to_wait_for_its_name() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    node.behave(|b| b.card = Card::Never);
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["timeoutSeconds"] = json!(1);
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
    let row = &vfs(&node)?[0];
    assert_eq!((&row["state"], &row["place"]), (&json!("waiting"), &json!("host")), "{row}");
    assert!(row["note"].as_str().is_some_and(|note| note.contains("ovnkube-node")), "{row}");
    Ok(())
}
