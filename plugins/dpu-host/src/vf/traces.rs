//! What of a VF stays with it from one pod to the next, unless it is taken off: programs, settings, features.
//!
//! The kernel itself takes addresses, routes, neighbours, queueing disciplines with their filters, VLANs on top, group
//! memberships and per-interface sysctls away when a link moves to another namespace (`__dev_change_net_namespace` in
//! net/core/dev.c).

use cni::Error;
use linux::{Ethtool, Features, Link, LinkChange, Netlink, Netns, Settings};

use crate::device::{DeviceId, host_use};
use crate::error;
use crate::node::Node;
use crate::record::attachment::{Held, Home};

/// What nobody can undo but who did it, and the end of the VF's network device.
pub(crate) const HELD: &str = "end the process that holds it, or bind the VF's driver anew";
/// What such a process leaves.
pub(crate) const PROGRAM: &str = "an XDP program is on it";

/// What of a pod's doing keeps packets from their way over a link, in words.
pub(crate) fn of(link: &Link) -> Option<&'static str> {
    let program = (!link.xdp.is_empty()).then_some(PROGRAM);
    program.or_else(|| link.settings.obstacle())
}

/// Refuses a VF that no pod may have: one that the host uses itself. XDP programs are taken off it.
///
/// # Errors
/// 103 with what it is used for, or when a program is held by a `bpf_link`: it stays until its holder ends. 5 when the
/// kernel says nothing.
pub(crate) fn refuse(node: &Node, id: &DeviceId, link: &Link) -> Result<(), Error> {
    host_use::refuse(node, id, link)?;
    if !link.xdp.is_empty() {
        log::warn!("VF {id} has an XDP program on it at home, which no pod gets: it is taken off for good");
    }
    programs_off(node.links()?, link).map_err(|error| {
        let why = format!("has an XDP program on it that cannot be taken off: {error}");
        error::bad_device(id, why, HELD)
    })
}

/// The same on the way home, where nothing may wait for it.
pub(crate) fn drop_programs(links: &Netlink, held: &Held, link: &Link) {
    if let Err(error) = programs_off(links, link) {
        log::warn!("VF {} comes home with an XDP program on it: {error}; {HELD}", held.id);
    }
}

fn programs_off(links: &Netlink, link: &Link) -> Result<(), linux::Error> {
    link.xdp.iter().try_for_each(|mode| links.xdp_off(link.index, *mode))
}

/// Takes from a VF, on either side, what it is at home and no pod is given: traffic of others, and settings that keep
/// packets from their way. Its record has all of it.
///
/// # Errors
/// 107 when the kernel refuses.
pub(crate) fn lay_aside(links: &Netlink, held: &Held, index: u32) -> Result<(), Error> {
    let Some(home) = &held.home else { return Ok(()) };
    let open = home.settings.as_ref().map(Settings::open).filter(|open| home.settings.as_ref() != Some(open));
    let change = LinkChange {
        promiscuous: home.promiscuous.then_some(false),
        allmulti: home.allmulti.then_some(false),
        settings: open.as_ref(),
        ..LinkChange::default()
    };
    if change.is_empty() {
        return Ok(());
    }
    links.change(index, &change).map_err(|error| error::kernel(&held.id, "preparing it for the pod", error))
}

/// The features of a link on the host, or in this namespace; none where the kernel does not tell.
pub(crate) fn features(netns: Option<&Netns>, index: u32) -> Option<Features> {
    let ethtool = match netns {
        None => Ethtool::host(),
        Some(netns) => Ethtool::inside(netns),
    };
    let features = ethtool.and_then(|ethtool| match ethtool {
        Some(ethtool) => ethtool.features(index),
        None => Ok(None),
    });
    features.unwrap_or_else(|error| {
        log::warn!("{error}: a pod may leave others behind");
        None
    })
}

/// Gives a VF at home its features back.
///
/// # Errors
/// 107 when the kernel refuses.
pub(crate) fn restore_features(held: &Held, home: &Home, index: u32) -> Result<(), Error> {
    let Some(features) = &home.features else { return Ok(()) };
    let restored = Ethtool::host().and_then(|ethtool| match ethtool {
        Some(ethtool) => ethtool.set_features(index, features),
        None => Ok(()),
    });
    restored.map_err(|error| error::homeward(&held.id, "giving it its features back", error))
}
