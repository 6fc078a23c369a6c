//! VFs that are at home under a name that the host did not give: what is left when a namespace dies. Those of ours have a
//! record that says what they were called; those that `ovn-k8s-cni-overlay` attached do not.

use cni::Error;
use linux::LinkChange;
use linux::sriov::PciAddress;

use crate::device::DeviceId;
use crate::error;
use crate::node::Node;
use crate::vf;

/// Whether a name is one that pods and the kernel give, not the host.
pub(crate) fn is_drifted(name: &str) -> bool {
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

/// Names all of them as udev would, as far as that is certain; those of other cards than the DPU are left alone.
pub(crate) fn sweep(node: &Node) {
    for address in node.sysfs.vfs().unwrap_or_default() {
        let id = DeviceId::Pci(address);
        // Most VFs have their names: those cost no more than a look at sysfs.
        let given = match vf::name_on_host(node, &id) {
            Ok(Some(name)) if is_drifted(&name) && is_listed(node, &address) => give_name(node, &id),
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

/// Names a VF as udev would that is on the host, down, nobody's, and drifted.
///
/// # Errors
/// 5 or 107 when the kernel refuses.
pub(crate) fn give_name(node: &Node, id: &DeviceId) -> Result<(), Error> {
    let DeviceId::Pci(address) = id else { return Ok(()) };
    let store = node.store()?;
    let Some(link) = vf::on_host(node, id)?.filter(|link| is_drifted(&link.name) && !link.up) else {
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
