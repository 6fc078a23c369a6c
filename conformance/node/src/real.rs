//! VFs of the machine itself.

use std::path::Path;

use anyhow::{Context, Result};
use linux::Netns;
use linux::sriov::{PciAddress, Sysfs};

use super::link;
use super::vf::Vf;

/// These functions as sysfs and the host's namespace describe them.
pub(super) fn functions(addresses: &[PciAddress], host: &Netns) -> Result<Vec<Vf>> {
    let sysfs = Sysfs::new(Path::new("/"));
    let links = link::links(host)?;
    let function = |address: &PciAddress| {
        let index =
            sysfs.vf_index(address).with_context(|| format!("{address} is not a virtual function"))?;
        let vfio = sysfs.driver(address).as_deref() == Some("vfio-pci");
        let name = sysfs.netdev(address)?.unwrap_or_default();
        let link = links.iter().find(|link| link.name == name);
        anyhow::ensure!(vfio || link.is_some(), "{address} has no network device here");
        Ok(Vf {
            index,
            name,
            device: address.to_string(),
            pci: Some(address.to_string()),
            representor: String::new(),
            representor_link: 0,
            mac: link.map(|link| link.mac.clone()).unwrap_or_default(),
            mtu: link.map(|link| link.mtu).unwrap_or_default(),
            link: link.map(|link| link.index).unwrap_or_default(),
            vfio,
        })
    };
    addresses.iter().map(function).collect()
}
