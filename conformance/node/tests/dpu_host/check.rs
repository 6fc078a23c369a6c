//! CHECK.

use anyhow::{Context, Result};
use node::{Card, Node, Verb};
use serde_json::{Value, json};

use super::*;

#[test]
fn check_finds_what_was_changed() -> Result<()> {
    for (change, part) in [
        ("link set eth0 down", "down"),
        ("link set eth0 address 02:00:00:00:00:01", "MAC"),
        ("link set eth0 mtu 1280", "MTU"),
        ("address flush dev eth0", "address"),
        ("link set eth0 down\nlink set eth0 name other\nlink set other up", "eth0"),
    ] {
        let (node, pod, conf) = checkable()?;
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
    let (node, pod, mut conf) = checkable()?;
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
    let (node, pod, conf) = checkable()?;
    pod.change("route del default")?;
    node.stop_server();
    node.run(PLUGIN, Verb::Check, &pod, &conf)?.ok()?;
    Ok(())
}

#[test]
fn check_notices_a_stale_ready() -> Result<()> {
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
    let (node, pod, _) = checkable()?;
    node.run(PLUGIN, Verb::Check, &pod, &node.conf_for(&node.vfs()[0]))?.error()?;
    Ok(())
}

#[test]
fn check_tells_that_a_reset_took_the_vf() -> Result<()> {
    let (node, pod, conf) = checkable()?;
    pod.change("link del eth0")?;
    let (code, text) = node.run(PLUGIN, Verb::Check, &pod, &conf)?.error()?;
    assert_eq!(code, 108);
    assert!(text.contains("reset"), "{text}");
    let row = &vfs(&node)?[0];
    assert_eq!((&row["state"], &row["pod"]), (&json!("lost"), &json!("web/web-0")), "{row}");
    assert!(
        row["note"].as_str().is_some_and(|note| note.contains("once the card has brought it back")),
        "{row}"
    );
    // And DEL copes.
    node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    assert!(left(&node)?.is_empty());
    Ok(())
}
