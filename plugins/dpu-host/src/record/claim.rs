//! Taking a device for an attachment: nobody else has it, it is on the host, and its record is written.

use std::thread;
use std::time::{Duration, Instant};

use cni::Error;
use linux::Link;
use linux::sriov::PciAddress;

use super::attachment::{Held, Home, Record, SIMULATED};
use super::release;
use super::store::Lock;
use crate::device::DeviceId;
use crate::error;
use crate::node::Node;
use crate::pod::rival::Inquiry;
use crate::time::BootTime;
use crate::vf::{self, naming, traces, udn, vfio};

/// How long a device may take from one pod to the next: the device plugin hands it out before the old pod's DEL has ended.
const HANDOVER: Duration = Duration::from_secs(5);
/// How often is looked whether it has come: neither a claim nor a namespace gives notice.
const HANDOVER_POLL: Duration = Duration::from_millis(50);

/// Makes `id` the first device of `record`, and notes what of these others the server may choose besides. The record is
/// on disk, and the device claimed, when this returns; the lock is not held any more.
///
/// # Errors
/// 102 when a living pod has it, 103 when it is no VF or one of them is the host's own, 11 when it is not on the host in
/// time.
pub(crate) fn take_first(
    node: &Node,
    record: &mut Record,
    id: DeviceId,
    others: &[DeviceId],
    deadline: Instant,
) -> Result<(), Error> {
    usable(node, &id)?;
    begun_with(node, record, &id)?;
    let (lock, home, incarnation) = wait(node, record, &id, deadline.min(Instant::now() + HANDOVER))?;
    // Not before: an earlier sandbox of the pod may have had them.
    let candidates = udn::candidates(node, &id, others)?;
    for candidate in candidates {
        record.expect(candidate);
    }
    // The server is asked next, and a kill may come in between.
    record.server_may_act_until = Some(BootTime::after(node.config.server_budget));
    let first = Held { home, incarnation, ..Held::new(id, &record.attachment.ifname) };
    let claimed = claim(node, record, first);
    if claimed.is_err() {
        // Nothing has been done to the device, and a record that cannot be relied on is worse than none.
        if let Err(error) = node.store()?.remove(record) {
            log::warn!("{error}");
        }
    }
    drop(lock);
    claimed
}

/// Makes `id` the next device of `record`, to be called `ifname` in the pod, as [`take_first`] does.
///
/// # Errors
/// As for that.
pub(crate) fn take(
    node: &Node,
    record: &mut Record,
    id: DeviceId,
    ifname: &str,
    deadline: Instant,
) -> Result<(), Error> {
    usable(node, &id)?;
    let (_lock, home, incarnation) = wait(node, record, &id, deadline.min(Instant::now() + HANDOVER))?;
    claim(node, record, Held { home, incarnation, ..Held::new(id, ifname) })
}

fn claim(node: &Node, record: &mut Record, held: Held) -> Result<(), Error> {
    let id = held.id.clone();
    record.devices.push(held);
    let store = node.store()?;
    store.save(record).and_then(|()| store.claim(&id, record))
}

/// Refuses an attachment that an earlier ADD has begun with another device: the new record would take the place of the
/// one that knows where that is.
fn begun_with(node: &Node, record: &Record, id: &DeviceId) -> Result<(), Error> {
    let store = node.store()?;
    let Some(old) = store.load(&record.attachment)? else { return Ok(()) };
    match old.devices.iter().find(|held| held.id != *id && store.owns(&old, &held.id)) {
        None => Ok(()),
        Some(held) => Err(error::again(
            format!("pod {} was being attached with VF {} when that was cut off", old.pod, held.id),
            "this is tried again once the container runtime has deleted that sandbox",
        )),
    }
}

/// Refuses what no pod can be given, before anybody is waited for.
fn usable(node: &Node, id: &DeviceId) -> Result<(), Error> {
    const POOL: &str = "check the device plugin's pool: it must hold VFs of the DPU only";
    match id {
        DeviceId::Pci(address) => match node.sysfs.pf(address) {
            Some(pf) => of_listed_pf(node, id, &pf),
            None if node.sysfs.exists(address) => {
                Err(error::bad_device(id, "is not a virtual function", POOL))
            }
            None => Err(missing(id)),
        },
        DeviceId::Sf(function) if node.sysfs.scalable_exists(function) => Ok(()),
        DeviceId::Sf(_) => Err(missing(id)),
        DeviceId::Netdev(name) => match node.links()?.name_holder(name).map_err(error::netlink)? {
            Some(link) => simulated(id, name, &link),
            None => Ok(()),
        },
    }
}

fn missing(id: &DeviceId) -> Error {
    let remedy = "the VFs were re-created or the DPU was reset: restart the device plugin";
    error::bad_device(id, "does not exist on this node", remedy)
}

/// Refuses the VF of a PF that the administrator does not list: selectors of a device plugin's go by names and
/// addresses, which change with firmware and slots.
fn of_listed_pf(node: &Node, id: &DeviceId, pf: &PciAddress) -> Result<(), Error> {
    if node.lists(pf) {
        return Ok(());
    }
    let name = node.sysfs.netdev(pf).ok().flatten().unwrap_or_default();
    let why = format!("is a VF of {pf} ({name}), which physicalFunctions does not list");
    Err(error::bad_device(
        id,
        why,
        "correct the device plugin's pool: after a change of firmware or slots it may match another card",
    ))
}

/// Refuses a link of the host that is no VF of a simulated DPU.
///
/// Only a server that was started to simulate a DPU serves bare names; every other one refuses them before anything
/// is moved. There, though, a name is all that a tenant has to say to be given a link. So it must look like what a
/// simulator makes: the end of a veth pair, named for PF and function. Another pod's host end never does.
pub(super) fn simulated(id: &DeviceId, name: &str, link: &Link) -> Result<(), Error> {
    // An altname would be a second name of a device that is claimed by its first.
    let looks_so = link.name == name && link.parent.is_none() && link.kind.as_deref() == Some(SIMULATED);
    if looks_so && DeviceId::is_simulated(name) {
        return Ok(());
    }
    let why = "is neither a PCI address nor the name of a simulated VF";
    Err(error::bad_device(id, why, "device IDs of hardware are PCI addresses"))
}

/// Whose a device is, each time that this is looked at.
enum Turn {
    /// Another pod's.
    Taken(Record),
    /// Nobody's. If a dead pod had it, it has been given back what it had at home, as this tells.
    Free(Option<Held>),
    /// A dead pod's, and nowhere to be seen. The kernel may return it at any moment, as that pod has left it.
    Away,
}

/// Waits until the device is free and on the host, and locks it.
fn wait(
    node: &Node,
    record: &mut Record,
    id: &DeviceId,
    patience: Instant,
) -> Result<(Lock, Option<Home>, Option<u64>), Error> {
    let store = node.store()?;
    let asker = record.pod.clone();
    let mut inquiry = Inquiry::new(node, &asker, id);
    loop {
        let lock = store.lock(id, patience)?;
        let incarnation = id.incarnation(&node.sysfs);
        let turn = match store.holder(id) {
            // All that it has comes home: the server needs the second VF, too.
            Some(old)
                if old.is_superseded_by(&record.attachment, &record.pod, record.began)
                    && !old.is_forsaken() =>
            {
                drop(lock);
                release::supersede(node, &old, patience)?;
                continue;
            }
            // Who is being attached lives, whatever the kubelet says; looked for again, now that nothing changes.
            Some(old)
                if free(&old, record) || inquiry.is_over_for(&old) && !store.is_running(&old.attachment) =>
            {
                record.inherit(&old);
                match release::hand_over(node, &old, id)? {
                    None => Turn::Away,
                    // What another function at its address was at home it does not tell.
                    held => Turn::Free(held.filter(|held| !held.is_recreated(&node.sysfs))),
                }
            }
            holder => holder.map_or(Turn::Free(None), Turn::Taken),
        };
        if let Turn::Free(inherited) = &turn {
            if vfio::is_vfio(node, id) {
                // It looks the same wherever it is: only a record tells whose it is.
                return store.unreadable(id).map_or(Ok((lock, None, incarnation)), Err);
            }
            let link = match inherited {
                Some(held) => vf::at_home(node, held)?,
                None => vf::on_host(node, id)?,
            };
            if let Some(link) = link {
                if let DeviceId::Netdev(name) = id {
                    simulated(id, name, &link)?;
                }
                traces::refuse(node, id, &link)?;
                let mut home =
                    naming::home(node, id, &link, inherited.as_ref().and_then(|held| held.home.clone()));
                // A record of an older version that is taken over has neither.
                home.settings.get_or_insert_with(|| link.settings.clone());
                home.features = home.features.or_else(|| traces::features(None, link.index));
                // What was seen is of one function, though the card may be reset at any moment.
                if id.incarnation(&node.sysfs) == incarnation {
                    return Ok((lock, Some(home), incarnation));
                }
            }
        }
        drop(lock);
        if let Turn::Taken(old) = &turn {
            if old.pod.uid.is_some() && old.pod.uid == record.pod.uid {
                return Err(error::taken_by_itself(id, old));
            }
            inquiry.go_on(old, patience);
        }
        if Instant::now() + HANDOVER_POLL > patience {
            return Err(match turn {
                Turn::Taken(old) if store.is_running(&old.attachment) => error::taken_just_now(id, &old),
                Turn::Taken(old) => error::taken(id, &old, inquiry.word()),
                Turn::Free(_) | Turn::Away => absent(node, id),
            });
        }
        thread::sleep(HANDOVER_POLL);
    }
}

/// Whether a record has no right to its device any more.
fn free(old: &Record, new: &Record) -> bool {
    old.attachment == new.attachment && old.began < new.began || old.is_forsaken()
}

fn absent(node: &Node, id: &DeviceId) -> Error {
    let driver = match id {
        DeviceId::Pci(address) => node.sysfs.driver(address),
        DeviceId::Sf(_) | DeviceId::Netdev(_) => Some(String::new()),
    };
    match driver {
        None => {
            error::bad_device(id, "has no driver", "bind it to the driver of its kind; see the kernel log")
        }
        Some(_) => error::again(
            format!("VF {id} is not on the host: it is still in the namespace of an earlier pod"),
            "it comes home when that pod's sandbox is gone; dpu-host vfs shows where it is",
        ),
    }
}
