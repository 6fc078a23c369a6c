//! A privileged server's IPv6: nobody waits for duplicate address detection, and no other router's word counts. What that takes of
//! a pod's namespace is given back.

use std::collections::BTreeMap;

use node::{Card, Running};
use serde_json::json;

use super::udn::advertise;
use super::*;

/// A node whose server does as upstream's, and is known to move VFs itself.
fn node() -> Result<Node> {
    let node = Node::builder().vfs(3).privileged(true).behave(|b| b.detects_duplicates = true).start()?;
    let pod = node.pod("web", "first")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    Ok(node)
}

/// A setting of IPv6, of a link or of `default`.
fn setting(pod: &Pod, link: &str, key: &str) -> Result<String> {
    let path = format!("/proc/sys/net/ipv6/conf/{link}/{key}");
    Ok(pod.netns().netns().run(|| fs::read_to_string(path))??.trim().into())
}

fn set(pod: &Pod, link: &str, key: &str, value: &str) -> Result<()> {
    let path = format!("/proc/sys/net/ipv6/conf/{link}/{key}");
    Ok(pod.netns().netns().run(|| fs::write(path, value))??)
}

/// `accept_dad` and `accept_ra` by default.
fn defaults(pod: &Pod) -> Result<(String, String)> {
    Ok((setting(pod, "default", "accept_dad")?, setting(pod, "default", "accept_ra")?))
}

fn unchanged() -> (String, String) {
    ("1".into(), "1".into())
}

/// What is kept of namespaces whose defaults are changed.
fn kept(node: &Node) -> usize {
    fs::read_dir(node.root().join("run/dpu-cni/defaults")).into_iter().flatten().count()
}

/// Begins an ADD that the server does not answer.
fn begin(node: &Node, pod: &Pod, ifname: &str, vf: usize, seconds: u64) -> Result<Running> {
    node.behave(|b| b.card = Card::Never);
    let heard = node.received().len();
    let mut conf = node.conf_for(&node.vfs()[vf]);
    conf["timeoutSeconds"] = json!(seconds);
    let add = node.call(PLUGIN, Verb::Add)?.pod(pod).env("CNI_IFNAME", ifname).conf(&conf).spawn()?;
    node.wait_received(heard + 1)?;
    Ok(add)
}

#[test]
fn its_addresses_are_in_no_doubt_once_it_is_known() -> Result<()> {
    let node = Node::builder().behave(|b| b.detects_duplicates = true).start()?;
    let attached = |name: &str, doubted: &str| -> Result<()> {
        let pod = node.pod("web", name)?;
        add(&node, &pod, &node.vfs()[0])?.ok()?;
        ensure!(setting(&pod, "eth0", "accept_dad")? == doubted, "{name}");
        ensure!(defaults(&pod)? == unchanged() && kept(&node) == 0, "{name}: {:?}", defaults(&pod)?);
        del(&node, &pod, &node.vfs()[0])?.ok()?;
        Ok(())
    };
    attached("nobody-knows-yet", "1")?;
    attached("second", "0")?;
    attached("third", "0")?;
    node.stop_server();
    node.start_server()?;
    attached("another-may-have-been-started", "1")?;
    attached("fifth", "0")
}

#[test]
fn an_unprivileged_server_changes_nothing_of_an_add() -> Result<()> {
    let node = node()?;
    let pods = [node.pod("web", "web-0")?, node.pod("web", "web-1")?];
    node.behave(|b| b.privileged = false);
    // It was restarted without anybody seeing it: the first is prepared in vain, the second is not.
    for (pod, vf) in pods.iter().zip(node.vfs()) {
        add(&node, pod, vf)?.ok()?;
        assert_eq!(setting(pod, "eth0", "accept_dad")?, "1");
        assert_eq!((defaults(pod)?, kept(&node)), (unchanged(), 0));
    }
    let third = node.pod("web", "web-2")?;
    let adding = begin(&node, &third, "eth0", 2, 130)?;
    assert_eq!(defaults(&third)?, unchanged());
    adding.kill()
}

#[test]
fn the_last_of_several_attachments_puts_defaults_back() -> Result<()> {
    for killed in [false, true] {
        let node = node()?;
        let pod = node.pod("web", "web-0")?;
        let first = begin(&node, &pod, "eth0", 0, if killed { 130 } else { 1 })?;
        let second = begin(&node, &pod, "net1", 1, 3)?;
        assert_eq!(defaults(&pod)?.0, "0");
        if killed {
            first.kill()?;
        } else {
            first.wait()?.error()?;
        }
        assert_eq!((defaults(&pod)?.0.as_str(), kept(&node)), ("0", 1), "the second counts on it");
        second.wait()?.error()?;
        assert_eq!((defaults(&pod)?, kept(&node)), (unchanged(), 0));
    }
    Ok(())
}

#[test]
fn any_next_call_puts_back_what_a_killed_one_has_changed() -> Result<()> {
    let node = node()?;
    let (pod, stranger) = (node.pod("web", "web-0")?, node.pod("web", "stranger")?);
    set(&pod, "default", "accept_dad", "2")?;
    begin(&node, &pod, "eth0", 0, 130)?.kill()?;
    assert_eq!((defaults(&pod)?.0.as_str(), kept(&node)), ("0", 1));
    node.run(PLUGIN, Verb::Del, &stranger, &node.conf())?.ok()?;
    assert_eq!((defaults(&pod)?.0.as_str(), kept(&node)), ("2", 0));
    Ok(())
}

#[test]
fn an_add_after_a_killed_one_knows_what_defaults_were() -> Result<()> {
    let node = node()?;
    let pod = node.pod("web", "web-0")?;
    set(&pod, "default", "accept_dad", "2")?;
    begin(&node, &pod, "eth0", 0, 130)?.kill()?;
    begin(&node, &pod, "net1", 1, 1)?.wait()?.error()?;
    assert_eq!((defaults(&pod)?.0.as_str(), kept(&node)), ("2", 0));
    Ok(())
}

#[test]
fn nothing_is_kept_of_a_namespace_that_is_gone() -> Result<()> {
    let node = node()?;
    let (pod, stranger) = (node.pod("web", "web-0")?, node.pod("web", "stranger")?);
    begin(&node, &pod, "eth0", 0, 130)?.kill()?;
    node.lose_netns(&pod)?;
    node.run(PLUGIN, Verb::Del, &stranger, &node.conf())?.ok()?;
    assert_eq!(kept(&node), 0);
    Ok(())
}

#[test]
fn nothing_is_changed_where_it_would_not_help() -> Result<()> {
    let node = node()?;
    let pod = node.pod("web", "web-0")?;
    set(&pod, "all", "accept_dad", "1")?;
    let adding = begin(&node, &pod, "eth0", 0, 130)?;
    assert_eq!((defaults(&pod)?, kept(&node)), (unchanged(), 0));
    node.behave(|b| b.card = Card::Ready);
    adding.wait()?.ok()?;
    assert_eq!(setting(&pod, "eth0", "accept_dad")?, "1");
    Ok(())
}

#[test]
fn a_pod_of_one_network_goes_on_hearing_routers() -> Result<()> {
    let node = node()?;
    let pod = node.pod("web", "web-0")?;
    let adding = begin(&node, &pod, "eth0", 0, 130)?;
    assert_eq!(defaults(&pod)?, ("0".into(), "1".into()));
    adding.kill()
}

#[test]
fn nothing_is_changed_where_settings_are_read_only() -> Result<()> {
    let node = node()?;
    let pod = node.pod("web", "web-0")?;
    let script = "mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec \"$@\"";
    let call = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0]));
    call.through("unshare", &["--mount", "sh", "-c", script, "sh"]).run()?.ok()?;
    assert_eq!(setting(&pod, "eth0", "accept_dad")?, "1");
    assert_eq!((defaults(&pod)?, kept(&node)), (unchanged(), 0));
    Ok(())
}

/// A pod with a primary user-defined network of IPv6, too.
fn with_udn(node: &Node, name: &str) -> Result<(Pod, Value)> {
    let pod = node.pod("blue", name)?;
    let conf = with_two_vfs(node, &pod)?;
    let (address, gateway) = ("fd04::5/64".parse()?, "fd04::1".parse()?);
    node.edit_pod(&pod, |object| {
        if let Some(udn) = &mut object.udn {
            udn.interface.ips.push(address);
            udn.interface.gateways.push(gateway);
        }
    })?;
    Ok((pod, conf))
}

/// Default routes of IPv6 by link: their gateways and who has made them.
fn default_routes(pod: &Pod) -> Result<BTreeMap<String, Vec<(String, String)>>> {
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for route in pod.ip(&["-6", "route", "show", "default"])?.as_array().into_iter().flatten() {
        let text = |key: &str| route[key].as_str().unwrap_or_default().to_owned();
        found.entry(text("dev")).or_default().push((text("gateway"), text("protocol")));
    }
    Ok(found)
}

#[test]
fn no_other_nodes_router_becomes_a_default_route_of_a_user_defined_network() -> Result<()> {
    let node = Node::builder().vfs(2).behave(|b| b.detects_duplicates = true).start()?;
    for name in ["nobody-knows-yet", "second"] {
        let (pod, conf) = with_udn(&node, name)?;
        let adding = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&conf).spawn()?;
        // While the server waits for duplicate address detection. It adds no route where a router's is already.
        wait_until(|| Ok(default_routes(&pod)?.contains_key("ovn-udn1")))?;
        wait_until(|| {
            advertise(&node)?;
            let routes = default_routes(&pod)?;
            let heard = |link: &str| routes.get(link).is_some_and(|all| all.iter().any(|(_, by)| by == "ra"));
            let deaf = setting(&pod, "ovn-udn1", "accept_ra")? == "0";
            Ok(deaf || heard("ovn-udn1"))
        })?;
        let result = adding.wait()?.ok()?;
        ensure!(result["interfaces"][3]["name"] == "ovn-udn1", "{result}");
        wait_until(|| {
            advertise(&node)?;
            Ok(default_routes(&pod)?.get("eth0").is_some_and(|all| all.iter().any(|(_, by)| by == "ra")))
        })?;
        let routes = default_routes(&pod)?;
        let own: Vec<_> = routes["ovn-udn1"].iter().map(|(gateway, _)| gateway.as_str()).collect();
        assert_eq!(own, ["fd04::1"], "{name}: {routes:?}");
        assert_eq!(defaults(&pod)?, unchanged());
        assert_eq!(setting(&pod, "eth0", "accept_ra")?, "1");
        node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
        // Upstream's server leaves it to whoever calls.
        node.idle()?;
    }
    Ok(())
}

#[test]
fn links_come_deaf_to_routers_where_there_may_be_a_second_network() -> Result<()> {
    let node = node()?;
    let (pod, conf) = with_udn(&node, "web-0")?;
    node.behave(|b| b.card = Card::Never);
    let heard = node.received().len();
    let adding = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&conf).spawn()?;
    node.wait_received(heard + 1)?;
    assert_eq!(defaults(&pod)?, ("0".into(), "0".into()));
    node.behave(|b| b.card = Card::Ready);
    adding.wait()?.ok()?;
    assert_eq!(defaults(&pod)?, unchanged());
    let (first, second) = (setting(&pod, "eth0", "accept_ra")?, setting(&pod, "ovn-udn1", "accept_ra")?);
    assert_eq!((first.as_str(), second.as_str()), ("1", "0"));
    Ok(())
}
