//! The second VF of a pod, that of a primary user-defined network.
//!
//! An unprivileged server says which it is. A privileged one moves it without a word, whether its ADD succeeds or not,
//! and never brings it home: it is looked for in the pod.

use cni::{AddResult, Error, Ip};
use linux::{Link, Origin, Step};
use ovnkube::{PodInterface, PodRequest, UDN_INTERFACE};

use super::place::on_host;
use super::{naming, traces};
use crate::device::DeviceId;
use crate::error;
use crate::node::{Node, Sandbox};
use crate::pod::defaults;
use crate::record::attachment::{Held, Home, Inside, Record};
use crate::record::plumbing::Plumbing;

/// The device that the server chose. Servers from before its configuration carried the device ID tell only what the VF
/// is called on the host.
///
/// # Errors
/// 101 when it chose none: the pod has one VF only.
pub(crate) fn chosen(
    node: &Node,
    request: &PodRequest,
    interface: &PodInterface,
    record: &Record,
) -> Result<DeviceId, Error> {
    let id = match request.device_id() {
        Some(id) => id.parse().ok(),
        None => called(node, &interface.vf_netdev_name),
    };
    id.ok_or_else(|| error::no_second_device(&record.pod, node.config.resource.as_deref()))
}

fn called(node: &Node, name: &str) -> Option<DeviceId> {
    let vfs = node.sysfs.vfs().unwrap_or_default();
    let vf =
        vfs.into_iter().find(|vf| node.sysfs.netdev(vf).is_ok_and(|netdev| netdev.as_deref() == Some(name)));
    vf.map(DeviceId::Pci).or_else(|| name.parse().ok())
}

/// A VF that the server may move, as it is on the host before.
pub(crate) struct Candidate {
    id: DeviceId,
    link: Link,
}

/// What the server may choose for a pod that was given `first` and these others. Of simulated devices it may be any.
///
/// # Errors
/// 5 when the kernel says nothing.
pub(crate) fn candidates(
    node: &Node,
    first: &DeviceId,
    others: Vec<DeviceId>,
) -> Result<Vec<Candidate>, Error> {
    if let DeviceId::Netdev(_) = first {
        let links = node.links()?.links().map_err(error::netlink)?.into_iter();
        let ends = links.filter(|link| link.peer.is_some());
        return Ok(ends.filter_map(|link| Some(Candidate { id: link.name.parse().ok()?, link })).collect());
    }
    // One that cannot be read now may not be wanted; where it is, it tells less of itself.
    let with_link = |id: DeviceId| Some(Candidate { link: on_host(node, &id).ok()??, id });
    Ok(others.into_iter().filter_map(with_link).collect())
}

/// Takes a second VF that the server has moved into the record, so that it is brought home. The pod's namespace must
/// be one in which nobody but the server can have moved anything.
///
/// # Errors
/// 5 or 109 when the pod or the records cannot be read.
pub(crate) fn adopt(
    node: &Node,
    sandbox: &Sandbox,
    record: &mut Record,
    candidates: &[Candidate],
) -> Result<(), Error> {
    if record.devices.iter().any(|held| held.ifname == UDN_INTERFACE) {
        return Ok(());
    }
    // A move that failed half-way may have left it under its own name.
    let came = |link: &Link| candidates.iter().any(|before| before.link.name == link.name);
    let expected = |link: &Link| link.name == UDN_INTERFACE || came(link);
    let links = sandbox.links.links().map_err(error::netlink)?;
    let found = links.into_iter().find(|link| expected(link) && !record.devices[0].is_inside(link));
    let Some(link) = found else { return Ok(()) };
    let known = match link.parent.as_ref().map(|parent| parent.parse::<DeviceId>()) {
        Some(Ok(id)) if is_free_vf(node, record, &id)? => {
            let before = candidates.iter().find(|before| before.id == id);
            let home = before.map(|before| naming::home(node, &id, &before.link, None));
            Some((id, home.unwrap_or_else(|| sibling(&link, record))))
        }
        Some(_) => None,
        None => vanished(node, &link, candidates)?
            .map(|before| (before.id.clone(), naming::home(node, &before.id, &before.link, None))),
    };
    let Some((id, mut home)) = known else {
        log::warn!(
            "which VF {} of pod {} is cannot be told: nobody will bring it home",
            link.name,
            record.pod
        );
        return Ok(());
    };
    home.features = traces::features(Some(&sandbox.netns), link.index);
    let inside = Inside { index: link.index, mac: link.mac, mtu: link.mtu, addressed: true };
    let (home, inside, incarnation) = (Some(home), Some(inside), id.incarnation(&node.sysfs));
    let plumbing = Some(Plumbing { sysctls: link.sysctls, ..Plumbing::default() });
    let held = Held { home, inside, plumbing, incarnation, ..Held::new(id.clone(), UDN_INTERFACE) };
    record.devices.push(held.clone());
    let store = node.store()?;
    store.save(record).and_then(|()| store.claim(&id, record))?;
    traces::drop_programs(&sandbox.links, &held, &link);
    traces::lay_aside(&sandbox.links, &held, link.index)
}

/// Has the second VF, which a privileged server has moved, listen to no routers: those of all nodes advertise themselves
/// in such a network, and the pod's own one has been said. What it has learnt from them already is dropped.
///
/// # Errors
/// 5 when the pod cannot be read, 107 when the kernel refuses.
pub(crate) fn deafen(sandbox: &Sandbox, record: &mut Record, result: &AddResult) -> Result<(), Error> {
    let second = record.devices.iter_mut().find(|held| held.ifname == UDN_INTERFACE);
    let Some(held) = second else { return Ok(()) };
    let place = result.interfaces.iter().position(|interface| interface.name == UDN_INTERFACE);
    let is_its = |ip: &Ip| ip.interface.map(|at| at as usize) == place && place.is_some();
    let routed = result.ips.iter().filter(|ip| is_its(ip)).filter_map(|ip| ip.gateway);
    let (Some(inside), true) = (held.inside, routed.into_iter().any(|gateway| gateway.is_ipv6())) else {
        return Ok(());
    };
    match defaults::deafen(&sandbox.netns, &held.ifname) {
        Ok(()) => {
            if let Some(plumbing) = &mut held.plumbing {
                plumbing.sysctls.accept_ra = Some(0);
            }
        }
        Err(error) => log::warn!("VF {}: accept_ra of {}: {error}", held.id, held.ifname),
    }
    let routes = sandbox.links.routes(inside.index).map_err(error::netlink)?;
    let advertised = routes.into_iter().filter(|route| route.origin == Origin::Router);
    let learnt: Vec<Step> = advertised.map(Step::RouteGone).collect();
    sandbox
        .links
        .apply(&learnt)
        .map_err(|failed| error::kernel(&held.id, "dropping routes that it has learnt", failed))
}

/// Whether a device in the pod is a VF, and no other attachment's.
fn is_free_vf(node: &Node, record: &Record, id: &DeviceId) -> Result<bool, Error> {
    let is_vf = match id {
        DeviceId::Pci(address) => node.sysfs.pf(address).is_some(),
        DeviceId::Sf(function) => node.sysfs.scalable_exists(function),
        DeviceId::Netdev(_) => false,
    };
    let holder = node.store()?.holder(id);
    Ok(is_vf && holder.is_none_or(|holder| holder.attachment == record.attachment || holder.is_forsaken()))
}

/// How a VF that is in the pod already was at home, as far as it and the first one of its pool tell. What it was
/// called there is told once it is there.
fn sibling(link: &Link, record: &Record) -> Home {
    let first = record.devices[0].home.as_ref();
    Home {
        mac: link.permanent_mac.or(link.mac),
        mtu: first.map_or(link.mtu, |home| home.mtu),
        ..Home::of(link, naming::temporary_name(link.index))
    }
}

/// Which of the links that were on the host is in the pod now: the one with the same other end.
fn vanished<'a>(
    node: &Node,
    link: &Link,
    candidates: &'a [Candidate],
) -> Result<Option<&'a Candidate>, Error> {
    for before in candidates.iter().filter(|before| link.peer.is_some() && before.link.peer == link.peer) {
        let now = node.links()?.link_at(before.link.index).map_err(error::netlink)?;
        if now.is_none_or(|now| now.peer != link.peer) {
            return Ok(Some(before));
        }
    }
    Ok(None)
}
