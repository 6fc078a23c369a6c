//! Reading, changing and moving links.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod common;

use common::Sandbox;
use linux::{LinkChange, Mac};

const MAC: [u8; 6] = [0x0a, 0x58, 0x0a, 0x80, 0x00, 0x05];

#[test]
fn a_link_reads_as_ip_shows_it() {
    let sandbox = Sandbox::with_veth();
    sandbox.ip(
        "link set left address 0a:58:0a:80:00:05 mtu 1400 alias of-the-test up promisc on allmulticast on",
    );
    sandbox.ip("link property add dev left altname a-rather-long-alternative-name altname short");
    let shown = sandbox.show("link show left");
    let link = sandbox.link("left");
    assert_eq!(u64::from(link.index), shown["ifindex"].as_u64().unwrap());
    assert_eq!(link.name, "left");
    assert_eq!(link.mac, Some(Mac::from(MAC)));
    assert_eq!(link.mtu, 1400);
    assert!(link.up && link.promiscuous && link.allmulti);
    assert_eq!(link.alias.as_deref(), Some("of-the-test"));
    assert_eq!(link.altnames, ["a-rather-long-alternative-name", "short"]);
    assert_eq!(link.parent, None);
    assert_eq!(link.kind.as_deref(), Some("veth"));
    assert_eq!(link.peer, Some(sandbox.link("right").index));
    assert_eq!(sandbox.netlink().link_at(link.index).unwrap(), Some(link));
}

#[test]
fn no_such_link_is_none() {
    let sandbox = Sandbox::new();
    let netlink = sandbox.netlink();
    for name in ["eth0", "", "name-of-more-than-fifteen-bytes"] {
        assert_eq!(netlink.link(name).unwrap(), None, "{name:?}");
    }
    assert_eq!(netlink.link_at(4711).unwrap(), None);
    assert!(
        netlink.change(4711, &LinkChange { mtu: Some(1400), ..LinkChange::default() }).unwrap_err().is_gone()
    );
}

#[test]
fn alternative_names_are_not_names_but_hold_them() {
    let sandbox = Sandbox::with_veth();
    let netlink = sandbox.netlink();
    let index = sandbox.link("left").index;
    netlink.add_altname(index, "eth0").unwrap();
    assert_eq!(netlink.link("eth0").unwrap(), None);
    assert_eq!(netlink.name_holder("eth0").unwrap().map(|link| link.index), Some(index));
    assert!(netlink.add_altname(index, "eth0").unwrap_err().is_exists());
    let rename = LinkChange { name: Some("eth0"), ..LinkChange::default() };
    assert!(netlink.change(sandbox.link("right").index, &rename).unwrap_err().is_exists());
    netlink.del_altname(index, "eth0").unwrap();
    assert_eq!(netlink.name_holder("eth0").unwrap(), None);
    assert!(sandbox.link("left").altnames.is_empty());
}

#[test]
fn all_links_are_listed() {
    let sandbox = Sandbox::with_veth();
    let mut names: Vec<String> =
        sandbox.netlink().links().unwrap().into_iter().map(|link| link.name).collect();
    let mut shown: Vec<String> =
        sandbox.list("link show").iter().map(|link| link["ifname"].as_str().unwrap().to_owned()).collect();
    names.sort();
    shown.sort();
    assert_eq!(names, shown);
    assert!(names.contains(&"left".to_owned()));
}

#[test]
fn a_link_moves_and_is_configured_in_one_request() {
    let (host, pod) = (Sandbox::with_veth(), Sandbox::new());
    host.ip("link set left up");
    let target = pod.netns();
    let change = LinkChange {
        netns: Some(&target),
        name: Some("eth0"),
        mac: Some(Mac::from(MAC)),
        mtu: Some(1400),
        up: Some(false),
        ..LinkChange::default()
    };
    host.netlink().change(host.link("left").index, &change).unwrap();
    assert_eq!(host.netlink().link("left").unwrap(), None);
    let moved = pod.link("eth0");
    assert_eq!((moved.mac, moved.mtu, moved.up), (Some(Mac::from(MAC)), 1400, false));
}

#[test]
fn a_name_taken_on_the_host_is_free_inside() {
    let (host, pod) = (Sandbox::with_veth(), Sandbox::new());
    pod.ip("link add left type veth peer name other");
    let target = pod.netns();
    let change = LinkChange { netns: Some(&target), name: Some("eth0"), ..LinkChange::default() };
    host.netlink().change(host.link("left").index, &change).unwrap();
    assert!(pod.netlink().link("eth0").unwrap().is_some());
}

/// Why callers look first, and why they undo from a record: the request is not atomic.
#[test]
fn a_name_taken_leaves_the_old_one() {
    let (host, pod) = (Sandbox::with_veth(), Sandbox::new());
    pod.ip("link add eth0 type veth peer name other");
    let index = host.link("left").index;
    let target = pod.netns();
    let change = LinkChange {
        netns: Some(&target),
        name: Some("eth0"),
        mac: Some(Mac::from(MAC)),
        ..LinkChange::default()
    };
    let error = host.netlink().change(index, &change).unwrap_err();
    assert!(error.is_exists(), "{error}");
    assert!(error.to_string().contains("name eth0"), "{error}");
    assert_eq!(host.netlink().link("left").unwrap(), None);
    assert_eq!(pod.link("left").mac, Some(Mac::from(MAC)), "moved and half configured");
}

#[test]
fn alias_altname_and_promiscuity_can_be_reset() {
    let (host, pod) = (Sandbox::with_veth(), Sandbox::new());
    let netlink = host.netlink();
    let index = host.link("left").index;
    netlink.add_altname(index, "enp59s0f0v2").unwrap();
    let marks = LinkChange {
        promiscuous: Some(true),
        allmulti: Some(true),
        alias: Some("mine"),
        ..LinkChange::default()
    };
    netlink.change(index, &marks).unwrap();
    let target = pod.netns();
    netlink.change(index, &LinkChange { netns: Some(&target), ..LinkChange::default() }).unwrap();
    let moved = pod.link("left");
    assert_eq!((moved.promiscuous, moved.allmulti, moved.alias.as_deref()), (true, true, Some("mine")));
    assert_eq!(moved.altnames, ["enp59s0f0v2"]);
    let clean = LinkChange {
        promiscuous: Some(false),
        allmulti: Some(false),
        alias: Some(""),
        ..LinkChange::default()
    };
    pod.netlink().change(moved.index, &clean).unwrap();
    let moved = pod.link("left");
    assert_eq!((moved.promiscuous, moved.allmulti, moved.alias), (false, false, None));
    assert!(!pod.ip("link show left").contains("alias"), "removed, not just empty");
}

#[test]
fn flags_that_a_change_does_not_name_stay() {
    let sandbox = Sandbox::with_veth();
    let index = sandbox.link("left").index;
    let netlink = sandbox.netlink();
    netlink.change(index, &LinkChange { up: Some(true), ..LinkChange::default() }).unwrap();
    netlink.change(index, &LinkChange { promiscuous: Some(true), ..LinkChange::default() }).unwrap();
    netlink.change(index, &LinkChange { mtu: Some(1300), ..LinkChange::default() }).unwrap();
    let link = sandbox.link("left");
    assert!(link.up && link.promiscuous && link.mtu == 1300);
    assert!(!sandbox.ip("link show left").contains("NOARP"), "other flags are left alone");
}

/// What the kernel and its drivers refuse is told apart by `errno`, and explained where the kernel does.
#[test]
fn refusals_are_recognised_and_explained() {
    let sandbox = Sandbox::with_veth();
    let netlink = sandbox.netlink();
    let index = sandbox.link("left").index;
    let multicast = LinkChange { mac: Some(Mac::from([1, 0, 0, 0, 0, 1])), ..LinkChange::default() };
    assert!(netlink.change(index, &multicast).unwrap_err().is_no_address());
    let huge =
        netlink.change(index, &LinkChange { mtu: Some(100_000), ..LinkChange::default() }).unwrap_err();
    assert!(huge.to_string().contains("mtu greater than device maximum"), "{huge}");
    let vf = netlink.set_vf_mac(index, 0, Mac::from(MAC)).unwrap_err();
    assert!(vf.is_unsupported(), "{vf}");
    assert_eq!(netlink.vf_mac(index, 0).unwrap(), None);
}
