//! Pods with a primary user-defined network: a second VF, `ovn-udn1`, which upstream's plugin never gives back.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use node::{Answer, Naming, Node, Verb};
use serde_json::json;

use super::*;

#[test]
fn it_gets_and_returns_its_own_vf() -> Result<()> {
    for naming in [Naming::Pci, Naming::Simulated] {
        for privileged in [false, true] {
            let node = Node::builder().naming(naming).privileged(privileged).start()?;
            gets_and_gives_back(&node).with_context(|| format!("privileged {privileged}, {naming:?}"))?;
        }
    }
    Ok(())
}

fn gets_and_gives_back(node: &Node) -> Result<()> {
    let homes = homes(node)?;
    let pod = node.pod("blue", "web-0")?;
    let conf = with_two_vfs(node, &pod)?;
    let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    ensure!(result["interfaces"].as_array().map(Vec::len) == Some(4), "{result}");
    ensure!(result["interfaces"][3]["name"] == "ovn-udn1", "{result}");
    let last = result["ips"].as_array().and_then(|ips| ips.last()).context("no ips")?;
    ensure!(last["interface"] == 3, "{result}");
    ensure!(pod.link("ovn-udn1")?.is_some_and(|link| link.up));
    for vf in node.vfs() {
        let row = row(node, vf.device_id())?;
        ensure!(row["state"] == "used" && row["pod"] == "blue/web-0", "{row}");
    }
    node.run(PLUGIN, Verb::Check, &pod, &after(conf.clone(), result))?.ok()?;
    node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    for (vf, before) in node.vfs().iter().zip(homes) {
        assert_eq!(home(node, vf)?, before);
    }
    ensure!(left(node)?.is_empty(), "{:?}", left(node)?);
    Ok(())
}

/// The kubelet's order is that of a Go map, another one at each call, and the server takes the last of its own order: a
/// pod of two VFs must never have both networks on one.
#[test]
fn its_vf_is_never_the_one_of_the_first_network() -> Result<()> {
    let node = Node::builder().vfs(4).privileged(false).start()?;
    let before = homes(&node)?;
    let ids: Vec<_> = node.vfs().iter().map(|vf| vf.device_id()).collect();
    let mut conf = node.conf();
    conf["resourceName"] = json!(RESOURCE);
    for containers in [&[&[3, 0, 2, 1][..]][..], &[&[3, 1], &[0, 2]], &[&[0], &[1, 2, 3]], &[&[3], &[2, 1]]] {
        for _ in 0..4 {
            let pod = node.pod("blue", "web-0")?;
            for container in containers {
                node.allocate(&pod, RESOURCE, &container.iter().map(|vf| ids[*vf]).collect::<Vec<_>>());
            }
            node.give_udn(&pod, &node.vfs()[3])?;
            let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
            // The first free one of the first container that has another than the last of all.
            let mut firsts = containers.iter().filter_map(|vfs| vfs.iter().filter(|vf| **vf != 3).min());
            let first = firsts.next().context("none")?;
            ensure!(result["interfaces"][1]["pciID"] == ids[*first], "{containers:?}: {result}");
            ensure!(result["interfaces"][3]["pciID"] == ids[3], "{containers:?}: {result}");
            node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
            assert_eq!(homes(&node)?, before);
        }
    }
    Ok(())
}

#[test]
fn a_second_vf_told_by_name_is_understood() -> Result<()> {
    let interface = |address: &str, mac: &str, netdev: &str| json!({"IPs": [{"IP": address, "Mask": "////AA=="}], "MAC": mac, "mtu": 1400, "vf-netdev-name": netdev});
    let node = Node::builder().start()?;
    let body = json!({
        "PodIFInfo": interface("10.128.2.15", "ClgKgAIP", "ens1f0v0"),
        "PrimaryUDNPodInfo": interface("10.200.0.5", "ClgKyAAF", "ens1f0v1"),
        "PrimaryUDNPodReq": {"IfName": "ovn-udn1", "CNIConf": {"ipam": {}, "dns": {}}},
    });
    node.behave(|b| b.add = Answer::Body(body.to_string().into_bytes()));
    let pod = node.pod("blue", "web-0")?;
    let result = add(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(result["interfaces"][3]["pciID"], node.vfs()[1].device_id(), "{result}");
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    home(&node, &node.vfs()[1])?;
    Ok(())
}

#[test]
fn its_default_route_is_its_own_nodes() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("blue", "web-0")?;
    node.give_udn(&pod, &node.vfs()[1])?;
    node.edit_pod(&pod, |object| {
        let interface = &mut object.udn.as_mut().expect("a network").interface;
        interface.ips.push("fd04::5/64".parse().expect("an address"));
        interface.gateways.push("fd04::1".parse().expect("an address"));
    })?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    let routes = |dev: &str| -> Result<Vec<Value>> {
        let routes = pod.ip(&["-6", "route", "show", "default", "dev", dev])?;
        Ok(routes.as_array().cloned().unwrap_or_default())
    };
    // All VFs hang on one bridge. The other interface's network has no such routers, so it shows when one was heard.
    let deadline = Instant::now() + Duration::from_secs(30);
    while routes("eth0")?.iter().all(|route| route["protocol"] != "ra") {
        ensure!(Instant::now() < deadline, "no advertisement has arrived");
        advertise(&node)?;
    }
    advertise(&node)?;
    let own = routes("ovn-udn1")?;
    assert_eq!(own.len(), 1, "{own:?}");
    assert_eq!(own[0]["gateway"], "fd04::1");
    Ok(())
}

/// Has the card's bridge say on every port that it is a router.
pub(super) fn advertise(node: &Node) -> Result<()> {
    let script = "import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
for index, name in socket.if_nameindex():
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    try: s.sendto(bytes([134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]), ('ff02::1', 0, 0, index))
    except OSError: pass";
    let mut python = Command::new("python3");
    let output = node.card().netns().run(|| python.args(["-c", script]).output())??;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
