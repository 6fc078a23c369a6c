//! What a pod does to its VF ends with the pod: the next one finds nothing of it, and packets pass.

use std::net::IpAddr;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use node::{Node, Pod, Verb, Vf, Xdp};
use serde_json::Value;

use super::*;

/// All that `ip` can change and that a move to another namespace leaves as it is.
const EVERYTHING: &str = "link set eth0 arp off\nlink set eth0 multicast off\nlink set eth0 dynamic on\n\
    link set eth0 trailers on\nlink set eth0 promisc on\nlink set eth0 allmulticast on\n\
    link set eth0 broadcast 02:00:00:00:00:01\nlink set eth0 mode dormant\nlink set eth0 group 7\n\
    link set eth0 txqueuelen 3\nlink set eth0 gso_max_size 3000 gso_max_segs 2 gro_max_size 4000";

/// Attaches a pod, and has the runtime check it.
fn attach(node: &Node, name: &str, vf: &Vf) -> Result<(Pod, IpAddr)> {
    let pod = node.pod("web", name)?;
    let result = add(node, &pod, vf)?.ok()?;
    let address = result["ips"][0]["address"].as_str().context("no address")?;
    let address = address.split('/').next().unwrap_or(address).parse()?;
    node.run(PLUGIN, Verb::Check, &pod, &after(node.conf_for(vf), result))?.ok()?;
    Ok((pod, address))
}

/// The features of a link on the host, as `ethtool` prints them.
fn features(node: &Node, vf: &Vf) -> Result<String> {
    let shown = node.host().netns().run(|| Command::new("ethtool").args(["-k", &vf.name]).output())?;
    Ok(String::from_utf8(shown.context("running ethtool")?.stdout)?)
}

/// How the first of two tenants ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Deleted,
    /// Its namespace first.
    Died,
    /// The same, and its DEL comes after the second one's ADD.
    TakenOver,
}

/// Has a first tenant do this to its VF, and looks at what it comes home as and how the second one fares.
fn two_tenants(privileged: bool, end: End, deed: impl Fn(&Pod) -> Result<()>) -> Result<()> {
    let node = Node::builder().privileged(privileged).start()?;
    let (vf, before, able) = (&node.vfs()[0], home(&node, &node.vfs()[0])?, features(&node, &node.vfs()[0])?);
    let (peer, _) = attach(&node, "peer", &node.vfs()[1])?;
    let (first, _) = attach(&node, "first", vf)?;
    deed(&first)?;
    if end != End::Deleted {
        node.lose_netns(&first)?;
    }
    if end != End::TakenOver {
        del(&node, &first, vf)?.ok()?;
        assert_eq!(home(&node, vf)?, before);
        assert_eq!(features(&node, vf)?, able);
    }
    // Whoever comes next finds it there.
    node.refresh_sysfs()?;
    let (second, address) = attach(&node, "second", vf)?;
    // The card disconnects the first of two pods when the server hears of its end, and with it a VF that has come to the second.
    ensure!(end == End::TakenOver || peer.ping(address)?, "no packet reaches the second tenant");
    del(&node, &second, vf)?.ok()?;
    assert_eq!(home(&node, vf)?, before);
    assert_eq!(features(&node, vf)?, able);
    node.refresh_sysfs()?;
    assert_eq!(row(&node, vf.device_id())?["state"], "free");
    Ok(())
}

#[test]
fn no_setting_of_one_pod_reaches_the_next() -> Result<()> {
    for (privileged, end) in
        [(false, End::Deleted), (true, End::Deleted), (false, End::Died), (true, End::TakenOver)]
    {
        two_tenants(privileged, end, |pod| pod.change(EVERYTHING))
            .with_context(|| format!("privileged {privileged}, {end:?}"))?;
    }
    Ok(())
}

#[test]
fn no_program_of_one_pod_reaches_the_next() -> Result<()> {
    for (how, end) in [(Xdp::Generic, End::Deleted), (Xdp::Driver, End::Died), (Xdp::Driver, End::TakenOver)]
    {
        two_tenants(false, end, |pod| pod.attach_xdp("eth0", how).map(drop))
            .with_context(|| format!("{how:?}, {end:?}"))?;
    }
    Ok(())
}

#[test]
fn no_switched_feature_reaches_the_next_pod() -> Result<()> {
    two_tenants(false, End::Deleted, |pod| {
        pod.switch("eth0", &["tx", "off", "tso", "off", "gro", "on", "highdma", "off"])
    })
}

#[test]
fn a_held_program_keeps_its_vf_from_pods() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let (vf, pod, before) = (&node.vfs()[0], node.pod("web", "web-0")?, home(&node, &node.vfs()[0])?);
    // The plugin knows whose VFs are its own.
    let mut conf = node.conf_for(vf);
    conf["physicalFunctions"] = serde_json::json!(["0000:03:00.0"]);
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    let holder = pod.attach_xdp("eth0", Xdp::Link)?;
    ensure!(row(&node, vf.device_id())?["note"] == "an XDP program is on it");
    del(&node, &pod, vf)?.ok()?;
    let mut but_for_it = home(&node, vf)?;
    ensure!(but_for_it.traces["xdp"].is_object(), "the holder holds nothing: {but_for_it:?}");
    but_for_it.traces["xdp"] = Value::Null;
    assert_eq!(but_for_it, before);
    let told = row(&node, vf.device_id())?;
    ensure!(told["state"] == "leaked", "{told}");
    ensure!(told["note"].as_str().is_some_and(|note| note.contains("bind the VF's driver anew")), "{told}");
    let (code, msg) = add(&node, &node.pod("web", "next")?, vf)?.error()?;
    ensure!(code == 103 && msg.contains("has an XDP program on it that cannot be taken off"), "{code} {msg}");
    assert_eq!(left(&node)?, Vec::<String>::new());
    drop(holder);
    attach(&node, "last", vf)?;
    Ok(())
}

#[test]
fn check_names_what_keeps_packets_from_their_way() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let (vf, pod) = (&node.vfs()[0], node.pod("web", "web-0")?);
    let result = add(&node, &pod, vf)?.ok()?;
    let conf = after(node.conf_for(vf), result);
    let check = || node.run(PLUGIN, Verb::Check, &pod, &conf);
    for (deed, undo, told) in [
        ("arp off", "arp on", "ARP is off"),
        ("multicast off", "multicast on", "multicast is off"),
        (
            "broadcast 02:00:00:00:00:01",
            "broadcast ff:ff:ff:ff:ff:ff",
            "its broadcast address is another one",
        ),
        ("mode dormant", "mode default", "it is in mode dormant"),
    ] {
        pod.change(&format!("link set eth0 {deed}"))?;
        let (code, msg) = check()?.error()?;
        ensure!(code == 108 && msg.contains(told), "{deed}: {code} {msg}");
        assert_eq!(row(&node, vf.device_id())?["note"], told);
        pod.change(&format!("link set eth0 {undo}"))?;
        check()?.ok()?;
    }
    let holder = pod.attach_xdp("eth0", Xdp::Link)?;
    let (code, msg) = check()?.error()?;
    ensure!(code == 108 && msg.contains("an XDP program is on it"), "{code} {msg}");
    drop(holder);
    check()?.ok()?;
    Ok(())
}

/// What an administrator wants of a VF at home is no pod's; nor is a program that another plugin's pod left there.
#[test]
fn a_pod_gets_a_clean_vf() -> Result<()> {
    for privileged in [false, true] {
        let node = Node::builder().privileged(privileged).start()?;
        let vf = &node.vfs()[0];
        node.change_host(&format!(
            "link set {0} promisc on\nlink set {0} allmulticast on\nlink set {0} arp off\n\
             link set {0} multicast off\nlink set {0} mode dormant\nlink set {0} txqueuelen 77",
            vf.name
        ))?;
        let before = home(&node, vf)?;
        drop(node.attach_host_xdp(&vf.name, Xdp::Driver)?);
        let (peer, _) = attach(&node, "peer", &node.vfs()[1])?;
        let (pod, address) = attach(&node, "web-0", vf)?;
        let eth0 = pod.link("eth0")?.context("no eth0")?;
        ensure!(eth0.promiscuity == 0 && eth0.traces["allmulti"] == 0, "{eth0:?}");
        ensure!(eth0.traces["txqlen"] == 77, "{eth0:?}");
        ensure!(peer.ping(address)?, "no packet reaches it: {eth0:?}");
        del(&node, &pod, vf)?.ok()?;
        assert_eq!(home(&node, vf)?, before);
    }
    Ok(())
}

/// An ADD that fails gives back what it has laid aside.
#[test]
fn a_failed_add_gives_back_what_it_took() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let vf = &node.vfs()[0];
    node.change_host(&format!("link set {0} promisc on\nlink set {0} arp off", vf.name))?;
    let before = home(&node, vf)?;
    node.stop_server();
    let mut conf = node.conf_for(vf);
    conf["timeoutSeconds"] = 1.into();
    node.run(PLUGIN, Verb::Add, &node.pod("web", "web-0")?, &conf)?.error()?;
    assert_eq!(home(&node, vf)?, before);
    Ok(())
}

/// The second VF of a primary user-defined network, which a privileged server moves by itself.
#[test]
fn neither_do_they_by_a_pods_second_vf() -> Result<()> {
    for privileged in [false, true] {
        let node = Node::builder().privileged(privileged).start()?;
        let second = &node.vfs()[1];
        node.change_host(&format!("link set {0} promisc on\nlink set {0} arp off", second.name))?;
        let before = (home(&node, second)?, features(&node, second)?);
        let pod = node.pod("web", "web-0")?;
        let conf = with_two_vfs(&node, &pod)?;
        node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
        let name = "ovn-udn1";
        let link = pod.link(name)?.context("no second interface")?;
        ensure!(link.promiscuity == 0 && !link.traces["flags"].to_string().contains("NOARP"), "{link:?}");
        pod.change(&EVERYTHING.replace("eth0", name))?;
        pod.switch(name, &["tx", "off"])?;
        drop(pod.attach_xdp(name, Xdp::Driver)?);
        node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
        assert_eq!((home(&node, second)?, features(&node, second)?), before, "privileged {privileged}");
    }
    Ok(())
}

/// Records of versions that kept no settings say nothing of them.
#[test]
fn a_record_without_settings_leaves_open_ones() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    let file =
        std::fs::read_dir(node.root().join("run/dpu-cni/attachments"))?.next().context("no record")??;
    let mut record: Value = serde_json::from_slice(&std::fs::read(file.path())?)?;
    let kept = record["devices"][0]["home"].as_object_mut().context("no home")?;
    ensure!(kept.remove("settings").is_some() && kept.remove("features").is_some());
    std::fs::write(file.path(), record.to_string())?;
    pod.change("link set eth0 arp off\nlink set eth0 multicast off\nlink set eth0 mode dormant")?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}
