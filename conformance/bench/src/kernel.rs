//! The bare kernel work of an ADD and of a DEL: the requests that change something, and nothing around them.

use std::fmt::Write;
use std::sync::Arc;

use anyhow::{Context, Result};
use ipnetwork::IpNetwork;
use linux::{LinkChange, Mac, Netlink, Netns, Route, Step};
use ovnkube::PodInterface;

use super::call::IFNAME;
use super::process::Invocation;
use super::site::Site;
use node::{Pod, Vf};

/// One VF's way into one pod and back, by requests that `dpu-host` makes too.
pub(super) struct Replay<'s> {
    pod: &'s Netns,
    host: &'s Netns,
    links: Netlink,
    inside: Netlink,
    index: u32,
    name: String,
    home: (Mac, u32),
    mac: Option<Mac>,
    mtu: u32,
    steps: Vec<Step>,
}

impl<'s> Replay<'s> {
    /// Opens the sockets and prepares the requests.
    ///
    /// # Errors
    /// When a namespace cannot be entered.
    pub(super) fn new(site: &'s Site, vf: &Vf, pod: &'s Pod) -> Result<Self> {
        let (host, pod) = (site.node.host().netns(), pod.netns().netns());
        let index = vf.link;
        let interface = &site.interface;
        let mut steps: Vec<Step> =
            interface.ips.iter().map(|&address| Step::Address { index, address }).collect();
        steps.push(Step::Up { index });
        steps.extend(routes(interface).map(|(dst, gateway)| {
            Step::Route(Route { index, dst, gateway: Some(gateway), ..Route::default() })
        }));
        Ok(Replay {
            links: Netlink::inside(host)?,
            inside: Netlink::inside(pod)?,
            home: (vf.mac.parse().context("a VF's address")?, vf.mtu),
            mac: interface.mac.map(Mac::from),
            mtu: interface.mtu,
            name: vf.name.clone(),
            pod,
            host,
            index,
            steps,
        })
    }

    /// What an ADD asks of the kernel.
    ///
    /// # Errors
    /// When it refuses.
    pub(super) fn add(&self) -> Result<()> {
        let change = LinkChange {
            netns: Some(self.pod),
            name: Some(IFNAME),
            mac: self.mac,
            mtu: Some(self.mtu),
            up: Some(false),
            ..LinkChange::default()
        };
        self.links.change(self.index, &change)?;
        Ok(self.inside.apply(&self.steps)?)
    }

    /// What a DEL asks of the kernel.
    ///
    /// # Errors
    /// When it refuses.
    pub(super) fn del(&self) -> Result<()> {
        let change = LinkChange {
            netns: Some(self.host),
            name: Some(&self.name),
            mac: Some(self.home.0),
            mtu: Some(self.home.1),
            up: Some(false),
            ..LinkChange::default()
        };
        Ok(self.inside.change(self.index, &change)?)
    }
}

/// The same by `ip -batch`: for an ADD one process on the host and one in the pod, for a DEL one in the pod.
///
/// # Errors
/// When the pod's namespace cannot be opened.
pub(super) fn batches(site: &Site, vf: &Vf, pod: &Pod) -> Result<(Vec<Invocation>, Vec<Invocation>)> {
    let interface = &site.interface;
    let mac = interface.mac.map(|mac| format!(" address {}", Mac::from(mac))).unwrap_or_default();
    let into = format!(
        "link set dev {} down netns {} name {IFNAME}{mac} mtu {}\n",
        vf.name,
        pod.netns().name(),
        interface.mtu
    );
    let mut setup = String::new();
    for address in &interface.ips {
        let extra = if address.is_ipv6() { "nodad" } else { "broadcast +" };
        writeln!(setup, "address add {address} dev {IFNAME} {extra}")?;
    }
    writeln!(setup, "link set dev {IFNAME} up")?;
    for (dst, gateway) in routes(interface) {
        let dst = dst.map_or_else(|| "default".to_owned(), |dst| dst.to_string());
        writeln!(setup, "route add {dst} via {gateway} dev {IFNAME}")?;
    }
    let home = format!(
        "link set dev {IFNAME} down netns {} name {} address {} mtu {}\n",
        site.node.host().name(),
        vf.name,
        vf.mac,
        vf.mtu
    );
    let inside = Arc::new(Netns::open(pod.netns().path())?);
    let batch = |script: String, place: &Arc<Netns>| Invocation {
        args: vec!["-batch".to_owned(), "-".to_owned()],
        stdin: script.into_bytes(),
        inside: Some(place.clone()),
        ..Invocation::new("ip")
    };
    Ok((vec![batch(into, site.host()), batch(setup, &inside)], vec![batch(home, &inside)]))
}

/// Default routes first, then the others, as `dpu-host` makes them.
fn routes(interface: &PodInterface) -> impl Iterator<Item = (Option<IpNetwork>, std::net::IpAddr)> {
    let defaults = interface.gateways.iter().map(|gateway| (None, *gateway));
    let others = interface.routes.iter().filter_map(|route| Some((Some(route.dest), route.next_hop?)));
    defaults.chain(others)
}
