//! The end of an attachment: every VF of it at home, and its record gone unless something is still to come.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use cni::Error;
use linux::{Netns, NetnsId};
use log::Level;

use super::attachment::{Held, Record, Stage};
use super::pending_del::PendingDel;
use crate::device::DeviceId;
use crate::error;
use crate::node::{Node, Sandbox};
use crate::vf::{self, Homecoming, udn, vfio};

/// The kernel returns a VF some 200 ms after its namespace's end; a loaded node takes longer.
const RETURN: Duration = Duration::from_secs(3);
/// How often is looked whether it is there: sysfs gives no notice.
const RETURN_POLL: Duration = Duration::from_millis(20);

/// Brings the devices of `record` home and forgets it. The caller holds the lock of its first device.
///
/// The record stays, as [`Stage::Released`], while a VF waits for its name or for the kernel, or while the server may
/// still move it.
///
/// # Errors
/// 107 when the kernel refuses; the record stays then.
pub(crate) fn run(node: &Node, record: &mut Record, deadline: Instant) -> Result<(), Error> {
    let store = node.store()?;
    // A record that has lost its devices to others is only a file.
    let has_any = record.devices.iter().any(|held| store.owns(record, &held.id));
    // What is moved from here on is moved while this is looked at again.
    let over = !record.server_may_act();
    let own = if has_any || record.is_unheard() { sandbox(record)? } else { None };
    let adopted = match &own {
        _ if !record.is_unheard() => Ok(()),
        Some(own) => udn::adopt(node, own, record, deadline),
        None => udn::adopt_at_home(node, record, deadline),
    };
    let sandboxes: Vec<Sandbox> = own.into_iter().chain(earlier(record)).collect();
    let mut settled = true;
    // That keeps no other from its way.
    let mut failure = adopted.err();
    for (at, held) in record.devices.iter().enumerate() {
        if !store.owns(record, &held.id) {
            continue;
        }
        // The first device's lock is the caller's.
        let lock = if at == 0 { None } else { Some(store.lock(&held.id, deadline)?) };
        match come_home(node, held, &sandboxes, record.stage, deadline) {
            Ok(done) => settled &= done,
            Err(error) => failure = Some(error),
        }
        drop(lock);
    }
    if failure.is_none() && settled && over {
        return store.remove(record);
    }
    record.stage = Stage::Released;
    match (store.save(record), failure) {
        (_, Some(error)) | (Err(error), None) => Err(error),
        (Ok(()), None) => Ok(()),
    }
}

/// Takes one device from a record that has lost its right to it, and tells what that knew of it. None while it is
/// nowhere to be seen: it has been given nothing back, and who takes it over does this again until it is there.
///
/// # Errors
/// 107 when it cannot be brought home, 103 when it has another driver since: what that record is to give back would be
/// forgotten with it.
pub(crate) fn hand_over(node: &Node, old: &Record, id: &DeviceId) -> Result<Option<Held>, Error> {
    let Some(held) = old.devices.iter().find(|held| held.id == *id) else { return Ok(None) };
    let sandboxes: Vec<Sandbox> = sandbox(old)?.into_iter().chain(earlier(old)).collect();
    match bring_home(node, held, &sandboxes)? {
        Homecoming::Gone if vfio::is_vfio(node, id) => Err(error::bad_device(
            id,
            format!("is bound to vfio-pci since pod {} had it", old.pod),
            "bind it back to the driver of its network device: it has yet to be given back what it had at home",
        )),
        Homecoming::Gone => Ok(None),
        Homecoming::Home | Homecoming::Nameless => {
            log::info!(
                "VF {id} is taken over from pod {}, sandbox {}, {:?}",
                old.pod,
                old.attachment.container,
                old.stage
            );
            Ok(Some(held.clone()))
        }
    }
}

/// Ends an attachment whose pod has come with a new sandbox. The server is told by that one's ADD, which replaces what it
/// knows of the pod.
///
/// # Errors
/// As for [`run`], and 11 when another call works on it.
pub(crate) fn supersede(node: &Node, old: &Record, deadline: Instant) -> Result<(), Error> {
    let store = node.store()?;
    let Some(first) = old.devices.first() else { return store.remove(old) };
    let _lock = store.lock(&first.id, deadline)?;
    // Its DEL may have been faster.
    let now = store.load(&old.attachment)?.filter(|now| now.is_of_same_call(old));
    let Some(mut old) = now else { return Ok(()) };
    log::info!("pod {} has a new sandbox: {} ends", old.pod, old.attachment);
    // Its own DEL may never come: killed from here on, any later call ends it.
    old.stage = Stage::Released;
    store.save(&old)?;
    run(node, &mut old, deadline)
}

/// Brings home the devices of one record that has lost its right to them.
pub(crate) fn reclaim(node: &Node, record: &Record, file: &Path, deadline: Instant) -> Result<(), Error> {
    let store = node.store()?;
    let Some(first) = record.devices.first() else { return store.remove(record) };
    let lock = store.lock(&first.id, deadline)?;
    // Its DEL may have been faster, or the attachment is made anew by now.
    let again = store.read_or_warn(file).filter(|found| found.is_of_same_call(record));
    let Some(mut record) = again else { return Ok(()) };
    let attached = record.stage != Stage::Released;
    run(node, &mut record, deadline)?;
    drop(lock);
    if attached {
        let netns = record.netns.to_string_lossy().into_owned();
        PendingDel::new(record.attachment, record.forward, netns).keep(store)?;
    }
    Ok(())
}

/// One device; whether nothing is left to do for it.
fn come_home(
    node: &Node,
    held: &Held,
    sandboxes: &[Sandbox],
    stage: Stage,
    deadline: Instant,
) -> Result<bool, Error> {
    let patience = deadline.min(Instant::now() + RETURN);
    loop {
        match bring_home(node, held, sandboxes)? {
            Homecoming::Home => return Ok(true),
            Homecoming::Nameless => return Ok(false),
            Homecoming::Gone => {}
        }
        match absence(node, held) {
            Absence::Unplugged => {
                log::warn!("VF {} is gone: it was unplugged while a pod had it", held.id);
                return Ok(true);
            }
            Absence::Elsewhere if Instant::now() < patience => thread::sleep(RETURN_POLL),
            Absence::Elsewhere | Absence::Unbound => {
                // They do it with every call on this node.
                let level = if stage == Stage::Released { Level::Debug } else { Level::Warn };
                log::log!(level, "VF {} has no network device here: later calls look for it again", held.id);
                return Ok(false);
            }
        }
    }
}

/// From wherever it is, the host or one of these.
fn bring_home(node: &Node, held: &Held, sandboxes: &[Sandbox]) -> Result<Homecoming, Error> {
    let (first, others) = match sandboxes.split_first() {
        Some((first, others)) => (Some(first), others),
        None => (None, sandboxes),
    };
    let mut homecoming = vf::bring_home(node, held, first)?;
    for sandbox in others {
        if homecoming == Homecoming::Gone {
            homecoming = vf::bring_home(node, held, Some(sandbox))?;
        }
    }
    Ok(homecoming)
}

/// Why a device has no link on the host.
enum Absence {
    /// There is no such device any more.
    Unplugged,
    /// No driver, or none that makes a network device: another one may come.
    Unbound,
    /// Its namespace is dying, or somebody keeps it.
    Elsewhere,
}

fn absence(node: &Node, held: &Held) -> Absence {
    let DeviceId::Pci(address) = &held.id else { return Absence::Unplugged };
    if !node.sysfs.exists(address) || !matches!(node.sysfs.netdev(address), Ok(None)) {
        return Absence::Unplugged;
    }
    match node.sysfs.driver(address) {
        Some(_) if !vfio::is_vfio(node, &held.id) => Absence::Elsewhere,
        _ => Absence::Unbound,
    }
}

/// The namespace that the record was made for, if it still is what its path says.
///
/// # Errors
/// 104 when it lives and cannot be entered: the VF is in there, and the record must stay.
fn sandbox(record: &Record) -> Result<Option<Sandbox>, Error> {
    enter(&record.netns, &record.netns_id).map_err(|error| error::bad_netns(&record.pod, error))
}

/// The others into which the server may have moved a device of the record. One that cannot be entered is left for later.
fn earlier(record: &Record) -> impl Iterator<Item = Sandbox> {
    record.earlier.iter().filter_map(|earlier| {
        enter(&earlier.netns, &earlier.netns_id).unwrap_or_else(|error| {
            log::warn!("an earlier sandbox of pod {}: {error}", record.pod);
            None
        })
    })
}

fn enter(path: &Path, id: &NetnsId) -> Result<Option<Sandbox>, linux::Error> {
    if !Netns::id_at(path).is_ok_and(|found| found.is(id)) {
        return Ok(None);
    }
    match Sandbox::open(path) {
        Ok(sandbox) => Ok(sandbox.id().is(id).then_some(sandbox)),
        Err(_) if !Netns::is_at(path, id) => Ok(None),
        Err(error) => Err(error),
    }
}
