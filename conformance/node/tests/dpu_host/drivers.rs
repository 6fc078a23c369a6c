//! A VF that has got another driver, or none, since a pod had it: it has no network device to bring home, and is not
//! given to the next pod before it has been.

use std::os::unix::fs::symlink;

use anyhow::Result;
use node::{Node, Verb};
use serde_json::json;

use super::*;

/// A node whose first VF was a pod's, and has this driver now; a pod that is to get it next.
fn rebound(driver: Option<&str>) -> Result<(Node, Pod)> {
    let (node, pod, _) = attached(false)?;
    pod.change("link del eth0")?;
    let device = node.root().join("sys/bus/pci/devices").join(node.vfs()[0].device_id());
    fs::remove_dir_all(device.join("net"))?;
    fs::remove_file(device.join("driver"))?;
    if let Some(driver) = driver {
        symlink(format!("../../drivers/{driver}"), device.join("driver"))?;
    }
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    let next = node.pod("shop", "shop-0")?;
    Ok((node, next))
}

#[test]
fn a_vf_rebound_to_vfio_pci_is_no_success() -> Result<()> {
    let (node, next) = rebound(Some("vfio-pci"))?;
    let known = left(&node)?;
    let (code, text) = add(&node, &next, &node.vfs()[0])?.error()?;
    assert_eq!(code, 103, "{text}");
    for part in
        [node.vfs()[0].device_id(), "shop/shop-0", "bound to vfio-pci since pod web/web-0", "bind it back"]
    {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
    assert_eq!(left(&node)?, known, "the record is kept");
    assert!(!node.received().iter().any(|request| request.env["CNI_ARGS"].contains("shop-0")));
    Ok(())
}

#[test]
fn a_vf_without_a_driver_costs_one_line() -> Result<()> {
    let (node, next) = rebound(None)?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["logFile"] = json!("/var/log/dpu-host.log");
    let known = left(&node)?;
    let output = node.run(PLUGIN, Verb::Add, &next, &conf)?;
    let (code, text) = output.error()?;
    assert_eq!(code, 103, "{text}");
    assert!(text.contains("has no driver") && text.contains("shop/shop-0"), "{text}");
    let log = fs::read_to_string(node.root().join("var/log/dpu-host.log"))?;
    assert_eq!(log.lines().count(), 1, "{log}");
    assert_eq!(output.stderr, "");
    assert_eq!(left(&node)?, known, "the record is kept");
    Ok(())
}
