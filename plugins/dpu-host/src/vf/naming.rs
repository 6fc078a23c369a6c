//! What a VF is called at home.
//!
//! Some are there under a name that the host did not give: what is left when a namespace dies. Those of ours have a
//! record that says what they were called; those that `ovn-k8s-cni-overlay` attached do not.

use cni::Error;
use linux::sriov::PciAddress;
use linux::{Link, LinkChange};

use super::place::{name_on_host, on_host};
use crate::device::DeviceId;
use crate::error;
use crate::node::Node;
use crate::record::attachment::Home;

/// Whether a name is one that pods and the kernel give, not the host.
pub(crate) fn is_misnamed(name: &str) -> bool {
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    numbered("eth")
        || numbered("dev")
        || numbered("net")
        || numbered("dpuvf")
        || name == ovnkube::UDN_INTERFACE
}

/// A name for a VF that waits for its own, or whose own nobody knows: an index is unique among the host's links.
pub(crate) fn temporary_name(index: u32) -> String {
    format!("dpuvf{index}")
}

/// How the device is to be found again. One that lost its name on an earlier way home has it from its record, or
/// from what udev would call it.
pub(crate) fn home(node: &Node, id: &DeviceId, link: &Link, inherited: Option<Home>) -> Home {
    if let Some(home) = inherited {
        let unparented = Home::of(link, String::new()).unparented;
        return Home { index: link.index, unparented, ..home };
    }
    let proper = match id {
        DeviceId::Pci(address) if is_misnamed(&link.name) => node.sysfs.proper_name(address),
        _ => None,
    };
    Home::of(link, proper.unwrap_or_else(|| link.name.clone()))
}

/// Names all VFs as udev would that are misnamed, as far as that is certain; those of other cards than the DPU are left alone.
pub(crate) fn sweep(node: &Node) {
    for address in node.sysfs.vfs().unwrap_or_default() {
        let id = DeviceId::Pci(address);
        // Most VFs have their names: those cost no more than a look at sysfs.
        let given = match name_on_host(node, &id) {
            Ok(Some(name)) if is_misnamed(&name) && is_listed(node, &address) => give_name(node, &id),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = given {
            log::warn!("VF {id}: {error}");
        }
    }
}

fn is_listed(node: &Node, vf: &PciAddress) -> bool {
    node.sysfs.pf(vf).is_some_and(|pf| node.lists(&pf))
}

/// Names a VF as udev would that is on the host, down, nobody's, and misnamed.
///
/// # Errors
/// 5 or 107 when the kernel refuses.
pub(crate) fn give_name(node: &Node, id: &DeviceId) -> Result<(), Error> {
    let DeviceId::Pci(address) = id else { return Ok(()) };
    let store = node.store()?;
    let Some(link) = on_host(node, id)?.filter(|link| is_misnamed(&link.name) && !link.up) else {
        return Ok(());
    };
    let Some(name) = node.sysfs.proper_name(address) else { return Ok(()) };
    // Who has the lock is about to claim it.
    let Some(_lock) = store.try_lock(id)? else { return Ok(()) };
    if store.holder(id).is_some() || name == link.name {
        return Ok(());
    }
    let change = LinkChange { name: Some(&name), ..LinkChange::default() };
    match node.links()?.change(link.index, &change) {
        Ok(()) => log::info!("VF {id}, nobody's, was called {} and is {name} again", link.name),
        Err(error) if error.is_exists() => log::info!("VF {id} stays {}: another link is {name}", link.name),
        Err(error) => return Err(error::kernel(id, format!("renaming it to {name}"), error)),
    }
    Ok(())
}
