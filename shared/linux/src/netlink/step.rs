//! The steps of a batch and the messages they become.

use std::fmt;

use ipnetwork::IpNetwork;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};

use crate::wire::Request;
use crate::{LinkChange, Route, Rule, address};

/// One thing to do in a batch ([`Netlink::apply`](crate::Netlink::apply)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Give the link an address; one that it has already fails with `EEXIST`. IPv6 addresses skip duplicate
    /// address detection and are usable at once; IPv4 ones get the broadcast address of their network unless
    /// the prefix is 31 or 32.
    Address {
        /// The link.
        index: u32,
        /// Address and prefix length.
        address: IpNetwork,
    },
    /// Set the link up.
    Up {
        /// The link.
        index: u32,
    },
    /// Add a route; one to the same destination fails with `EEXIST`.
    Route(Route),
    /// Add a route, in place of the one there is to the same destination, if any.
    RouteReplace(Route),
    /// Take a route away.
    RouteGone(Route),
    /// Let packets from this source look up the table (`ip rule add from X lookup T`). The kernel chooses the
    /// priority, and takes the same rule again, at another one.
    Rule(Rule),
}

impl Step {
    /// The request, and the flags that say what is to happen if the thing exists already.
    pub(super) fn request(&self) -> (Request, u16) {
        const NEW: u16 = NLM_F_CREATE | NLM_F_EXCL;
        match self {
            Step::Address { index, address } => (address::request(*index, *address), NEW),
            Step::Up { index } => (LinkChange { up: Some(true), ..LinkChange::default() }.request(*index), 0),
            Step::Route(route) => (route.request(), NEW),
            Step::RouteReplace(route) => (route.request(), NLM_F_CREATE | NLM_F_REPLACE),
            Step::RouteGone(route) => (route.removal(), 0),
            Step::Rule(rule) => (rule.request(), NEW),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Address { index, address } => write!(f, "add the address {address} to link {index}"),
            Step::Up { index } => write!(f, "set link {index} up"),
            Step::Route(route) => write!(f, "add the {route}"),
            Step::RouteReplace(route) => write!(f, "replace the {route}"),
            Step::RouteGone(route) => write!(f, "take away the {route}"),
            Step::Rule(rule) => write!(f, "add the {rule}"),
        }
    }
}
