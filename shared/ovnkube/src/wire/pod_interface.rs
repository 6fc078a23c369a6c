//! `PodInterfaceInfo`: all that an unprivileged server leaves to its client to configure.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::fields::Fields;
use super::go;

/// One interface of a pod (`pkg/cni/types.go: PodInterfaceInfo`, with `util.PodAnnotation` promoted into it).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodInterface {
    /// The pod's own addresses, each with the prefix length of its network.
    pub ips: Vec<IpNetwork>,
    /// The interface's MAC address.
    pub mac: Option<[u8; 6]>,
    /// Next hops of default routes, at most one a family.
    pub gateways: Vec<IpAddr>,
    /// The link-local address of the only router whose advertisements are to be heard. New servers only.
    pub gateway_ipv6_lla: Option<IpAddr>,
    /// Routes beside the default ones.
    pub routes: Vec<Route>,
    /// OVN's tunnel key of the network; 0 for the cluster's own.
    pub tunnel_id: i64,
    /// `primary`, `secondary`, `infrastructure-locked`, or empty.
    pub role: String,
    /// MTU of the interface in bytes.
    pub mtu: u32,
    /// MTU of the routes in bytes; 0 sets none.
    pub routable_mtu: u32,
    /// Bits per second into the pod; not for VFs.
    pub ingress: i64,
    /// Bits per second out of the pod; not for VFs.
    pub egress: i64,
    /// The server runs in `dpu-host` mode.
    pub dpu_host_mode: bool,
    /// Leave addresses and routes alone: a virtual machine's DHCP client sets them.
    pub skip_ip_config: bool,
    /// The pod's UID.
    pub pod_uid: String,
    /// The VF's name on the host; empty when the device has none there (VFIO, vhost-vdpa).
    pub vf_netdev_name: String,
    /// Generic receive offload for UDP; not for VFs.
    pub enable_udp_aggregation: bool,
    /// `default` for the cluster's network, else the network's name.
    pub net_name: String,
    /// `default`, or `namespace/name` of the attachment definition, with `/n` for its n-th repeat. Old servers call
    /// it `nadName`.
    pub nad_key: String,
    /// Only when the pod has several interfaces of one attachment definition: their names in order.
    pub pod_if_names: Vec<String>,
}

/// A route of a pod (`util.PodRoute`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to.
    pub dest: IpNetwork,
    /// Next hop; none for what is on the link.
    pub next_hop: Option<IpAddr>,
}

impl Serialize for PodInterface {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let ips = self.ips.iter().map(|ip| go::Net(Some(*ip))).collect();
        let gateways = self.gateways.iter().map(|ip| go::Ip(Some(*ip))).collect();
        let mut object = to.serialize_struct("PodInterfaceInfo", 19)?;
        object.serialize_field("IPs", &go::Slice(ips))?;
        object.serialize_field("MAC", &go::Mac(self.mac))?;
        object.serialize_field("Gateways", &go::Slice(gateways))?;
        object.serialize_field("GatewayIPv6LLA", &go::Ip(self.gateway_ipv6_lla))?;
        object.serialize_field("Routes", &go::Slice(self.routes.clone()))?;
        object.serialize_field("TunnelID", &self.tunnel_id)?;
        object.serialize_field("Role", &self.role)?;
        object.serialize_field("mtu", &self.mtu)?;
        object.serialize_field("routable-mtu", &self.routable_mtu)?;
        object.serialize_field("ingress", &self.ingress)?;
        object.serialize_field("egress", &self.egress)?;
        object.serialize_field("is-dpu-host-mode", &self.dpu_host_mode)?;
        object.serialize_field("skip-ip-config", &self.skip_ip_config)?;
        object.serialize_field("pod-uid", &self.pod_uid)?;
        object.serialize_field("vf-netdev-name", &self.vf_netdev_name)?;
        object.serialize_field("enable-udp-aggregation", &self.enable_udp_aggregation)?;
        object.serialize_field("netName", &self.net_name)?;
        object.serialize_field("nadKey", &self.nad_key)?;
        object.serialize_field("pod-if-names", &go::Slice(self.pod_if_names.clone()))?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for PodInterface {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut fields = Fields::read(from)?;
        let ips: go::Slice<go::Net> = fields.take("ips")?;
        let gateways: go::Slice<go::Ip> = fields.take("gateways")?;
        let routes: go::Slice<WireRoute> = fields.take("routes")?;
        Ok(PodInterface {
            ips: ips.0.into_iter().filter_map(|net| net.0).collect(),
            mac: fields.take::<go::Mac, _>("mac")?.0,
            gateways: gateways.0.into_iter().filter_map(|ip| ip.0).collect(),
            gateway_ipv6_lla: fields.take::<go::Ip, _>("gatewayipv6lla")?.0,
            routes: routes.0.into_iter().filter_map(|route| route.0).collect(),
            tunnel_id: fields.take("tunnelid")?,
            role: fields.take("role")?,
            mtu: fields.take("mtu")?,
            routable_mtu: fields.take("routable-mtu")?,
            ingress: fields.take("ingress")?,
            egress: fields.take("egress")?,
            dpu_host_mode: fields.take("is-dpu-host-mode")?,
            skip_ip_config: fields.take("skip-ip-config")?,
            pod_uid: fields.take("pod-uid")?,
            vf_netdev_name: fields.take("vf-netdev-name")?,
            enable_udp_aggregation: fields.take("enable-udp-aggregation")?,
            net_name: fields.take("netname")?,
            nad_key: nad_key(&mut fields)?,
            pod_if_names: fields.take::<go::Slice<String>, _>("pod-if-names")?.0,
        })
    }
}

/// The attachment definition under its new key, else under the one of old servers.
fn nad_key<E: Error>(fields: &mut Fields) -> Result<String, E> {
    match fields.opt("nadkey")? {
        Some(key) => Ok(key),
        None => fields.take("nadname"),
    }
}

impl Serialize for Route {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("PodRoute", 2)?;
        object.serialize_field("Dest", &go::Net(Some(self.dest)))?;
        object.serialize_field("NextHop", &go::Ip(self.next_hop))?;
        object.end()
    }
}

/// A route as read. Without a destination it is the default route of its next hop's family, as netlink would take
/// it; without either it is nothing.
struct WireRoute(Option<Route>);

impl<'de> Deserialize<'de> for WireRoute {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut fields = Fields::read(from)?;
        let go::Net(dest) = fields.take("dest")?;
        let go::Ip(next_hop) = fields.take("nexthop")?;
        let dest = dest.or_else(|| next_hop.and_then(default_of));
        Ok(WireRoute(dest.map(|dest| Route { dest, next_hop })))
    }
}

fn default_of(next_hop: IpAddr) -> Option<IpNetwork> {
    let any: IpAddr = match next_hop {
        IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    IpNetwork::new(any, 0).ok()
}
