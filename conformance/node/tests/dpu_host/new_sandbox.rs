//! A pod that comes with a new sandbox while the old one is still there: a runtime that was killed forgets what it had
//! begun, and a kubelet has one sandbox of a pod.

use anyhow::{Context, Result};
use node::{Answer, Card, Naming, Node, Verb};
use serde_json::json;

use super::*;

#[test]
fn a_new_sandbox_has_its_vf_at_once() -> Result<()> {
    for privileged in [false, true] {
        let node = Node::builder().privileged(privileged).start()?;
        let before = home(&node, &node.vfs()[0])?;
        let old = node.pod("web", "web-0")?;
        add(&node, &old, &node.vfs()[0])?.ok()?;
        let new = node.another_sandbox(&old)?;
        add(&node, &new, &node.vfs()[0])?.ok()?;
        assert!(new.link("eth0")?.is_some_and(|link| link.up));
        assert!(old.links()?.is_empty(), "{:?}", old.links()?);
        // The runtime remembers, late.
        del(&node, &old, &node.vfs()[0])?.ok()?;
        assert!(new.link("eth0")?.is_some_and(|link| link.up));
        del(&node, &new, &node.vfs()[0])?.ok()?;
        assert_eq!(home(&node, &node.vfs()[0])?, before);
        assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    }
    Ok(())
}

#[test]
fn both_vfs_of_a_pod_come_with_it() -> Result<()> {
    // Real VFs are known by their parents, simulated ones by their names.
    for (privileged, naming) in [(false, Naming::Pci), (true, Naming::Simulated)] {
        let node = Node::builder().privileged(privileged).naming(naming).start()?;
        let before = homes(&node)?;
        let old = node.pod("blue", "web-0")?;
        let conf = with_two_vfs(&node, &old)?;
        node.run(PLUGIN, Verb::Add, &old, &conf)?.ok()?;
        let new = node.another_sandbox(&old)?;
        node.run(PLUGIN, Verb::Add, &new, &conf)?.ok()?;
        for name in ["eth0", "ovn-udn1"] {
            assert!(new.link(name)?.is_some_and(|link| link.up), "{privileged} {naming:?} {name}");
        }
        assert!(old.links()?.is_empty(), "{:?}", old.links()?);
        node.run(PLUGIN, Verb::Del, &old, &conf)?.ok()?;
        node.run(PLUGIN, Verb::Del, &new, &conf)?.ok()?;
        assert_eq!(homes(&node)?, before, "{privileged} {naming:?}");
        assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    }
    Ok(())
}

/// The runtime is killed, the plugin not: the first ADD goes on beside the second.
#[test]
fn two_sandboxes_at_once_lose_no_vf() -> Result<()> {
    for privileged in [false, true] {
        let node = Node::builder().privileged(privileged).behave(|b| b.card = Card::Never).start()?;
        let before = home(&node, &node.vfs()[0])?;
        let old = node.pod("web", "web-0")?;
        let new = node.another_sandbox(&old)?;
        let conf = node.conf_for(&node.vfs()[0]);
        let first = node.call(PLUGIN, Verb::Add)?.pod(&old).conf(&conf).spawn()?;
        node.wait_received(1)?;
        let second = node.call(PLUGIN, Verb::Add)?.pod(&new).conf(&conf).spawn()?;
        node.wait_received(2)?;
        node.behave(|b| b.card = Card::Ready);
        assert_eq!(first.abandon()?.status.code(), Some(1), "its sandbox is superseded");
        // A privileged server may have moved the VF for the first: then the runtime tries again.
        if second.wait()?.ok().is_err() {
            assert!(privileged, "nobody has moved it");
            del(&node, &new, &node.vfs()[0])?.ok()?;
            assert_eq!(home(&node, &node.vfs()[0])?, before);
            add(&node, &new, &node.vfs()[0])?.ok()?;
        }
        assert!(new.link("eth0")?.is_some_and(|link| link.up));
        del(&node, &old, &node.vfs()[0])?.ok()?;
        del(&node, &new, &node.vfs()[0])?.ok()?;
        assert_eq!(home(&node, &node.vfs()[0])?, before);
    }
    Ok(())
}

/// The server goes on with what the first sandbox asked for, whose record is the second's by then.
#[test]
fn what_goes_into_the_old_sandbox_comes_home() -> Result<()> {
    let node = Node::builder().behave(|b| b.card = Card::Never).start()?;
    let before = home(&node, &node.vfs()[0])?;
    let old = node.pod("web", "web-0")?;
    let conf = node.conf_for(&node.vfs()[0]);
    let adding = node.call(PLUGIN, Verb::Add)?.pod(&old).conf(&conf).spawn()?;
    node.wait_received(1)?;
    adding.kill()?;
    let new = node.another_sandbox(&old)?;
    node.behave(|b| b.add = Answer::Refuse("not today".into()));
    assert_eq!(node.run(PLUGIN, Verb::Add, &new, &conf)?.error()?.0, 105);
    node.behave(|b| (b.add, b.card) = (Answer::Proper, Card::Ready));
    node.idle()?;
    assert!(old.link("eth0")?.is_some(), "the server was to move it late");
    del(&node, &new, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    assert!(old.links()?.is_empty());
    Ok(())
}

/// An ADD that has waited since before the pod's new sandbox came.
#[test]
fn an_older_sandbox_takes_nothing_from_a_newer_one() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let new = node.pod("web", "web-0")?;
    add(&node, &new, &node.vfs()[0])?.ok()?;
    rewrite(&node, |record| record["began"] = json!(i64::MAX))?;
    let old = node.another_sandbox(&new)?;
    let (code, text) = add(&node, &old, &node.vfs()[0])?.error()?;
    assert_eq!(code, 102, "{text}");
    assert!(new.link("eth0")?.is_some_and(|link| link.up));
    Ok(())
}

/// A pod made anew under its name has another UID, and the kubelet may still be ending the one before.
#[test]
fn a_pod_of_the_same_name_is_another_pod() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let old = node.pod("web", "db-0")?;
    add(&node, &old, &node.vfs()[0])?.ok()?;
    let new = node.pod("web", "db-0")?;
    assert_eq!(add(&node, &new, &node.vfs()[0])?.error()?.0, 102);
    assert!(old.link("eth0")?.context("it was taken")?.up);
    Ok(())
}

/// The ADD that was cut off had one of the pod's two VFs: the next one begins with the same.
#[test]
fn a_pod_begins_with_the_same_vf_again() -> Result<()> {
    let node = Node::builder().privileged(false).behave(|b| b.card = Card::Never).start()?;
    let old = node.pod("web", "web-0")?;
    node.allocate(&old, RESOURCE, &[node.vfs()[0].device_id(), node.vfs()[1].device_id()]);
    let mut conf = node.conf();
    conf["resourceName"] = json!(RESOURCE);
    let adding = node.call(PLUGIN, Verb::Add)?.pod(&old).conf(&conf).spawn()?;
    node.wait_received(1)?;
    adding.kill()?;
    node.behave(|b| b.card = Card::Ready);
    let new = node.another_sandbox(&old)?;
    node.run(PLUGIN, Verb::Add, &new, &conf)?.ok()?;
    let heard = node.received().pop().context("nothing received")?;
    assert_eq!(heard.config["deviceID"], node.vfs()[0].device_id());
    Ok(())
}
