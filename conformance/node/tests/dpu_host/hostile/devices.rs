//! Links of the host that are no VFs of a simulated DPU, whoever says so.

use node::{Naming, Xdp};
use serde_json::json;

use super::*;

#[test]
fn no_other_link_of_the_host_is_given_away() -> Result<()> {
    let node = Node::builder().naming(Naming::Simulated).start()?;
    let neighbour = node.pod("shop", "shop-0")?;
    node.change_host(&format!(
        "link add br0-1 type bridge\n\
         link add veth1234 type veth peer name eth9 netns {pod}\n\
         link add veth0-7 type veth peer name eth8 netns {pod}\n\
         link set veth0-7 master br0-1\n\
         link add veth0-8 type veth peer name eth7 netns {pod}\n\
         address add 192.0.2.1/24 dev veth0-8",
        pod = neighbour.netns().path().display()
    ))?;
    let before = node.host_links()?;
    for (name, why) in [
        ("lo", "simulated"),
        ("br0-1", "simulated"),
        ("veth1234", "simulated"),
        ("veth0-7", "bridge"),
        ("veth0-8", "192.0.2.1"),
    ] {
        let mut conf = node.conf();
        conf["deviceID"] = json!(name);
        let text = refused(&node, &conf, 103)?;
        assert!(text.contains(name) && text.contains(why), "{name}: {text}");
    }
    assert_eq!(node.host_links()?, before);
    Ok(())
}

#[test]
fn a_simulated_vf_is_given() -> Result<()> {
    let node = Node::builder().naming(Naming::Simulated).privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    // Up, it has an address of its own making.
    node.change_host(&format!("link set {} up", node.vfs()[0].name))?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    home(&node, &node.vfs()[0])?;
    Ok(())
}

/// ADDs of a VF that the host uses in this way, `$` being its name: each is refused, and nothing is changed.
fn is_kept(naming: Naming, script: &str, why: &str) -> Result<()> {
    let node = Node::builder().naming(naming).start()?;
    node.change_host(&script.replace('$', &node.vfs()[0].name))?;
    node.refresh_sysfs()?;
    let before = node.host_links()?;
    let pod = node.pod("web", "web-0")?;
    let (code, text) = add(&node, &pod, &node.vfs()[0])?.error()?;
    assert_eq!(code, 103, "{script}: {text}");
    for part in [why, node.vfs()[0].device_id(), "web/web-0"] {
        assert!(text.contains(part), "{script}: {part} is missing in: {text}");
    }
    assert_eq!(node.host_links()?, before, "{script}");
    assert!(left(&node)?.is_empty() && node.received().is_empty(), "{script}");
    Ok(())
}

#[test]
fn no_vf_of_the_hosts_own_is_given_away() -> Result<()> {
    is_kept(Naming::Pci, "link set $ name ovn-k8s-mp0", "ovn-k8s-mp0, a management port")?;
    for naming in [Naming::Pci, Naming::Simulated] {
        for (script, why) in [
            ("link property add dev $ altname ovn-k8s-mp0_0", "management port"),
            ("link add br0 type bridge\nlink set $ master br0", "br0, a bridge"),
            ("address add 192.0.2.1/24 dev $", "192.0.2.1/24"),
            ("address add 2001:db8::1/64 dev $", "2001:db8::1/64"),
            (
                "address add 192.0.2.1/24 dev $ valid_lft 900 preferred_lft 900\nlink set $ up\n\
                 route add default via 192.0.2.254 dev $",
                "default route",
            ),
            ("link set $ up\nroute add default dev $ table 7", "default route"),
        ] {
            is_kept(naming, script, why).with_context(|| format!("{naming:?}: {script}"))?;
        }
    }
    Ok(())
}

/// A privileged server would move it without asking, and what the host had on it would be gone.
#[test]
fn no_second_vf_of_the_hosts_own_is_given_away() -> Result<()> {
    for privileged in [false, true] {
        let node = Node::builder().privileged(privileged).start()?;
        let second = &node.vfs()[1];
        node.change_host(&format!("address add 192.0.2.1/24 dev {}", second.name))?;
        let before = node.host_links()?;
        let pod = node.pod("blue", "web-0")?;
        let conf = with_two_vfs(&node, &pod)?;
        let refused = |why: &str| -> Result<()> {
            let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
            assert_eq!(code, 103, "privileged {privileged}: {text}");
            assert!(text.contains(second.device_id()) && text.contains(why), "{text}");
            assert!(left(&node)?.is_empty() && node.received().is_empty(), "privileged {privileged}");
            Ok(())
        };
        refused("192.0.2.1/24")?;
        assert_eq!(node.host_links()?, before, "privileged {privileged}");
        node.change_host(&format!("address flush dev {}", second.name))?;
        let _holder = node.attach_host_xdp(&second.name, Xdp::Link)?;
        refused("has an XDP program on it that cannot be taken off")?;
    }
    Ok(())
}

#[test]
fn a_lent_address_goes_with_a_warning() -> Result<()> {
    for naming in [Naming::Pci, Naming::Simulated] {
        let node = Node::builder().naming(naming).privileged(false).start()?;
        let (vf, pod) = (&node.vfs()[0], node.pod("web", "web-0")?);
        node.change_host(&format!(
            "address add 192.0.2.7/24 dev {} valid_lft 900 preferred_lft 900",
            vf.name
        ))?;
        let output = add(&node, &pod, vf)?;
        output.ok()?;
        assert!(output.stderr.contains("192.0.2.7/24"), "{}", output.stderr);
        assert!(output.stderr.contains("NetworkManager"), "{}", output.stderr);
        del(&node, &pod, vf)?.ok()?;
        home(&node, vf)?;
    }
    Ok(())
}
