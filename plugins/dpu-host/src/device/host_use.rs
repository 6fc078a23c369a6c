//! VFs that the host uses itself: whoever gives one to a pod takes the node off its network.

use std::net::IpAddr;

use cni::Error;
use linux::{Assigned, Link, Netlink};

use crate::device::DeviceId;
use crate::error;
use crate::node::Node;

/// How ovn-kubernetes calls the links of its management ports, VFs in `dpu-host` mode
/// (`go-controller/pkg/types/const.go: K8sMgmtIntfNamePrefix`).
const MANAGEMENT_PORT: &str = "ovn-k8s-mp";

/// Refuses such a VF. An address that was handed out by DHCP or advertised only goes with a warning: NetworkManager
/// asks for one on whatever link it finds.
///
/// # Errors
/// 103 with what it is used for; 5 when the kernel says nothing.
pub(crate) fn refuse(node: &Node, id: &DeviceId, link: &Link) -> Result<(), Error> {
    if let Some(why) = of(node.links()?, id, link).map_err(error::netlink)? {
        let remedy = "take it out of the device plugin's pool, or off the host's network";
        return Err(error::bad_device(id, why, remedy));
    }
    Ok(())
}

fn of(links: &Netlink, id: &DeviceId, link: &Link) -> Result<Option<String>, linux::Error> {
    let mut names = link.altnames.iter().chain([&link.name]);
    if let Some(name) = names.find(|name| name.starts_with(MANAGEMENT_PORT)) {
        return Ok(Some(format!("is {name}, a management port of ovn-kubernetes")));
    }
    if let Some(master) = link.master {
        let master = links.link_at(master)?.map_or_else(|| master.to_string(), |link| link.name);
        return Ok(Some(format!("is a port of {master}, a bridge, bond or switch of the host")));
    }
    let (lasting, passing): (Vec<_>, Vec<_>) =
        links.assigned(link.index)?.into_iter().filter(is_global).partition(|it| it.permanent);
    if let Some(Assigned { address, .. }) = lasting.first() {
        return Ok(Some(format!("has {address}, an address of the host")));
    }
    // A link that is down has no routes.
    if link.up && links.routes(link.index)?.iter().any(|route| route.is_default()) {
        return Ok(Some(format!("is {}, over which the host has a default route", link.name)));
    }
    for Assigned { address, .. } in passing {
        log::warn!(
            "VF {id} loses {address}, which the host was lent: keep NetworkManager and other DHCP clients off VFs"
        );
    }
    Ok(None)
}

/// Whether an address is none that any link may have by itself.
fn is_global(assigned: &Assigned) -> bool {
    !match assigned.address.ip() {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
