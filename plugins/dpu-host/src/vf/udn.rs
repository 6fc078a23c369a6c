//! The second VF of a pod, that of a primary user-defined network.
//!
//! An unprivileged server says which it is. A privileged one moves it without a word, whether its ADD succeeds or not,
//! and never brings it home: it is looked for in the pod.

use std::time::Instant;

use cni::{AddResult, Error, Ip};
use linux::{Link, Origin, Step};
use ovnkube::{PodInterface, PodRequest, UDN_INTERFACE};

use super::place::{at_home, on_host};
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

/// What the server may choose for a pod that was given `first` and these others, as each is on the host. Of simulated
/// devices it may be any.
///
/// # Errors
/// 103 for one that no pod may have, 5 when the kernel says nothing.
pub(crate) fn candidates(node: &Node, first: &DeviceId, others: &[DeviceId]) -> Result<Vec<Held>, Error> {
    if let DeviceId::Netdev(_) = first {
        let links = node.links()?.links().map_err(error::netlink)?;
        let ends = links.iter().filter(|link| link.peer.is_some() && DeviceId::is_simulated(&link.name));
        return Ok(ends.filter_map(|link| Some(candidate(node, link.name.parse().ok()?, link))).collect());
    }
    let mut found = Vec::new();
    for id in others {
        // One that cannot be read now may not be wanted; where it is, it tells less of itself.
        let Ok(Some(link)) = on_host(node, id) else { continue };
        traces::refuse(node, id, &link)?;
        let mut held = candidate(node, id.clone(), &link);
        if let Some(home) = &mut held.home {
            home.features = traces::features(None, link.index);
        }
        found.push(held);
    }
    Ok(found)
}

fn candidate(node: &Node, id: DeviceId, link: &Link) -> Held {
    let (home, incarnation) = (Some(naming::home(node, &id, link, None)), id.incarnation(&node.sysfs));
    Held { home, incarnation, ..Held::new(id, UDN_INTERFACE) }
}

/// Takes a second VF that the server has moved into the record, so that it is brought home. The pod's namespace must
/// be one in which nobody but the server can have moved anything.
///
/// # Errors
/// 5 or 109 when the pod or the records cannot be read, 11 when another call works on that VF.
pub(crate) fn adopt(
    node: &Node,
    sandbox: &Sandbox,
    record: &mut Record,
    deadline: Instant,
) -> Result<(), Error> {
    if has_second(record) {
        return Ok(());
    }
    // A move that failed half-way may have left it under its own name.
    let came = |link: &Link| record.candidates.iter().any(|candidate| candidate.is_inside(link));
    let expected = |link: &Link| link.name == UDN_INTERFACE || came(link);
    let links = sandbox.links.links().map_err(error::netlink)?;
    let found = links.into_iter().find(|link| expected(link) && !record.devices[0].is_inside(link));
    let Some(link) = found else { return Ok(()) };
    let known = match link.parent.as_ref().map(|parent| parent.parse::<DeviceId>()) {
        Some(Ok(id)) if is_vf(node, &id) => {
            let noted = record.candidates.iter().find(|candidate| candidate.id == id);
            Some(noted.cloned().unwrap_or_else(|| guessed(node, sandbox, record, id, &link)))
        }
        Some(_) => None,
        None => vanished(node, &link, &record.candidates)?.cloned(),
    };
    let Some(known) = known else {
        log::warn!(
            "which VF {} of pod {} is cannot be told: nobody will bring it home",
            link.name,
            record.pod
        );
        return Ok(());
    };
    let inside = Inside { index: link.index, mac: link.mac, mtu: link.mtu, addressed: true };
    let plumbing = Plumbing { sysctls: link.sysctls, ..Plumbing::default() };
    let held = Held { inside: Some(inside), plumbing: Some(plumbing), ..known };
    if !claim(node, record, &held, deadline)? {
        return Ok(());
    }
    traces::drop_programs(&sandbox.links, &held, &link);
    traces::lay_aside(&sandbox.links, &held, link.index)
}

/// The same once the pod's namespace has died: the VF has come home by itself, and is called there as in the pod.
///
/// # Errors
/// As for [`adopt`].
pub(crate) fn adopt_at_home(node: &Node, record: &mut Record, deadline: Instant) -> Result<(), Error> {
    if has_second(record) {
        return Ok(());
    }
    let noted = record.candidates.clone().into_iter();
    // To another function at its address nothing was done.
    for candidate in noted.filter(|candidate| !candidate.is_recreated(&node.sysfs)) {
        let own = candidate.home.as_ref().map(|home| &home.name);
        let link = at_home(node, &candidate)?;
        if link.is_some_and(|link| Some(&link.name) != own) {
            return claim(node, record, &candidate, deadline).map(|_| ());
        }
    }
    Ok(())
}

fn has_second(record: &Record) -> bool {
    record.devices.iter().any(|held| held.ifname == UDN_INTERFACE)
}

/// Makes a VF the record's second, unless it is another attachment's; whether it is the record's now.
fn claim(node: &Node, record: &mut Record, held: &Held, deadline: Instant) -> Result<bool, Error> {
    let store = node.store()?;
    let _lock = store.lock(&held.id, deadline)?;
    let others = store.holder(&held.id).filter(|holder| holder.attachment != record.attachment);
    if let Some(holder) = others.filter(|holder| !holder.is_forsaken()) {
        log::warn!(
            "VF {}, the second of pod {}, is pod {}'s: its end brings it home",
            held.id,
            record.pod,
            holder.pod
        );
        return Ok(false);
    }
    // In this order: a record that has a second VF is not looked at for one.
    store.claim(&held.id, record)?;
    record.devices.push(held.clone());
    store.save(record)?;
    Ok(true)
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

fn is_vf(node: &Node, id: &DeviceId) -> bool {
    match id {
        DeviceId::Pci(address) => node.sysfs.pf(address).is_some(),
        DeviceId::Sf(function) => node.sysfs.scalable_exists(function),
        DeviceId::Netdev(_) => false,
    }
}

/// A VF that is in the pod already, as it was at home as far as it and the first one of its pool tell. What it was
/// called there is told once it is there.
fn guessed(node: &Node, sandbox: &Sandbox, record: &Record, id: DeviceId, link: &Link) -> Held {
    let first = record.devices[0].home.as_ref();
    let home = Home {
        mac: link.permanent_mac.or(link.mac),
        mtu: first.map_or(link.mtu, |home| home.mtu),
        features: traces::features(Some(&sandbox.netns), link.index),
        ..Home::of(link, naming::temporary_name(link.index))
    };
    let incarnation = id.incarnation(&node.sysfs);
    Held { home: Some(home), incarnation, ..Held::new(id, UDN_INTERFACE) }
}

/// Which of the links that were on the host is in the pod now: the one with the same other end.
fn vanished<'a>(node: &Node, link: &Link, candidates: &'a [Held]) -> Result<Option<&'a Held>, Error> {
    let Some(peer) = link.peer else { return Ok(None) };
    for before in candidates {
        let Some(home) = before.home.as_ref().filter(|home| home.peer() == Some(peer)) else { continue };
        let now = node.links()?.link_at(home.index).map_err(error::netlink)?;
        if now.is_none_or(|now| now.peer != Some(peer)) {
            return Ok(Some(before));
        }
    }
    Ok(None)
}
