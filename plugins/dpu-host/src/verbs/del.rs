//! DEL: the VF comes home first, then the server is told. It fails only where a retry can mend it.

use std::time::{Duration, Instant};

use cni::{Del, Error};
use linux::Link;

use crate::device::DeviceId;
use crate::error;
use crate::node::{Node, Sandbox};
use crate::record::attachment::{Held, Home, Record, SIMULATED};
use crate::record::pending_del::PendingDel;
use crate::record::release;
use crate::server::{self, DEL_BUDGET, Forward, refusals};
use crate::vf;
use crate::vf::naming;

/// How long a DEL may take in all; runtimes give it a minute.
pub(crate) const BUDGET: Duration = Duration::from_secs(20);

/// Detaches a pod, if it is attached.
///
/// # Errors
/// 107 when the kernel refuses to give the VF back, 11 when another call has it, 110 when only a newer version can
/// undo what it did.
pub(crate) fn run(node: &Node, call: &Del) -> Result<(), Error> {
    let deadline = Instant::now() + BUDGET;
    // Without records there is nothing of ours to undo.
    let store = match node.store() {
        Ok(store) => store,
        Err(error) => {
            log::warn!("{error}");
            return stranger(node, call);
        }
    };
    let found = match store.load(&call.attachment) {
        Err(error) if error.code() != error::NEWER => {
            log::warn!("{error}");
            let done = stranger(node, call);
            if let (Ok(()), Some(wreck)) = (&done, store.wreck_of(&call.attachment))
                && let Err(error) = store.set_aside(&wreck, deadline)
            {
                log::warn!("{error}");
            }
            return done;
        }
        // The network has another name than when the pod came: containerd passes today's configuration.
        Ok(None) => store.of_interface(&call.attachment.container, &call.attachment.ifname),
        found => found?,
    };
    match found {
        Some(record) if !record.devices.is_empty() => detach(node, &record, deadline),
        _ => stranger(node, call),
    }
}

/// Ends an attachment: its VFs come home, and the server hears of it. Nothing is left to do where another DEL was faster,
/// or another ADD has made the attachment anew.
///
/// # Errors
/// As for [`run`].
pub(crate) fn detach(node: &Node, record: &Record, deadline: Instant) -> Result<(), Error> {
    let (store, first) = (node.store()?, &record.devices[0]);
    let lock = store.lock(&first.id, deadline)?;
    let now = store.load(&record.attachment)?.filter(|now| now.is_of_same_call(record));
    let Some(mut record) = now else { return Ok(()) };
    node.trace.device(&first.id);
    let released = release::run(node, &mut record, deadline);
    drop(lock);
    node.trace.mark("home");
    let netns = record.netns.to_string_lossy().into_owned();
    let _ = tell(node, PendingDel::new(record.attachment, record.forward, netns));
    node.trace.mark("server");
    match released {
        // No retry mends that, and the pod is done with its VF.
        Err(error) if error.code() == error::STATE && store.is_read_only() => {
            log::warn!(
                "the VF is at home, but its record stays until the state directory can be written: {error}"
            );
            Ok(())
        }
        released => released,
    }
}

/// A pod that has no record: one that never came to be, one that is detached already, or one that
/// `ovn-k8s-cni-overlay` attached. Only the server may know which.
fn stranger(node: &Node, call: &Del) -> Result<(), Error> {
    let device = DeviceId::configured(&call.conf).unwrap_or_default();
    let forward = Forward::new(&call.conf, &call.args, &call.attachment, device.as_ref(), &node.trace.id());
    let netns = call.netns.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let told = tell(node, PendingDel::new(call.attachment.clone(), forward, netns));
    let sandbox = call.netns.as_ref().and_then(|path| Sandbox::open(path).ok());
    let Some(sandbox) = sandbox else {
        // The kernel may have sent it home, under the name that it had in the pod.
        return device.map_or(Ok(()), |id| naming::give_name(node, &id));
    };
    let Some(link) = sandbox.links.link(&call.attachment.ifname).map_err(error::netlink)? else {
        return Ok(());
    };
    // Who asks the kubelet for devices has none in the configuration.
    let Some(id) = device.or_else(|| vf_of(node, &link)) else { return Ok(()) };
    if !is_of(node, &link, &id, told.as_ref())? {
        return Ok(());
    }
    if node.store().is_ok_and(|store| store.holder(&id).is_some()) {
        // Its own DEL brings it home.
        log::warn!("VF {id} stays where it is: it is another attachment's");
        return Ok(());
    }
    let name = name_at_home(&id, &link, told.as_ref());
    log::info!("VF {id}, attached by another plugin, comes home as {name}");
    let home = Home {
        mac: link.permanent_mac.or(link.mac),
        altnames: link.altnames.clone(),
        alias: None,
        promiscuous: false,
        allmulti: false,
        settings: Some(link.settings.open()),
        ..Home::of(&link, name)
    };
    let held = Held { home: Some(home), ..Held::new(id, &call.attachment.ifname) };
    vf::bring_home(node, &held, Some(&sandbox)).map(|_| ())
}

/// The VF that a link in a pod is, if it is one.
fn vf_of(node: &Node, link: &Link) -> Option<DeviceId> {
    let address = link.parent.as_ref()?.parse().ok().filter(|address| node.sysfs.pf(address).is_some())?;
    Some(DeviceId::Pci(address))
}

/// Whether a link in a pod is this device. Which simulated VF one is only the server can tell, by what it noted when
/// the pod was attached; and the other end of a VF is on the card, that of another network's pair on the host.
fn is_of(node: &Node, link: &Link, id: &DeviceId, told: Option<&ovnkube::Response>) -> Result<bool, Error> {
    let DeviceId::Netdev(name) = id else { return Ok(link.parent.as_ref() == Some(&id.to_string())) };
    let noted =
        told.and_then(|response| response.pod.as_ref()).is_some_and(|pod| pod.vf_netdev_name == *name);
    let (Some(peer), true) = (link.peer, noted && link.kind.as_deref() == Some(SIMULATED)) else {
        return Ok(false);
    };
    let links = node.links()?;
    let end = links.link_at(peer).map_err(error::netlink)?;
    let on_host = end.is_some_and(|end| end.peer == Some(link.index) && end.kind == link.kind);
    Ok(!on_host && links.name_holder(name).map_err(error::netlink)?.is_none())
}

/// What a VF without a record is called at home: as the server recorded, else as udev would call it once it is there.
fn name_at_home(id: &DeviceId, link: &Link, told: Option<&ovnkube::Response>) -> String {
    let by_server = told.and_then(|response| response.pod.as_ref()).map(|pod| pod.vf_netdev_name.clone());
    match (by_server.filter(|name| !name.is_empty()), id) {
        (Some(name), _) => name,
        (None, DeviceId::Netdev(name)) => name.clone(),
        (None, DeviceId::Pci(_) | DeviceId::Sf(_)) => naming::temporary_name(link.index),
    }
}

/// Tells the server; what it could not hear is kept for later.
fn tell(node: &Node, pending: PendingDel) -> Option<ovnkube::Response> {
    let deadline = Instant::now() + DEL_BUDGET;
    match server::del(node, &pending.forward, &pending.attachment, &pending.netns, deadline) {
        Ok(response) => Some(response),
        Err(failure) => {
            log::warn!("DEL of {}: {failure}", pending.attachment);
            if refusals::tell_again(&failure)
                && let Err(error) = node.store().and_then(|store| pending.keep(store))
            {
                log::warn!("{error}");
            }
            None
        }
    }
}
