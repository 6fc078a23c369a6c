//! What a VF is called: names that udev changes, that were lost, or that stand in the way.

use anyhow::{Context, Result};
use node::{Card, Node, Verb};

use super::*;

#[test]
fn udev_may_rename_a_vf_during_an_add() -> Result<()> {
    let node = Node::builder().privileged(false).behave(|b| b.card = Card::Never).start()?;
    let vf = &node.vfs()[0];
    let pod = node.pod("web", "web-0")?;
    let running = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(vf)).spawn()?;
    node.wait_received(1)?;
    node.change_host(&format!("link set {} name renamed", vf.name))?;
    node.refresh_sysfs()?;
    node.behave(|b| b.card = Card::Ready);
    running.wait()?.ok()?;
    assert!(pod.link("eth0")?.is_some_and(|link| link.up));
    // Nobody else has the name that it had.
    del(&node, &pod, vf)?.ok()?;
    home(&node, vf)?;
    assert!(left(&node)?.is_empty());
    Ok(())
}

#[test]
fn a_misnamed_vf_is_named_as_udev_would() -> Result<()> {
    for misnamed in ["eth0", "dev7", "net1", "ovn-udn1"] {
        let node = Node::builder().privileged(false).start()?;
        let vf = &node.vfs()[0];
        let pci = vf.pci.as_deref().context("no address")?;
        // As a namespace's death leaves it, with a plugin that keeps no records.
        node.change_host(&format!("link set {} name {misnamed}", vf.name))?;
        node.refresh_sysfs()?;
        let net = node.root().join("sys/bus/pci/devices").join(pci).join("net").join(misnamed);
        std::fs::write(net.join("ifindex"), vf.link.to_string())?;
        let udev = node.root().join("run/udev/data");
        std::fs::create_dir_all(&udev)?;
        let entry = format!("E:ID_PATH=pci-{pci}\nE:ID_NET_NAME={0}\nE:ID_NET_NAME_SLOT={0}\n", vf.name);
        std::fs::write(udev.join(format!("n{}", vf.link)), entry)?;
        let rows = vfs_as(&node, &["--json", "--pf", "0000:03:00.0"])?;
        assert!(rows.contains(r#""state": "leaked""#), "{rows}");
        let pod = node.pod("web", "web-0")?;
        add(&node, &pod, vf)?.ok()?;
        del(&node, &pod, vf)?.ok()?;
        assert_eq!(home(&node, vf)?.index, vf.link, "{misnamed}");
        assert!(left(&node)?.is_empty(), "{misnamed}: {:?}", left(&node)?);
    }
    Ok(())
}

#[test]
fn an_altname_stands_in_no_ones_way() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let vf = &node.vfs()[0];
    // udev keeps what it renamed as another name: here the very one that the VF is to have in the pod.
    node.change_host(&format!(
        "link property add dev {0} altname eth0\nlink property add dev {0} altname enp3s0f0v0",
        vf.name
    ))?;
    let before = home(&node, vf)?;
    let pod = node.pod("web", "web-0")?;
    // And the pod has a link with the other of the two.
    pod.change("link add dev br0 type bridge\nlink property add dev br0 altname enp3s0f0v0")?;
    add(&node, &pod, vf)?.ok()?;
    assert!(pod.link("eth0")?.is_some_and(|link| link.index == before.index && link.up));
    // Meanwhile a link of the host's takes one: it is not fought for, but waited for.
    node.change_host("link add dev br0 type bridge\nlink property add dev br0 altname enp3s0f0v0")?;
    del(&node, &pod, vf)?.ok()?;
    let after = home(&node, vf)?;
    assert_eq!(after.altnames, ["eth0"], "{after:?}");
    assert!(!after.up);
    let row = row(&node, vf.device_id())?;
    assert_eq!(row["state"], "waiting", "{row}");
    node.change_host("link del br0")?;
    // Any later call does it.
    del(&node, &node.pod("web", "web-1")?, &node.vfs()[1])?.ok()?;
    let mut after = home(&node, vf)?;
    after.altnames.sort();
    assert_eq!(after.altnames, ["enp3s0f0v0", "eth0"], "{after:?}");
    assert!(left(&node)?.is_empty());
    Ok(())
}
