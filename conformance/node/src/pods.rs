//! Pods as the API server knows them, with the annotations through which host and card talk.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use ipnetwork::IpNetwork;
use ovnkube::{PodInterface, Route};

/// Which addresses new pods get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Families {
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
    /// Both.
    #[default]
    Dual,
}

/// One pod object. Tests change it with [`super::Node::edit_pod`]: what its interfaces have there is what the server
/// tells or configures (`mtu`, `routable_mtu`, `skip_ip_config`, more or other addresses, gateways and routes).
#[derive(Clone, Debug)]
pub struct PodObject {
    /// Its UID.
    pub uid: String,
    /// Its interfaces by the `CNI_IFNAME` they are asked for with (annotation `k8s.ovn.org/pod-networks`).
    /// `eth0` is there from the start.
    pub interfaces: BTreeMap<String, PodInterface>,
    /// Its primary user-defined network, if its namespace has one.
    pub udn: Option<Udn>,
    /// Whether ovnkube-controller has written `k8s.ovn.org/pod-networks` yet: ADD waits for it.
    pub annotated: bool,
    /// `k8s.ovn.org/dpu.connection-details` by NAD key: what the host tells the card.
    pub details: BTreeMap<String, Details>,
    /// `k8s.ovn.org/dpu.connection-status` by NAD key: what the card answers, `Ready` or else.
    pub status: BTreeMap<String, String>,
    /// It came into being when it was first asked for.
    pub(super) invented: bool,
}

/// A primary user-defined network: a second interface, `ovn-udn1`, on a VF that the server chooses.
#[derive(Clone, Debug)]
pub struct Udn {
    /// The interface.
    pub interface: PodInterface,
    /// The resource of its attachment definition's `resourceName` annotation: the server takes the last of the pod's
    /// devices of it. `None` plays a network without the annotation.
    pub resource: Option<String>,
}

/// Which VF the card has to connect, and for whom (`pkg/cni/cni_dpu.go`).
#[derive(Clone, Debug)]
pub struct Details {
    /// The PF's number.
    pub pf: String,
    /// The VF's number.
    pub vf: String,
    /// The container ID.
    pub sandbox: String,
    /// The VF's name on the host, empty for one that has none.
    pub netdev: String,
    /// When the host wrote this.
    pub(super) written: Instant,
    /// Whether the card has acted on it.
    pub(super) seen: bool,
}

/// Name of the cluster's own network, and of its NAD key.
pub(super) const DEFAULT: &str = "default";
/// Name and attachment definition of the user-defined network.
const BLUE: (&str, &str) = ("blue_tenant-blue", "blue/tenant-blue");
/// Networks of the cluster's pods and services, by family.
const CLUSTER: [IpNetwork; 4] = [
    v4([10, 128, 0, 0], 14),
    v4([172, 30, 0, 0], 16),
    v6([0xfd01, 0, 0, 0, 0, 0, 0, 0], 48),
    v6([0xfd02, 0, 0, 0, 0, 0, 0, 0], 112),
];

#[expect(clippy::unwrap_used, reason = "every prefix here is a constant")]
const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> IpNetwork {
    IpNetwork::V4(ipnetwork::Ipv4Network::new_checked(Ipv4Addr::new(a, b, c, d), prefix).unwrap())
}

#[expect(clippy::unwrap_used, reason = "every prefix here is a constant")]
const fn v6(s: [u16; 8], prefix: u8) -> IpNetwork {
    let ip = Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
    IpNetwork::V6(ipnetwork::Ipv6Network::new_checked(ip, prefix).unwrap())
}

/// The node's gateways: the card's bridge has these addresses. Those of the cluster's network, the user-defined
/// one, and the one that pods have several interfaces of.
pub(super) fn gateways() -> [IpNetwork; 5] {
    [
        v4([10, 128, 2, 1], 23),
        v6([0xfd01, 0, 0, 3, 0, 0, 0, 1], 64),
        v4([10, 200, 0, 1], 16),
        v4([10, 202, 0, 1], 16),
        v6([0xfd03, 0, 0, 0, 0, 0, 0, 1], 64),
    ]
}

impl PodObject {
    /// A pod with the `number`-th addresses of the node.
    pub(super) fn new(uid: &str, number: u16, families: Families) -> Self {
        PodObject {
            uid: uid.into(),
            interfaces: [(String::from("eth0"), primary(number, families))].into(),
            udn: None,
            annotated: true,
            details: BTreeMap::new(),
            status: BTreeMap::new(),
            invented: false,
        }
    }
}

/// An interface on the cluster's network: from 10.128.2.2/23 and fd01:0:0:3::2/64 on.
pub(super) fn primary(number: u16, families: Families) -> PodInterface {
    let host = number.saturating_add(2);
    let [gateway4, gateway6, ..] = gateways();
    let [high, low] = host.to_be_bytes();
    let ip4 = v4([10, 128, 2 + high, low], 23);
    let ip6 = v6([0xfd01, 0, 0, 3, 0, 0, 0, host], 64);
    let mut interface = PodInterface {
        mac: Some([0x0a, 0x58, 10, 128, 2 + high, low]),
        role: String::from("primary"),
        mtu: 1400,
        net_name: DEFAULT.into(),
        nad_key: DEFAULT.into(),
        ..PodInterface::default()
    };
    for (ip, gateway, family) in [(ip4, gateway4, Families::V4), (ip6, gateway6, Families::V6)] {
        if families != family && families != Families::Dual {
            continue;
        }
        interface.ips.push(ip);
        interface.gateways.push(gateway.ip());
        let reachable = CLUSTER.iter().filter(|dest| dest.is_ipv4() == ip.is_ipv4());
        interface.routes.extend(reachable.map(|dest| Route { dest: *dest, next_hop: Some(gateway.ip()) }));
    }
    interface
}

/// An interface on the user-defined network: from 10.200.0.2/16 on.
pub(super) fn user_defined(number: u16) -> PodInterface {
    let [high, low] = number.saturating_add(2).to_be_bytes();
    let [_, _, gateway, ..] = gateways();
    PodInterface {
        ips: vec![v4([10, 200, high, low], 16)],
        mac: Some([0x0a, 0x58, 10, 200, high, low]),
        gateways: vec![gateway.ip()],
        gateway_ipv6_lla: Some(IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0x858, 0x0aff, 0xfec8, 1))),
        tunnel_id: 7,
        role: String::from("primary"),
        mtu: 1400,
        net_name: BLUE.0.into(),
        nad_key: BLUE.1.into(),
        ..PodInterface::default()
    }
}

/// One of several interfaces of a secondary network: from 10.202.0.2/16 and fd03::2/64 on, with routes to networks
/// beyond. `place` counts the interfaces from 0.
pub(super) fn repeated(number: u16, nad: &str, names: &[&str], place: usize) -> PodInterface {
    let host = number.saturating_add(2);
    let [high, low] = host.to_be_bytes();
    let [_, _, _, gateway4, gateway6] = gateways();
    PodInterface {
        ips: vec![v4([10, 202, high, low], 16), v6([0xfd03, 0, 0, 0, 0, 0, 0, host], 64)],
        mac: Some([0x0a, 0x58, 10, 202, high, low]),
        routes: vec![
            Route { dest: v4([10, 222, 0, 0], 16), next_hop: Some(gateway4.ip()) },
            Route { dest: v6([0xfd22, 0, 0, 0, 0, 0, 0, 0], 64), next_hop: Some(gateway6.ip()) },
        ],
        role: String::from("secondary"),
        mtu: 1400,
        net_name: String::from("red"),
        nad_key: if place == 0 { nad.into() } else { format!("{nad}/{place}") },
        pod_if_names: names.iter().map(|name| (*name).into()).collect(),
        ..PodInterface::default()
    }
}
