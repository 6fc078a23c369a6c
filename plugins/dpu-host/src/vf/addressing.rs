//! Addresses and routes of a VF in its pod, as ovnkube-node wants them (`go-controller/pkg/cni/helper_linux.go`).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use cni::Error;
use ipnetwork::IpNetwork;
use linux::{NextHop, Route, Rule, Step, Sysctls};
use nix::errno::Errno;
use ovnkube::PodInterface;

use crate::error;
use crate::node::Sandbox;
use crate::record::attachment::{Held, Inside};
use crate::record::plumbing::{ITSELF, Plumbing};

/// Several interfaces of one network have a table each, from here on.
const FIRST_TABLE: u32 = 100;
/// Below it the kernel has no IPv6 on a link, in bytes (RFC 8200, section 5).
const IPV6_LEAST_MTU: u32 = 1280;

/// Gives the VF its settings, addresses and routes, and sets it up. What it was given is for its record.
///
/// # Errors
/// 107 when the kernel refuses one of them.
pub(crate) fn run(
    sandbox: &Sandbox,
    held: &Held,
    inside: Inside,
    pod: &PodInterface,
) -> Result<Plumbing, Error> {
    let plumbing = plan(sandbox, held, inside, pod)?;
    settings(sandbox, held, &plumbing)?;
    let steps = plumbing.steps(inside.index, Some);
    sandbox.links.apply(&steps).map_err(|failed| {
        let cause = cause(&steps[failed.step], &failed.source, inside, pod);
        let error = error::kernel(&held.id, format!("setting up {}", held.ifname), failed);
        match cause {
            Some(cause) => error.details(cause),
            None => error,
        }
    })?;
    Ok(plumbing)
}

/// Gives a link of this index what another one had, which has gone. The pod's rules have stayed; a route that leads elsewhere
/// by now is the pod's own affair.
///
/// # Errors
/// 107 when the kernel refuses something else.
pub(crate) fn again(sandbox: &Sandbox, held: &Held, index: u32, plumbing: &Plumbing) -> Result<(), Error> {
    settings(sandbox, held, plumbing)?;
    let links = &sandbox.links;
    let rules =
        if plumbing.rules.is_empty() { Vec::new() } else { links.survey().map_err(error::netlink)?.rules };
    let missing = plumbing.rules.iter().filter(|rule| !rules.contains(rule)).copied().collect();
    let plumbing = Plumbing { rules: missing, ..plumbing.clone() };
    let sibling = |was: u32| match plumbing.siblings.get(&was) {
        Some(name) => links.link(name),
        None => links.link_at(was),
    };
    let steps = plumbing.steps(index, |was| Some(sibling(was).ok()??.index));
    let mut rest = steps.as_slice();
    while let Err(failed) = links.apply(rest) {
        match &rest[failed.step] {
            Step::Route(route) if failed.source.is_exists() => {
                log::info!("VF {}: the pod has another {route} by now", held.id);
            }
            _ => return Err(error::kernel(&held.id, format!("setting up {} again", held.ifname), failed)),
        }
        rest = &rest[failed.step + 1..];
    }
    Ok(())
}

/// What the pod's interface is to have.
fn plan(sandbox: &Sandbox, held: &Held, inside: Inside, pod: &PodInterface) -> Result<Plumbing, Error> {
    if pod.skip_ip_config {
        return Ok(Plumbing::default());
    }
    let siblings = siblings(sandbox, held, inside, pod)?;
    let (routes, rules) = routes(inside.index, pod, &siblings);
    Ok(Plumbing {
        sysctls: sysctls(pod),
        addresses: unique(pod.ips.iter().copied()).collect(),
        routes,
        rules,
        siblings,
    })
}

/// Why the kernel refuses a step where no driver has a part in it, and what to do.
fn cause(step: &Step, refusal: &linux::Error, inside: Inside, pod: &PodInterface) -> Option<String> {
    let (destination, gateway) = match step {
        Step::Address { address, .. } => (Some(address.ip()), None),
        Step::Route(route) | Step::RouteReplace(route) | Step::RouteGone(route) => {
            (route.dst.map(|dst| dst.ip()), route.gateway)
        }
        Step::Rule(rule) => (Some(rule.from.ip()), None),
        Step::Up { .. } => return None,
    };
    if let Some(why) = gateway.and_then(|gateway| unreachable(gateway, pod)) {
        return Some(format!(
            "ovnkube-node gave {why}: look at the pod's annotation k8s.ovn.org/pod-networks, and at its log"
        ));
    }
    if !destination.or(gateway)?.is_ipv6() {
        None
    } else if !Path::new("/proc/sys/net/ipv6").exists() {
        Some(
            "this node runs without IPv6 (ipv6.disable=1): a cluster with IPv6 needs it on every node".into(),
        )
    } else if inside.mtu < IPV6_LEAST_MTU {
        Some(format!(
            "IPv6 needs an MTU of {IPV6_LEAST_MTU}, and ovnkube-node gave {}: raise the MTU of the pod network",
            inside.mtu
        ))
    } else if refusal.errno() == Some(Errno::EACCES as i32) {
        Some(
            "IPv6 is off in the pod and could not be switched on: is /proc/sys read-only for the runtime?"
                .into(),
        )
    } else {
        None
    }
}

/// What is wrong with a gateway that the pod cannot have.
fn unreachable(gateway: IpAddr, pod: &PodInterface) -> Option<String> {
    let mut family = pod.ips.iter().filter(|address| address.is_ipv6() == gateway.is_ipv6()).peekable();
    if family.peek().is_none() {
        let name = if gateway.is_ipv6() { "IPv6" } else { "IPv4" };
        return Some(format!("the gateway {gateway} and no {name} address"));
    }
    let everywhere = matches!(gateway, IpAddr::V6(gateway) if gateway.is_unicast_link_local());
    (!everywhere && !family.any(|address| address.contains(gateway)))
        .then(|| format!("the gateway {gateway}, which is in none of the pod's networks"))
}

/// The first gateway of each family: the pod's default routes, and the gateways of the result.
pub(crate) fn gateways(pod: &PodInterface) -> impl Iterator<Item = IpAddr> {
    let first = |v6: bool| pod.gateways.iter().copied().find(move |gateway| gateway.is_ipv6() == v6);
    first(false).into_iter().chain(first(true))
}

fn routes(index: u32, pod: &PodInterface, siblings: &BTreeMap<u32, String>) -> (Vec<Route>, Vec<Rule>) {
    let mtu = (pod.routable_mtu > 0).then_some(pod.routable_mtu);
    let mut routes: Vec<Route> = gateways(pod)
        .map(|gateway| Route { index: ITSELF, gateway: Some(gateway), mtu, ..Route::default() })
        .collect();
    let mut rules = Vec::new();
    let own_table = (!pod.pod_if_names.is_empty() && !pod.routes.is_empty()).then_some(FIRST_TABLE + index);
    if let Some(table) = own_table {
        for address in unique(pod.ips.iter().copied()) {
            rules.push(Rule { from: host(address), table });
            let dst = Some(network(address));
            routes.push(Route {
                index: ITSELF,
                dst,
                table: Some(table),
                link_scope: true,
                ..Route::default()
            });
        }
    }
    for route in unique(pod.routes.iter()) {
        let gateway = route.next_hop;
        let plain = Route { index: ITSELF, dst: Some(route.dest), gateway, mtu, ..Route::default() };
        let mut nexthops: Vec<NextHop> =
            siblings.keys().map(|sibling| NextHop { index: *sibling, gateway }).collect();
        if !nexthops.is_empty() {
            nexthops.push(NextHop { index: ITSELF, gateway });
        }
        routes.push(Route { nexthops, ..plain.clone() });
        if let Some(table) = own_table {
            routes.push(Route { table: Some(table), ..plain });
        }
    }
    (routes, rules)
}

/// The interfaces of the same network that were attached before this one, by index.
fn siblings(
    sandbox: &Sandbox,
    held: &Held,
    inside: Inside,
    pod: &PodInterface,
) -> Result<BTreeMap<u32, String>, Error> {
    let mut ways = BTreeMap::new();
    for name in pod.pod_if_names.iter().take_while(|name| **name != held.ifname) {
        let link = sandbox.links.link(name).map_err(error::netlink)?.ok_or_else(|| {
            error::kernel(
                &held.id,
                format!("routing over {name}, of the same network"),
                "the pod has no such interface",
            )
        })?;
        if link.index != inside.index {
            ways.insert(link.index, link.name);
        }
    }
    Ok(ways)
}

/// What the kernel must know of the interface before it is up.
fn sysctls(pod: &PodInterface) -> Sysctls {
    let mut sysctls = Sysctls::default();
    if pod.ips.iter().any(IpNetwork::is_ipv6) {
        // A runtime, or the pod's own sysctls, may have it off where new namespaces begin without it. No one else can
        // have the addresses: OVN gave them.
        sysctls.disable_ipv6 = Some(0);
        sysctls.dad_transmits = Some(0);
        sysctls.addr_gen_mode = Some(0);
        if pod.gateway_ipv6_lla.is_some() && gateways(pod).any(|gateway| gateway.is_ipv6()) {
            // The routers of all nodes advertise themselves here. Only this node's is the pod's, and that has
            // been said; the others' would become default routes beside it.
            sysctls.accept_ra = Some(0);
        }
    }
    if !pod.pod_if_names.is_empty() {
        // Two interfaces in one subnet: each answers for itself, and takes what comes back over the other.
        sysctls.arp_ignore = Some(1);
        sysctls.arp_announce = Some(2);
        sysctls.rp_filter = Some(2);
    }
    sysctls
}

/// Writes the settings of an interface that is down.
///
/// # Errors
/// 107 when the kernel refuses one of IPv4.
pub(crate) fn settings(sandbox: &Sandbox, held: &Held, plumbing: &Plumbing) -> Result<(), Error> {
    let name = held.ifname.as_str();
    let mut wanted: Vec<(&str, &str, &str, i32)> =
        plumbing.sysctls.set().map(|(family, key, value)| (family, name, key, value)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    if plumbing.addresses.iter().any(IpNetwork::is_ipv6) {
        wanted.insert(0, ("ipv6", "lo", "disable_ipv6", 0));
    }
    let done = sandbox.netns.run(|| -> io::Result<()> {
        for (family, name, key, value) in wanted {
            let path = format!("/proc/sys/net/{family}/conf/{name}/{key}");
            match fs::write(path, value.to_string()) {
                // Kernels without IPv6 have no such files.
                Err(error) if family == "ipv6" => log::warn!("VF {}: {key} of {name}: {error}", held.id),
                done => done?,
            }
        }
        Ok(())
    });
    match done {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error::kernel(&held.id, format!("settings of {name}"), error)),
        Err(error) => Err(error::kernel(&held.id, "entering the pod's namespace", error)),
    }
}

/// Each value once, in order: a server that says a thing twice does not mean it twice.
pub(crate) fn unique<T: PartialEq + Clone>(values: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    let mut seen: Vec<T> = Vec::new();
    values.filter(move |value| {
        let new = !seen.contains(value);
        if new {
            seen.push(value.clone());
        }
        new
    })
}

/// The address alone.
fn host(address: IpNetwork) -> IpNetwork {
    address.ip().into()
}

/// The network that an address is in.
fn network(address: IpNetwork) -> IpNetwork {
    match address {
        IpNetwork::V4(v4) => {
            ipnetwork::Ipv4Network::new(v4.network(), v4.prefix()).map_or(address, IpNetwork::V4)
        }
        IpNetwork::V6(v6) => {
            ipnetwork::Ipv6Network::new(v6.network(), v6.prefix()).map_or(address, IpNetwork::V6)
        }
    }
}
