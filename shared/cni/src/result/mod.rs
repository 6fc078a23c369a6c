//! What a successful ADD answers: the newest version's shape, which holds all that the older ones can say.

mod print;
mod read;

use std::net::IpAddr;

use ipnetwork::IpNetwork;

/// The result of ADD (SPEC, "ADD Success").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddResult {
    /// Every interface made, in the host and in the container.
    pub interfaces: Vec<Interface>,
    /// The addresses assigned.
    pub ips: Vec<Ip>,
    /// The routes made.
    pub routes: Vec<Route>,
    /// Name resolution for the container.
    pub dns: Dns,
}

/// An interface of a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// The hardware address; podman requires it of every interface in a container.
    pub mac: Option<String>,
    /// Bytes; from 1.1.0.
    pub mtu: Option<u32>,
    /// `CNI_NETNS` for an interface in the container, none for one in the host.
    pub sandbox: Option<String>,
    /// A vhost-user socket; from 1.1.0.
    pub socket_path: Option<String>,
    /// The PCI address of the device behind it; from 1.1.0.
    pub pci_id: Option<String>,
}

/// An address of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ip {
    /// Index into [`AddResult::interfaces`].
    pub interface: Option<u32>,
    /// The address with its prefix length.
    pub address: IpNetwork,
    /// The default gateway of its subnet.
    pub gateway: Option<IpAddr>,
}

/// A route of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The destination; printed with the host bits cleared.
    pub dst: IpNetwork,
    /// The next hop.
    pub gw: Option<IpAddr>,
    /// Bytes.
    pub mtu: Option<u32>,
    /// The maximal segment size to advertise, in bytes.
    pub advmss: Option<u32>,
    /// Lower is preferred.
    pub priority: Option<u32>,
    /// The routing table's number.
    pub table: Option<u32>,
    /// 0 global, 253 link, 254 host.
    pub scope: Option<u32>,
}

impl Route {
    /// A route that says no more than where to send what.
    pub fn new(dst: IpNetwork, gw: Option<IpAddr>) -> Self {
        Self { dst, gw, mtu: None, advmss: None, priority: None, table: None, scope: None }
    }
}

/// Name resolution settings of a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dns {
    /// Addresses of name servers.
    pub nameservers: Vec<String>,
    /// The local domain.
    pub domain: Option<String>,
    /// Search domains.
    pub search: Vec<String>,
    /// Resolver options.
    pub options: Vec<String>,
}
