//! Links that are not the VF, though they have what it had: its index, its kind, its name.

use std::time::Duration;

use anyhow::Result;
use node::{Card, Naming, Node, Verb};
use serde_json::json;

use super::*;

/// What a pod or the host makes next: links whose index is the one that the VF had.
fn made(index: u32) -> [String; 2] {
    let other = index + 4000;
    [
        format!("link add docker0 index {index} type bridge"),
        format!("link add docker0 index {index} type veth peer name docker1 index {other}"),
    ]
}

/// A pod whose VF the card has taken away.
fn bereft(naming: Naming) -> Result<(Node, Pod, u32)> {
    let node = Node::builder().naming(naming).privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    let index = pod.link("eth0")?.context("no VF")?.index;
    node.card_goes_down()?;
    Ok((node, pod, index))
}

#[test]
fn a_pods_links_stay_whatever_their_index() -> Result<()> {
    for naming in [Naming::Pci, Naming::Simulated] {
        for way in 0..2 {
            for gone in [false, true] {
                let (node, pod, index) = bereft(naming)?;
                pod.change(&made(index)[way])?;
                let (own, host) = (pod.links()?, node.host_links()?);
                if gone {
                    gc(&node, Some(json!([])))?;
                } else {
                    del(&node, &pod, &node.vfs()[0])?.ok()?;
                }
                assert_eq!(pod.links()?, own, "{naming:?} {way}");
                assert_eq!(node.host_links()?, host, "{naming:?} {way}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_hosts_links_stay_whatever_their_index() -> Result<()> {
    for naming in [Naming::Pci, Naming::Simulated] {
        for way in 0..2 {
            let (node, pod, index) = bereft(naming)?;
            node.change_host(&format!("{}\nlink set docker0 up", made(index)[way]))?;
            let host = node.host_links()?;
            del(&node, &pod, &node.vfs()[0])?.ok()?;
            gc(&node, None)?;
            assert_eq!(node.host_links()?, host, "{naming:?} {way}");
        }
    }
    Ok(())
}

#[test]
fn a_vf_that_vanishes_costs_no_other_link() -> Result<()> {
    for naming in [Naming::Pci, Naming::Simulated] {
        for way in 0..2 {
            let node = Node::builder().naming(naming).privileged(false).start()?;
            node.behave(|behaviour| behaviour.card = Card::After(Duration::from_secs(2)));
            let vf = &node.vfs()[0];
            let index = home(&node, vf)?.index;
            let pod = node.pod("web", "web-0")?;
            let running = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(vf)).spawn()?;
            node.wait_received(1)?;
            node.change_host(&format!("link del {}\n{}\nlink set docker0 up", vf.name, made(index)[way]))?;
            let host = node.host_links()?;
            let (code, text) = running.wait()?.error()?;
            assert_eq!(code, 11, "{text}");
            assert!(text.contains(vf.device_id()) && text.contains("web/web-0"), "{text}");
            assert_eq!(node.host_links()?, host, "{naming:?} {way}");
            assert!(pod.links()?.is_empty());
        }
    }
    Ok(())
}

/// Versions before 0.2 did not note that a VF had no parent: where one has a PCI address it always has.
#[test]
fn an_old_record_tells_no_link_by_index() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    rewrite(&node, |record| {
        if let Some(home) = record["devices"][0]["home"].as_object_mut() {
            home.remove("unparented");
        }
    })?;
    let (own, host) = (pod.links()?, node.host_links()?);
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!((pod.links()?, node.host_links()?), (own, host));
    Ok(())
}

#[test]
fn a_del_without_a_record_takes_no_other_interface() -> Result<()> {
    let node = Node::builder().naming(Naming::Simulated).privileged(false).start()?;
    let (ours, other) = (node.pod("web", "web-0")?, node.pod("shop", "shop-0")?);
    add(&node, &ours, &node.vfs()[0])?.ok()?;
    // As upstream's plugin attaches it: without a record.
    std::fs::remove_dir_all(node.root().join("run/dpu-cni"))?;
    node.change_host(&format!(
        "link add cali1 type veth peer name eth0 netns {}",
        other.netns().path().display()
    ))?;
    let (own, host) = (other.links()?, node.host_links()?);
    del(&node, &other, &node.vfs()[0])?.ok()?;
    assert_eq!((other.links()?, node.host_links()?), (own, host));
    // Nor what the server does not know the pod to have.
    ours.change("link set eth0 name net1\nlink add eth0 type veth peer name eth9")?;
    let own = ours.links()?;
    node.behave(|behaviour| behaviour.invents_pods = false);
    node.stop_server();
    del(&node, &ours, &node.vfs()[0])?.ok()?;
    assert_eq!(ours.links()?, own);
    Ok(())
}
