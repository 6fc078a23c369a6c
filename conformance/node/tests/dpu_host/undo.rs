//! An ADD that the kernel refuses half-way: every VF is home as it was, and the pod is empty.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, Result};
use node::{Naming, Node};

use super::*;

/// In nobody's subnet.
const OUT_OF_REACH: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A name, and what makes an interface so.
type Refused = (&'static str, fn(&mut ovnkube::PodInterface));

/// What the kernel will refuse, in the order of the steps.
const REFUSED: [Refused; 6] = [
    ("the address of a group", |interface| interface.mac = Some([0x01, 0, 0x5e, 0, 0, 1])),
    ("an MTU beyond all", |interface| interface.mtu = 1 << 20),
    ("an IP address of a group", |interface| {
        interface.ips = "ff02::99/64".parse().into_iter().collect();
        interface.gateways.clear();
    }),
    ("a gateway out of reach", |interface| {
        interface.gateways = vec![OUT_OF_REACH];
    }),
    ("a next hop out of reach", |interface| {
        interface.routes[0].next_hop = Some(OUT_OF_REACH);
    }),
    ("a sibling that the pod does not have", |interface| {
        interface.pod_if_names = vec!["net9".into(), "eth0".into()];
    }),
];

#[test]
fn a_refused_step_is_undone_wherever_it_comes() -> Result<()> {
    for privileged in [false, true] {
        let node = Node::builder().privileged(privileged).start()?;
        // The server does not look for siblings before it begins.
        let (steps, code) = if privileged { (&REFUSED[..5], 105) } else { (&REFUSED[..], 107) };
        undoes_every_step(&node, steps, code)?;
    }
    Ok(())
}

/// A privileged server leaves the VF in the pod as far as it came.
fn undoes_every_step(node: &Node, steps: &[Refused], expected: u64) -> Result<()> {
    let before = home(node, &node.vfs()[0])?;
    for (what, change) in steps {
        let pod = node.pod("web", "web-0")?;
        node.edit_pod(&pod, |object| object.interfaces.values_mut().for_each(change))?;
        let (code, text) = add(node, &pod, &node.vfs()[0])?.error()?;
        assert_eq!(code, expected, "{what}: {text}");
        for part in ["web/web-0", node.vfs()[0].device_id(), "log"] {
            assert!(text.contains(part), "{what}: {part} is missing in: {text}");
        }
        assert_eq!(home(node, &node.vfs()[0])?, before, "{what}");
        assert!(pod.links()?.is_empty(), "{what}: {:?}", pod.links()?);
        assert!(left(node)?.is_empty(), "{what}: {:?}", left(node)?);
    }
    Ok(())
}

/// A resource whose device another pod holds.
const ELSEWHERE: &str = "openshift.io/elsewhere";

#[test]
fn a_failing_second_vf_takes_the_first_home() -> Result<()> {
    type Case = (u64, fn(&mut node::Udn), &'static str);
    let node = Node::builder().vfs(3).privileged(false).start()?;
    let before = homes(&node)?;
    let holder = node.pod("web", "holder")?;
    add(&node, &holder, &node.vfs()[2])?.ok()?;
    let cases: [Case; 3] = [
        (107, |udn| udn.interface.gateways = vec![OUT_OF_REACH], "192.0.2.1, which is in none"),
        (101, |udn| udn.resource = None, "raise resources.limits"),
        (11, |udn| udn.resource = Some(ELSEWHERE.into()), "VF 0000:03:00.4 of pod"),
    ];
    for (code, change, part) in cases {
        let pod = node.pod("blue", "web-0")?;
        node.give_udn(&pod, &node.vfs()[1])?;
        node.allocate(&pod, ELSEWHERE, &["0000:03:00.4"]);
        node.edit_pod(&pod, |object| object.udn.as_mut().map(change))?;
        let (got, text) = add(&node, &pod, &node.vfs()[0])?.error()?;
        assert_eq!(got, code, "{text}");
        assert!(text.contains(part) && text.contains("blue/web-0"), "{text}");
        for (vf, before) in node.vfs().iter().zip(&before).take(2) {
            assert_eq!(home(&node, vf)?, *before, "{text}");
        }
        assert!(pod.links()?.is_empty(), "{text}");
    }
    assert!(holder.link("eth0")?.context("it has lost its VF")?.up);
    Ok(())
}

#[test]
fn an_abandoned_second_vf_comes_home_too() -> Result<()> {
    let changes: [fn(&mut ovnkube::PodInterface); 2] = [
        |interface| interface.gateways = vec![OUT_OF_REACH],
        |interface| interface.mac = Some([0x01, 0, 0x5e, 0, 0, 1]),
    ];
    for change in changes {
        let node = Node::builder().naming(Naming::Simulated).start()?;
        let before = homes(&node)?;
        let pod = node.pod("blue", "web-0")?;
        node.give_udn(&pod, &node.vfs()[1])?;
        node.edit_pod(&pod, |object| object.udn.as_mut().map(|udn| change(&mut udn.interface)))?;
        assert_eq!(add(&node, &pod, &node.vfs()[0])?.error()?.0, 105);
        for (vf, before) in node.vfs().iter().zip(&before) {
            assert_eq!(home(&node, vf)?, *before);
        }
        assert!(pod.links()?.is_empty() && left(&node)?.is_empty(), "{:?} {:?}", pod.links()?, left(&node)?);
    }
    Ok(())
}

#[test]
fn no_pods_name_is_left_on_the_host() -> Result<()> {
    // A move that keeps the name first fails where the pod has a link that is called as the VF is on the host.
    let node = Node::builder().privileged(false).start()?;
    let vf = &node.vfs()[0];
    let names = |node: &Node| -> Result<Vec<String>> {
        Ok(node.host_links()?.into_iter().map(|link| link.name).collect())
    };
    let (before, all) = (home(&node, vf)?, names(&node)?);
    let pod = node.pod("web", "web-0")?;
    pod.change(&format!("link add dev {} type bridge", vf.name))?;
    add(&node, &pod, vf)?.ok()?;
    assert!(pod.link("eth0")?.is_some_and(|link| link.up));
    del(&node, &pod, vf)?.ok()?;
    assert_eq!(home(&node, vf)?, before);
    assert_eq!(names(&node)?, all);
    Ok(())
}

#[test]
fn only_a_drivers_fault_is_in_the_kernel_log() -> Result<()> {
    type Case = (fn(&mut ovnkube::PodInterface), &'static str);
    let node = Node::builder().privileged(false).start()?;
    let cases: [Case; 4] = [
        (|interface| interface.mtu = 1000, "IPv6 needs an MTU of 1280, and ovnkube-node gave 1000"),
        (
            |interface| interface.ips.retain(|address| address.is_ipv4()),
            "the gateway fd01:0:0:3::1 and no IPv6 address",
        ),
        (
            |interface| {
                interface.ips.retain(|address| address.is_ipv6());
                interface.gateways = vec![OUT_OF_REACH];
            },
            "the gateway 192.0.2.1 and no IPv4 address",
        ),
        (
            |interface| interface.gateways = vec![OUT_OF_REACH],
            "the gateway 192.0.2.1, which is in none of the pod's networks",
        ),
    ];
    for (change, cause) in cases {
        let pod = node.pod("web", "web-0")?;
        node.edit_pod(&pod, |object| object.interfaces.get_mut("eth0").map(change))?;
        let (code, text) = add(&node, &pod, &node.vfs()[0])?.error()?;
        assert_eq!(code, 107, "{text}");
        assert!(text.contains(cause) && !text.contains("kernel log"), "{cause} is missing in: {text}");
        home(&node, &node.vfs()[0])?;
    }
    Ok(())
}

/// The kernel refuses an IPv6 address with the same error in both cases.
#[test]
fn a_node_that_keeps_ipv6_off_is_named() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let cases = [
        (
            "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys",
            "is /proc/sys read-only for the runtime?",
        ),
        ("mount -t tmpfs none /proc/sys/net", "this node runs without IPv6 (ipv6.disable=1)"),
    ];
    let off = || ["default", "all"].map(|name| format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"));
    for (mount, cause) in cases {
        let pod = node.pod("web", "web-0")?;
        pod.netns().netns().run(|| off().iter().try_for_each(|file| std::fs::write(file, "1")))??;
        let script = format!(r#"{mount} && exec "$@""#);
        let call = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0]));
        let call = call.through("unshare", &["--mount", "sh", "-c", &script, "sh"]);
        let (code, text) = call.run()?.error()?;
        assert_eq!(code, 107, "{text}");
        assert!(text.contains(cause) && !text.contains("kernel log"), "{cause} is missing in: {text}");
        home(&node, &node.vfs()[0])?;
    }
    Ok(())
}
