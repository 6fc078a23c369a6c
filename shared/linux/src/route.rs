//! Routes, as a plugin asks for them and as the kernel tells them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;
use netlink_packet_core::DefaultNla;
use serde::{Deserialize, Serialize};

use crate::wire::{
    AF_INET, AF_INET6, Attributes, Garbled, RTM_DELROUTE, RTM_GETROUTE, RTM_NEWROUTE, Request, address,
    after, attribute, encoded, ip, nested, number, u8_at, u16_at, u32_at,
};

/// Table `main`, where routes go unless told otherwise.
const MAIN: u32 = 254;

// Types, scopes, origins, flags and attributes, linux/rtnetlink.h.
const RTN_UNICAST: u8 = 1;
const RT_SCOPE_UNIVERSE: u8 = 0;
const RT_SCOPE_LINK: u8 = 253;
const RT_SCOPE_NOWHERE: u8 = 255;
const RTPROT_UNSPEC: u8 = 0;
const RTPROT_REDIRECT: u8 = 1;
const RTPROT_KERNEL: u8 = 2;
const RTPROT_BOOT: u8 = 3;
const RTPROT_RA: u8 = 9;
const RTM_F_CLONED: u32 = 0x200;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_METRICS: u16 = 8;
const RTA_MULTIPATH: u16 = 9;
const RTA_TABLE: u16 = 15;
const RTAX_MTU: u16 = 2;

/// Table `local`, which the kernel fills with the link's own and broadcast addresses.
const LOCAL: u32 = 255;

/// A unicast route over one link, or over several (`nexthops`).
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Route {
    /// The link; ignored if there are `nexthops`.
    pub index: u32,
    /// Where to; none is the default route of the gateway's family (IPv4 if there is no gateway either).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst: Option<IpNetwork>,
    /// The router; none means that the destination is on the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// `RTAX_MTU`, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The table; none is `main` (254).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    /// Scope `link` instead of `universe`; IPv4 only, IPv6 routes have no scope.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub link_scope: bool,
    /// Equal-cost ways, instead of `index` and `gateway`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nexthops: Vec<NextHop>,
    /// Who has made it.
    #[serde(skip)]
    pub origin: Origin,
}

/// Who has made a route (`rtm_protocol`, linux/rtnetlink.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Origin {
    /// Somebody who asked for it.
    #[default]
    Given,
    /// The kernel, for an address, or because a router redirected it.
    Kernel,
    /// A router's advertisement.
    Router,
}

/// One of several equal ways (weight 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextHop {
    /// The link.
    pub index: u32,
    /// The router; none means that the destination is on the link.
    pub gateway: Option<IpAddr>,
}

impl Route {
    /// Whether it leads over this link.
    pub fn is_over(&self, index: u32) -> bool {
        self.index == index || self.nexthops.iter().any(|hop| hop.index == index)
    }

    /// Whether it leads to wherever no other does.
    pub fn is_default(&self) -> bool {
        self.dst.is_none_or(|dst| dst.prefix() == 0)
    }

    fn is_ipv4(&self) -> bool {
        let gateway = self.gateway.or_else(|| self.nexthops.first()?.gateway);
        self.dst.map(|dst| dst.is_ipv4()).or(gateway.map(|gateway| gateway.is_ipv4())).unwrap_or(true)
    }

    /// `RTM_NEWROUTE` for it. Protocol `boot`: what `ip route add` and upstream's plugin leave, too.
    pub(crate) fn request(&self) -> Request {
        let scope = if self.link_scope { RT_SCOPE_LINK } else { RT_SCOPE_UNIVERSE };
        self.message(RTM_NEWROUTE, RTPROT_BOOT, scope)
    }

    /// `RTM_DELROUTE` for it.
    pub(crate) fn removal(&self) -> Request {
        let protocol = match self.origin {
            Origin::Router => RTPROT_RA,
            Origin::Given | Origin::Kernel => RTPROT_UNSPEC,
        };
        // Any scope, as `ip route del` says it (fib_table_delete); the protocol tells the learnt from the given.
        self.message(RTM_DELROUTE, protocol, RT_SCOPE_NOWHERE)
    }

    fn message(&self, kind: u16, protocol: u8, scope: u8) -> Request {
        let mut attributes = Vec::new();
        // The header has one byte for the table.
        let table = self.table.unwrap_or(MAIN);
        let short = u8::try_from(table).unwrap_or_else(|_| {
            attributes.push(number(RTA_TABLE, table));
            0
        });
        let mut prefix = 0;
        if let Some(dst) = self.dst.filter(|dst| dst.prefix() > 0) {
            prefix = dst.prefix();
            attributes.push(address(RTA_DST, dst.network()));
        }
        if self.nexthops.is_empty() {
            attributes.extend(self.gateway.map(|gateway| address(RTA_GATEWAY, gateway)));
            attributes.push(number(RTA_OIF, self.index));
        } else {
            let hops: Vec<u8> = self.nexthops.iter().flat_map(NextHop::encode).collect();
            attributes.push(attribute(RTA_MULTIPATH, &hops));
        }
        attributes.extend(self.mtu.map(|mtu| nested(RTA_METRICS, &[number(RTAX_MTU, mtu)])));
        let family = if self.is_ipv4() { AF_INET } else { AF_INET6 };
        // `struct rtmsg`.
        let header = [family, prefix, 0, 0, short, protocol, scope, RTN_UNICAST, 0, 0, 0, 0];
        Request::new(kind, &header, &attributes)
    }

    /// Decodes `RTM_NEWROUTE`: `struct rtmsg`, then attributes. None unless it is a route of the kind that plugins
    /// deal with.
    pub(crate) fn decode(body: &[u8]) -> Result<Option<Route>, Garbled> {
        let unspecified = match u8_at(body, 0)? {
            AF_INET => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            AF_INET6 => IpAddr::from(Ipv6Addr::UNSPECIFIED),
            _ => return Ok(None),
        };
        // Cloned ones are what the kernel has learnt about a path, not routes.
        if u8_at(body, 7)? != RTN_UNICAST || u32_at(body, 8)? & RTM_F_CLONED != 0 {
            return Ok(None);
        }
        let origin = match u8_at(body, 5)? {
            RTPROT_REDIRECT | RTPROT_KERNEL => Origin::Kernel,
            RTPROT_RA => Origin::Router,
            _ => Origin::Given,
        };
        let mut route = Route { link_scope: u8_at(body, 6)? == RT_SCOPE_LINK, origin, ..Route::default() };
        let (mut dst, mut table) = (unspecified, u32::from(u8_at(body, 4)?));
        for attribute in Attributes(after(body, 12)?) {
            match attribute? {
                (RTA_DST, value) => dst = ip(value)?,
                (RTA_OIF, value) => route.index = u32_at(value, 0)?,
                (RTA_GATEWAY, value) => route.gateway = Some(ip(value)?),
                (RTA_METRICS, value) => route.mtu = mtu(value)?,
                (RTA_MULTIPATH, value) => route.nexthops = NextHop::decode_all(value)?,
                (RTA_TABLE, value) => table = u32_at(value, 0)?,
                _ => {}
            }
        }
        if table == LOCAL {
            return Ok(None);
        }
        route.table = Some(table).filter(|table| *table != MAIN);
        let dst = IpNetwork::new(dst, u8_at(body, 1)?).map_err(|_| Garbled)?;
        // As it is asked for: a default route has no destination where its gateway tells the family.
        let is_default = dst.prefix() == 0 && route.is_ipv4() == dst.is_ipv4();
        route.dst = Some(dst).filter(|_| !is_default);
        Ok(Some(route))
    }
}

impl NextHop {
    /// A `struct rtnexthop`, then attributes.
    fn encode(&self) -> Vec<u8> {
        let gateway: Vec<DefaultNla> =
            self.gateway.map(|gateway| address(RTA_GATEWAY, gateway)).into_iter().collect();
        let gateway = encoded(&gateway);
        // It counts itself, and an address is no longer than a few bytes.
        let length = 8 + u16::try_from(gateway.len()).unwrap_or_default();
        [&length.to_ne_bytes(), &[0; 2], self.index.to_ne_bytes().as_slice(), &gateway].concat()
    }

    /// Decodes the value of `RTA_MULTIPATH`: hops in a row.
    fn decode_all(mut bytes: &[u8]) -> Result<Vec<NextHop>, Garbled> {
        let mut hops = Vec::new();
        while !bytes.is_empty() {
            let length = usize::from(u16_at(bytes, 0)?);
            let mut hop = NextHop { index: u32_at(bytes, 4)?, gateway: None };
            for attribute in Attributes(bytes.get(8..length).ok_or(Garbled)?) {
                if let (RTA_GATEWAY, value) = attribute? {
                    hop.gateway = Some(ip(value)?);
                }
            }
            hops.push(hop);
            bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        }
        Ok(hops)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dst {
            Some(dst) => write!(f, "route to {dst}")?,
            None => f.write_str("default route")?,
        }
        if self.nexthops.is_empty() {
            NextHop { index: self.index, gateway: self.gateway }.fmt(f)?;
        }
        for hop in &self.nexthops {
            hop.fmt(f)?;
        }
        match self.table {
            Some(table) => write!(f, " in table {table}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        write!(f, " over link {}", self.index)
    }
}

/// `RTM_GETROUTE` for all families.
pub(crate) fn question() -> Request {
    Request::new(RTM_GETROUTE, &[0; 12], &[])
}

/// The MTU among a route's metrics.
fn mtu(metrics: &[u8]) -> Result<Option<u32>, Garbled> {
    for attribute in Attributes(metrics) {
        if let (RTAX_MTU, value) = attribute? {
            return u32_at(value, 0).map(Some);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::AddressFamily;
    use netlink_packet_route::route::{
        RouteAttribute, RouteMessage, RouteMetric, RouteNextHop, RouteProtocol, RouteScope, RouteType,
    };

    use super::*;
    use crate::wire::witness;

    fn read_back(route: &Route) -> Option<Route> {
        Route::decode(&route.request().body).unwrap()
    }

    fn message(table: u8, attributes: Vec<RouteAttribute>) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet;
        message.header.protocol = RouteProtocol::Boot;
        message.header.kind = RouteType::Unicast;
        message.header.table = table;
        message.attributes = attributes;
        message
    }

    #[test]
    fn is_written_as_another_writes_it() {
        let gateway = IpAddr::from([10, 1, 0, 1]);
        let via = || RouteAttribute::Gateway(gateway.into());
        let mtu = RouteAttribute::Metrics(vec![RouteMetric::Mtu(1400)]);
        let mut route = Route { index: 5, gateway: Some(gateway), mtu: Some(1400), ..Route::default() };
        let mut wanted = message(254, vec![via(), RouteAttribute::Oif(5), mtu]);
        assert_eq!(route.request().body, witness(&wanted));
        (wanted.header.scope, wanted.header.protocol) = (RouteScope::NoWhere, RouteProtocol::Unspec);
        assert_eq!(route.removal().body, witness(&wanted));
        route.origin = Origin::Router;
        wanted.header.protocol = RouteProtocol::Ra;
        assert_eq!(route.removal().body, witness(&wanted));

        let hop = |index, attributes| {
            let mut hop = RouteNextHop::default();
            (hop.interface_index, hop.attributes) = (index, attributes);
            hop
        };
        let several = Route {
            dst: Some("10.9.0.0/24".parse().unwrap()),
            nexthops: vec![NextHop { index: 5, gateway: Some(gateway) }, NextHop { index: 6, gateway: None }],
            table: Some(1005),
            link_scope: true,
            ..Route::default()
        };
        let mut wanted = message(
            0,
            vec![
                RouteAttribute::Table(1005),
                RouteAttribute::Destination("10.9.0.0".parse::<Ipv4Addr>().unwrap().into()),
                RouteAttribute::MultiPath(vec![hop(5, vec![via()]), hop(6, vec![])]),
            ],
        );
        (wanted.header.destination_prefix_length, wanted.header.scope) = (24, RouteScope::Link);
        assert_eq!(several.request().body, witness(&wanted));
        assert_eq!(question().body, witness(&RouteMessage::default()));
    }

    #[test]
    fn a_default_route_is_of_its_gateways_family() {
        let family = |gateway: &str| {
            let route = Route { gateway: Some(gateway.parse().unwrap()), ..Route::default() };
            route.request().body[0]
        };
        assert_eq!(family("10.1.0.1"), AF_INET);
        assert_eq!(family("fd00::1"), AF_INET6);
    }

    #[test]
    fn is_read_as_it_was_written() {
        let gateway = Some("10.1.0.1".parse().unwrap());
        let default = Route { index: 5, gateway, mtu: Some(1400), ..Route::default() };
        let on_link = Route {
            index: 5,
            dst: Some("10.1.0.0/16".parse().unwrap()),
            link_scope: true,
            table: Some(1005),
            ..Route::default()
        };
        let ipv6 = Route { index: 5, gateway: Some("fd00::1".parse().unwrap()), ..Route::default() };
        let hops = vec![NextHop { index: 5, gateway }, NextHop { index: 6, gateway: None }];
        let several = Route {
            dst: Some("10.9.0.0/24".parse().unwrap()),
            nexthops: hops,
            table: Some(105),
            ..Route::default()
        };
        for route in [default, on_link, ipv6, several] {
            assert_eq!(read_back(&route).as_ref(), Some(&route), "{route}");
        }
    }

    #[test]
    fn a_route_says_what_it_is() {
        let gateway = Some("10.1.0.1".parse().unwrap());
        let route = Route { index: 5, gateway, table: Some(105), ..Route::default() };
        assert_eq!(route.to_string(), "default route via 10.1.0.1 over link 5 in table 105");
    }
}
