//! What an ADD leaves on an interface in its pod besides name, MAC and MTU: enough to give it again to the function that
//! takes the place of a lost one.

use std::collections::BTreeMap;

use ipnetwork::IpNetwork;
use linux::{NextHop, Route, Rule, Step, Sysctls};
use serde::{Deserialize, Serialize};

/// The interface itself, in routes: its index is another one each time that it is moved in.
pub(crate) const ITSELF: u32 = 0;

/// Everything that makes an interface of a link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Plumbing {
    /// Its settings below `/proc/sys/net`.
    pub(crate) sysctls: Sysctls,
    /// Its addresses.
    pub(crate) addresses: Vec<IpNetwork>,
    /// Its routes in all tables, over [`ITSELF`] or over several links.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) routes: Vec<Route>,
    /// The rules that lead to its own table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) rules: Vec<Rule>,
    /// What the other links of its routes were called, by index.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) siblings: BTreeMap<u32, String>,
}

impl Plumbing {
    /// All that is to be done to the link of this index, which has its settings. `others` tells where a sibling is now;
    /// one that is gone is no way for a route.
    pub(crate) fn steps(&self, index: u32, others: impl Fn(u32) -> Option<u32>) -> Vec<Step> {
        let addresses = self.addresses.iter().map(|address| Step::Address { index, address: *address });
        let now = |link: u32| if link == ITSELF { Some(index) } else { others(link) };
        let routes = self.routes.iter().map(|route| {
            let hops = route.nexthops.iter();
            let nexthops: Vec<NextHop> =
                hops.filter_map(|hop| Some(NextHop { index: now(hop.index)?, ..*hop })).collect();
            let several = !nexthops.is_empty();
            let route = Route { index, nexthops, ..route.clone() };
            // Every interface so far is an equal way.
            if several { Step::RouteReplace(route) } else { Step::Route(route) }
        });
        // The kernel refuses a route over a link that is down, and duplicate address detection starts with the link.
        addresses
            .chain([Step::Up { index }])
            .chain(self.rules.iter().copied().map(Step::Rule))
            .chain(routes)
            .collect()
    }
}
