//! A VF that is handed to a virtual machine or to user space: it has no network device, and only its PF can give it the
//! pod's address.

use cni::Error;
use linux::{Mac, Netlink};

use crate::device::DeviceId;
use crate::node::Node;
use crate::record::attachment::{Held, Record};

/// The driver that such a VF has.
const DRIVER: &str = "vfio-pci";

/// Whether the device has no network device because a user-space driver has it.
pub(crate) fn is_vfio(node: &Node, id: &DeviceId) -> bool {
    matches!(id, DeviceId::Pci(address) if node.sysfs.driver(address).as_deref() == Some(DRIVER))
}

/// Has the PF give a device of the record this address, or warns that the host may not. What the PF holds for it
/// until then is on disk first. Whether the PF has done it.
///
/// # Errors
/// 109 when the record cannot be written.
pub(crate) fn address(node: &Node, record: &mut Record, at: usize, mac: Mac) -> Result<bool, Error> {
    let held = &mut record.devices[at];
    let id = held.id.clone();
    let seat = match Seat::of(node, &id).and_then(|seat| Ok((seat.mac()?, seat))) {
        Ok((before, seat)) => {
            held.admin_mac = Some(before);
            held.pod_mac = Some(mac);
            Ok(seat)
        }
        Err(why) => Err(why),
    };
    if seat.is_ok() {
        node.store()?.save(record)?;
    }
    let set = seat.and_then(|seat| seat.set_mac(mac));
    if let Err(why) = &set {
        log::warn!("VF {id}: its address stays as it is: {why}");
    }
    Ok(set.is_ok())
}

/// Has the PF give a device of the record the pod's address again, if it holds another one by now: whether it did.
///
/// # Errors
/// 109 when the record cannot be written.
pub(crate) fn keep_address(node: &Node, record: &mut Record, at: usize) -> Result<bool, Error> {
    let held = &record.devices[at];
    let Some(mac) = held.pod_mac else { return Ok(false) };
    match Seat::of(node, &held.id).and_then(|seat| seat.mac()) {
        Ok(now) if now == mac => Ok(false),
        Ok(_) => address(node, record, at, mac),
        Err(why) => {
            log::warn!("VF {}: the address that its PF holds cannot be seen: {why}", held.id);
            Ok(false)
        }
    }
}

/// Gives the address back that the PF held for it.
pub(crate) fn restore_address(node: &Node, held: &Held) {
    let Some(mac) = held.admin_mac else { return };
    if let Err(why) = Seat::of(node, &held.id).and_then(|seat| seat.set_mac(mac)) {
        log::warn!("VF {}: its address cannot be given back: {why}", held.id);
    }
}

/// A VF as its PF knows it.
struct Seat<'a> {
    links: &'a Netlink,
    pf: u32,
    number: u32,
}

impl<'a> Seat<'a> {
    fn of(node: &'a Node, id: &DeviceId) -> Result<Self, String> {
        let DeviceId::Pci(address) = id else { return Err("it is no PCI device".into()) };
        let pf = node.sysfs.pf(address).ok_or("it has no PF")?;
        let number = node.sysfs.vf_index(address).ok_or("its PF does not list it")?;
        let name = node.sysfs.netdev(&pf).map_err(|error| error.to_string())?;
        let name = name.ok_or("its PF has no network device here")?;
        let links = node.links().map_err(|error| error.to_string())?;
        let link = links.link(&name).map_err(|error| error.to_string())?;
        let pf = link.ok_or("its PF is in another namespace")?.index;
        Ok(Seat { links, pf, number })
    }

    /// The address that the PF holds for it; all zero, as in `ip link`, where the VF may choose.
    fn mac(&self) -> Result<Mac, String> {
        let mac = self.links.vf_mac(self.pf, self.number).map_err(|error| error.to_string())?;
        Ok(mac.unwrap_or_else(|| [0; 6].into()))
    }

    fn set_mac(&self, mac: Mac) -> Result<(), String> {
        self.links.set_vf_mac(self.pf, self.number, mac).map_err(|error| error.to_string())
    }
}
