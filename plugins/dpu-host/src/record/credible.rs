//! What no call writes into a record: whoever did, nobody acts on it.

use std::path::Path;
use std::sync::OnceLock;

use cni::paths;
use linux::sriov::Sysfs;
use linux::{Netns, NetnsId};

use super::attachment::Record;
use crate::device::DeviceId;

/// Why a record is not to be believed, if it is not: what it says would have us rename and move links that are no VFs.
pub(crate) fn doubt(record: &Record) -> Option<String> {
    let earlier = record.earlier.iter().map(|earlier| &earlier.netns_id);
    if earlier.chain([&record.netns_id]).any(is_own) {
        return Some("its namespace is the host's own".to_owned());
    }
    let sysfs = Sysfs::new(&paths::root());
    let is_none = |id: &DeviceId| match id {
        // One that is gone may be back.
        DeviceId::Pci(address) => sysfs.pf(address).is_none() && sysfs.exists(address),
        DeviceId::Sf(_) => false,
        DeviceId::Netdev(name) => !DeviceId::is_simulated(name),
    };
    let devices = record.devices.iter().chain(&record.candidates);
    let device = devices.map(|held| &held.id).find(|id| is_none(id))?;
    Some(format!("its device {device} is no VF"))
}

/// Whether a namespace is the one that this process is in.
pub(crate) fn is_own(id: &NetnsId) -> bool {
    // A GC reads a thousand records. That number is nobody else's while we are in there.
    static OWN: OnceLock<Option<(u64, u64)>> = OnceLock::new();
    let number = |id: &NetnsId| (id.dev, id.inode);
    let own = OWN.get_or_init(|| Netns::id_at(Path::new("/proc/self/ns/net")).ok().as_ref().map(number));
    *own == Some(number(id))
}
