//! Routes, as a plugin asks for them and as the kernel tells them.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

/// A unicast route over one link, or over several (`nexthops`).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Route {
    /// The link; ignored if there are `nexthops`.
    pub index: u32,
    /// Where to; none is the default route of the gateway's family (IPv4 if there is no gateway either).
    pub dst: Option<IpNetwork>,
    /// The router; none means that the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// `RTAX_MTU`, bytes.
    pub mtu: Option<u32>,
    /// The table; none is `main` (254).
    pub table: Option<u32>,
    /// Scope `link` instead of `universe`; IPv4 only, IPv6 routes have no scope.
    pub link_scope: bool,
    /// Equal-cost ways, instead of `index` and `gateway`.
    pub nexthops: Vec<NextHop>,
}

/// One of several equal ways (weight 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextHop {
    /// The link.
    pub index: u32,
    /// The router; none means that the destination is on the link.
    pub gateway: Option<IpAddr>,
}
