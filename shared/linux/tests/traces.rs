//! What stays on a link when it moves: read as `ip` and `ethtool` show it, and given back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod common;

use std::process::Command;

use common::Sandbox;
use linux::{Ethtool, LinkChange, Netns};

#[test]
fn settings_survive_a_move() {
    let (host, pod) = (Sandbox::with_veth(), Sandbox::new());
    let before = host.link("left");
    host.ip(
        "link set left arp off multicast off dynamic on broadcast 02:00:00:00:00:01 mode dormant group 7",
    );
    host.ip("link set left txqueuelen 3 gso_max_size 3000 gso_max_segs 2 gro_max_size 4000");
    let target = pod.netns();
    host.netlink()
        .change(before.index, &LinkChange { netns: Some(&target), ..LinkChange::default() })
        .unwrap();
    let shown = pod.show("link show left");
    let link = pod.link("left");
    let settings = &link.settings;
    let number = |key: &str| shown[key].as_u64().and_then(|number| u32::try_from(number).ok());
    assert_eq!(settings.tx_queue_len, number("txqlen"));
    assert_eq!(settings.gso_max_size, number("gso_max_size"));
    assert_eq!(settings.gso_max_segs, number("gso_max_segs"));
    assert_eq!(settings.gro_max_size, number("gro_max_size"));
    assert_eq!(settings.broadcast.unwrap().to_string(), shown["broadcast"].as_str().unwrap());
    assert_eq!(
        (settings.group, settings.tx_queue_len, settings.gso_max_size),
        (Some(7), Some(3), Some(3000))
    );
    assert_eq!((shown["linkmode"].as_str(), settings.mode), (Some("DORMANT"), 1));
    assert_ne!(settings.flags, before.settings.flags);
    assert_eq!(settings.obstacle(), Some("ARP is off"));

    let back = LinkChange { settings: Some(&before.settings), ..LinkChange::default() };
    pod.netlink().change(link.index, &back).unwrap();
    assert_eq!(pod.link("left").settings, before.settings);
    assert_eq!(before.settings.obstacle(), None);
}

#[test]
fn open_settings_only_let_packets_pass() {
    let sandbox = Sandbox::with_veth();
    let before = sandbox.link("left").settings;
    sandbox.ip("link set left arp off multicast off broadcast 02:00:00:00:00:01 mode dormant group 7");
    let shut = sandbox.link("left").settings;
    assert_eq!(shut.open(), linux::Settings { group: Some(7), ..before });
}

/// `ethtool -k`.
fn features(netns: &Netns) -> String {
    ethtool(netns, &["-k", "left"])
}

fn ethtool(netns: &Netns, args: &[&str]) -> String {
    let output = netns.run(|| Command::new("ethtool").args(args).output()).unwrap();
    let output = output.unwrap_or_else(|error| panic!("ethtool: {error}; these tests need it"));
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn features_are_given_back() {
    let sandbox = Sandbox::with_veth();
    let (netns, index) = (sandbox.netns(), sandbox.link("left").index);
    let handle = Ethtool::inside(&netns).unwrap().unwrap();
    let (before, shown) = (handle.features(index).unwrap().unwrap(), features(&netns));
    ethtool(&netns, &["-K", "left", "tx", "off", "sg", "off", "gro", "on"]);
    assert_ne!(features(&netns), shown);
    assert_ne!(handle.features(index).unwrap().unwrap(), before);
    handle.set_features(index, &before).unwrap();
    assert_eq!((handle.features(index).unwrap(), features(&netns)), (Some(before.clone()), shown));
    assert_eq!(handle.features(4711).unwrap(), None);
    assert!(handle.set_features(4711, &before).unwrap_err().is_gone());
}
