//! Where a VF is: on the host or in a pod.

use cni::Error;
use linux::Link;

use crate::device::DeviceId;
use crate::error;
use crate::node::{Node, Sandbox};
use crate::record::attachment::Held;

/// What sysfs calls the device's link on the host.
pub(crate) fn name_on_host(node: &Node, id: &DeviceId) -> Result<Option<String>, Error> {
    let name = match id {
        DeviceId::Pci(address) => node.sysfs.netdev(address),
        DeviceId::Sf(name) => node.sysfs.scalable_netdev(name),
        DeviceId::Netdev(name) => Ok(Some(name.clone())),
    };
    name.map_err(|error| {
        error::bad_device(id, format!("cannot be read in sysfs: {error}"), "look at the kernel log")
    })
}

/// The device's link on the host, by what sysfs says of it.
pub(crate) fn on_host(node: &Node, id: &DeviceId) -> Result<Option<Link>, Error> {
    let Some(name) = name_on_host(node, id)? else { return Ok(None) };
    let link = node.links()?.link(&name).map_err(error::netlink)?;
    // Another link may have that name by now.
    Ok(link.filter(|link| link.parent.as_ref().is_none_or(|parent| *parent == id.to_string())))
}

/// A device's link on the host, by what its record says of it.
pub(crate) fn at_home(node: &Node, held: &Held) -> Result<Option<Link>, Error> {
    // It nearly always has the index that it had, which is one request less than what sysfs calls it.
    if let Some(home) = &held.home {
        let link = node.links()?.link_at(home.index).map_err(error::netlink)?;
        if let Some(link) = link.filter(|link| held.is_home(link)) {
            return Ok(Some(link));
        }
    }
    Ok(on_host(node, &held.id)?.filter(|link| held.is_home(link)))
}

/// A device's link in a pod, whatever it is called there.
pub(crate) fn in_pod(sandbox: &Sandbox, held: &Held) -> Result<Option<Link>, Error> {
    let named = sandbox.links.link(&held.ifname).map_err(error::netlink)?;
    if let Some(link) = named.filter(|link| held.is_inside(link)) {
        return Ok(Some(link));
    }
    Ok(sandbox.links.links().map_err(error::netlink)?.into_iter().find(|link| held.is_inside(link)))
}
