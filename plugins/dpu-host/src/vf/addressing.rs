//! Addresses and routes of a VF in its pod, as ovnkube-node wants them (`go-controller/pkg/cni/helper_linux.go`).

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use cni::Error;
use ipnetwork::IpNetwork;
use linux::{NextHop, Route, Step};
use nix::errno::Errno;
use ovnkube::PodInterface;

use crate::error;
use crate::node::Sandbox;
use crate::record::attachment::{Held, Inside};

/// Several interfaces of one network have a table each, from here on.
const FIRST_TABLE: u32 = 100;
/// Below it the kernel has no IPv6 on a link, in bytes (RFC 8200, section 5).
const IPV6_LEAST_MTU: u32 = 1280;

/// Gives the VF its settings, addresses and routes, and sets it up.
///
/// # Errors
/// 107 when the kernel refuses one of them.
pub(crate) fn run(sandbox: &Sandbox, held: &Held, inside: Inside, pod: &PodInterface) -> Result<(), Error> {
    let apply = |steps: &[Step]| {
        sandbox.links.apply(steps).map_err(|failed| {
            let cause = cause(&steps[failed.step], &failed.source, inside, pod);
            let error = error::kernel(&held.id, format!("setting up {}", held.ifname), failed);
            match cause {
                Some(cause) => error.details(cause),
                None => error,
            }
        })
    };
    if pod.skip_ip_config {
        return apply(&[Step::Up { index: inside.index }]);
    }
    settings(sandbox, held, pod)?;
    let siblings = siblings(sandbox, held, inside, pod)?;
    let mut steps: Vec<Step> = unique(pod.ips.iter().copied())
        .map(|address| Step::Address { index: inside.index, address })
        .collect();
    // The kernel refuses a route over a link that is down, and duplicate address detection starts with the link.
    steps.push(Step::Up { index: inside.index });
    steps.extend(routes(inside.index, pod, &siblings));
    apply(&steps)
}

/// Why the kernel refuses a step where no driver has a part in it, and what to do.
fn cause(step: &Step, refusal: &linux::Error, inside: Inside, pod: &PodInterface) -> Option<String> {
    let (destination, gateway) = match step {
        Step::Address { address, .. } => (Some(address.ip()), None),
        Step::Route(route) | Step::RouteReplace(route) => (route.dst.map(|dst| dst.ip()), route.gateway),
        Step::Rule { from, .. } => (Some(from.ip()), None),
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

fn routes(index: u32, pod: &PodInterface, siblings: &[NextHop]) -> Vec<Step> {
    let mtu = (pod.routable_mtu > 0).then_some(pod.routable_mtu);
    let mut steps: Vec<Step> = gateways(pod)
        .map(|gateway| Step::Route(Route { index, gateway: Some(gateway), mtu, ..Route::default() }))
        .collect();
    let own_table = (!pod.pod_if_names.is_empty() && !pod.routes.is_empty()).then_some(FIRST_TABLE + index);
    if let Some(table) = own_table {
        for address in unique(pod.ips.iter().copied()) {
            steps.push(Step::Rule { from: host(address), table });
            let dst = Some(network(address));
            steps.push(Step::Route(Route {
                index,
                dst,
                table: Some(table),
                link_scope: true,
                ..Route::default()
            }));
        }
    }
    for route in unique(pod.routes.iter()) {
        let plain = Route { index, dst: Some(route.dest), gateway: route.next_hop, mtu, ..Route::default() };
        if siblings.is_empty() {
            steps.push(Step::Route(plain.clone()));
        } else {
            // Every interface so far is an equal way.
            let ways = siblings.iter().map(|way| NextHop { gateway: route.next_hop, ..*way });
            let own = NextHop { index, gateway: route.next_hop };
            steps.push(Step::RouteReplace(Route { nexthops: ways.chain([own]).collect(), ..plain.clone() }));
        }
        if let Some(table) = own_table {
            steps.push(Step::Route(Route { table: Some(table), ..plain }));
        }
    }
    steps
}

/// The interfaces of the same network that were attached before this one.
fn siblings(
    sandbox: &Sandbox,
    held: &Held,
    inside: Inside,
    pod: &PodInterface,
) -> Result<Vec<NextHop>, Error> {
    let mut ways = Vec::new();
    for name in pod.pod_if_names.iter().take_while(|name| **name != held.ifname) {
        let link = sandbox.links.link(name).map_err(error::netlink)?.ok_or_else(|| {
            error::kernel(
                &held.id,
                format!("routing over {name}, of the same network"),
                "the pod has no such interface",
            )
        })?;
        if link.index != inside.index {
            ways.push(NextHop { index: link.index, gateway: None });
        }
    }
    Ok(ways)
}

/// What the kernel must know of the interface before it is up.
fn settings(sandbox: &Sandbox, held: &Held, pod: &PodInterface) -> Result<(), Error> {
    let name = held.ifname.as_str();
    let set = |family: &str, name: &str, key: &str, value: &str| {
        fs::write(format!("/proc/sys/net/{family}/conf/{name}/{key}"), value)
    };
    let v6 = pod.ips.iter().any(IpNetwork::is_ipv6);
    let several = !pod.pod_if_names.is_empty();
    if !v6 && !several {
        return Ok(());
    }
    let done = sandbox.netns.run(|| -> io::Result<()> {
        if v6 {
            // A runtime, or the pod's own sysctls, may have it off where new namespaces begin without it. No one else can
            // have the addresses: OVN gave them.
            let mut keys = vec![
                ("lo", "disable_ipv6", "0"),
                (name, "disable_ipv6", "0"),
                (name, "dad_transmits", "0"),
                (name, "addr_gen_mode", "0"),
            ];
            if pod.gateway_ipv6_lla.is_some() && gateways(pod).any(|gateway| gateway.is_ipv6()) {
                // The routers of all nodes advertise themselves here. Only this node's is the pod's, and that has
                // been said; the others' would become default routes beside it.
                keys.push((name, "accept_ra", "0"));
            }
            // Kernels without IPv6 have no such files.
            for (name, key, value) in keys {
                if let Err(error) = set("ipv6", name, key, value) {
                    log::warn!("VF {}: {key} of {name}: {error}", held.id);
                }
            }
        }
        if several {
            // Two interfaces in one subnet: each answers for itself, and takes what comes back over the other.
            for (key, value) in [("arp_ignore", "1"), ("arp_announce", "2"), ("rp_filter", "2")] {
                set("ipv4", name, key, value)?;
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
