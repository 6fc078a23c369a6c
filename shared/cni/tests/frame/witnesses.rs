//! Two other CNI crates read what the frame prints; neither has a line in common with it.

use cni::{AddResult, Dns, Error, Interface, Ip, Route, Version};
use cni_plugin::reply::{ErrorReply, SuccessReply, VersionReply};
use rscni_types::legacy;
use rscni_types::types::{CNIResultWithVersion, ErrorResult};
use rscni_types::version::PluginInfo;
use serde_json::Value;

use crate::support::{Call, Probe, STRICT};

/// A dual-stack attachment with everything that a result can say.
fn full() -> AddResult {
    let interface = Interface {
        name: "eth0".into(),
        mac: Some("0a:58:0a:80:00:05".into()),
        mtu: Some(1400),
        sandbox: Some("/var/run/netns/x".into()),
        socket_path: Some("/run/vhost.sock".into()),
        pci_id: Some("0000:3b:00.2".into()),
    };
    let ip = |address: &str, gateway: &str| Ip {
        interface: Some(0),
        address: address.parse().unwrap(),
        gateway: gateway.parse().ok(),
    };
    let route = |dst: &str, gw: &str| Route::new(dst.parse().unwrap(), gw.parse().ok());
    let mut detailed = route("192.168.0.9/16", "");
    detailed.mtu = Some(1300);
    detailed.advmss = Some(1260);
    detailed.priority = Some(100);
    detailed.table = Some(0);
    detailed.scope = Some(253);
    AddResult {
        interfaces: vec![interface],
        ips: vec![ip("10.128.0.5/23", "10.128.0.1"), ip("fd01::5/64", "fd01::1")],
        routes: vec![route("0.0.0.0/0", "10.128.0.1"), route("::/0", "fd01::1"), detailed],
        dns: Dns {
            nameservers: vec!["172.30.0.10".into()],
            domain: Some("cluster.local".into()),
            search: vec!["svc.cluster.local".into()],
            options: vec!["ndots:5".into()],
        },
    }
}

fn printed(version: Version) -> String {
    let probe = Probe::<STRICT> { result: full(), ..Probe::default() };
    Call::new("ADD", version.as_str()).run(&probe).stdout
}

#[test]
fn cni_plugin_reads_our_results() {
    for version in [Version::V0_3_0, Version::V0_3_1, Version::V0_4_0, Version::V1_0_0, Version::V1_1_0] {
        let read: SuccessReply = serde_json::from_str(&printed(version)).unwrap();
        assert_eq!(read.cni_version.to_string(), version.as_str());
        assert_eq!(read.interfaces.len(), 1);
        assert_eq!(read.interfaces[0].name, "eth0");
        assert_eq!(read.interfaces[0].sandbox.to_str(), Some("/var/run/netns/x"));
        assert_eq!(read.interfaces[0].mac.unwrap().to_string(), "0A:58:0A:80:00:05");
        assert_eq!(read.ips[1].address.to_string(), "fd01::5/64");
        assert_eq!(read.ips[1].interface, Some(0));
        assert_eq!(read.ips[0].gateway.unwrap().to_string(), "10.128.0.1");
        assert_eq!(read.routes[2].dst.to_string(), "192.168.0.0/16");
        assert_eq!(read.routes[2].gw, None);
        assert_eq!(read.dns.search, ["svc.cluster.local"]);
        assert!(read.specific.is_empty());
    }
    let empty = Call::new("ADD", "1.0.0").run(&Probe::<STRICT>::default()).stdout;
    assert!(serde_json::from_str::<SuccessReply>(&empty).unwrap().into_ipam().is_some());
}

#[test]
fn rscni_reads_our_results() {
    for version in [Version::V1_0_0, Version::V1_1_0] {
        let text = printed(version);
        let read: CNIResultWithVersion = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), json(&text));
    }
}

#[test]
fn rscni_converts_our_newest_result_as_we_do() {
    for version in [Version::V0_3_0, Version::V0_3_1, Version::V0_4_0] {
        let newest: CNIResultWithVersion = serde_json::from_str(&printed(Version::LATEST)).unwrap();
        let spec = serde_json::from_value(version.as_str().into()).unwrap();
        let converted = legacy::CNIResult::new(spec, newest.into_result());
        assert_eq!(serde_json::to_value(&converted).unwrap(), json(&printed(version)));
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn both_read_our_errors() {
    let failure = Some(Error::new(111u32, "no device").details("add one"));
    for version in Version::ALL {
        let probe = Probe::<STRICT> { failure: failure.clone(), ..Probe::default() };
        let text = Call::new("ADD", version.as_str()).run(&probe).stdout;
        let read: ErrorReply<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!((read.code, read.msg, &*read.details), (111, "no device", "add one"));
        assert_eq!(read.cni_version.to_string(), version.as_str());
        let read: ErrorResult = serde_json::from_str(&text).unwrap();
        let again = serde_json::to_value(&read).unwrap();
        assert_eq!(again, json(&text));
    }
}

#[test]
fn both_read_our_versions() {
    let text = Call::new("VERSION", "1.1.0").run(&Probe::<STRICT>::default()).stdout;
    let read: VersionReply = serde_json::from_str(&text).unwrap();
    let versions: Vec<String> = read.supported_versions.iter().map(ToString::to_string).collect();
    assert_eq!(versions, Version::ALL.map(Version::as_str));
    let read: PluginInfo = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), json(&text));
}
