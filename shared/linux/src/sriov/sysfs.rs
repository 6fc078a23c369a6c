//! The PCI and auxiliary buses in sysfs.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::pci::PciAddress;
use super::scalable::ScalableFunction;

/// Reads what the kernel publishes about devices.
///
/// The directory of a device that lists its netdevs shows only those in the namespace that sysfs was mounted in, on
/// a node the host's: a function that is in a pod has none there. So read names before a move.
#[derive(Clone, Debug)]
pub struct Sysfs {
    root: PathBuf,
}

impl Sysfs {
    /// Below this directory are `sys` and `run`: `/`, or a prefix for tests.
    pub fn new(root: &Path) -> Sysfs {
        Sysfs { root: root.to_owned() }
    }

    /// Whether there is such a PCI function.
    pub fn exists(&self, function: &PciAddress) -> bool {
        self.pci(function).exists()
    }

    /// A number that the function keeps for as long as it exists, and that the next one at its address does not get: the
    /// inode of its directory, which sysfs counts upwards (`fs/kernfs/dir.c: kernfs_new_node`).
    pub fn incarnation(&self, function: &PciAddress) -> Option<u64> {
        fs::metadata(self.pci(function)).ok().map(|directory| directory.ino())
    }

    /// The netdev of a PCI function: none if it has none here (bound to vfio-pci, or moved to another namespace). A
    /// function with several is an error: we could not tell which is meant.
    ///
    /// # Errors
    /// When it has several, or its directory cannot be read.
    pub fn netdev(&self, function: &PciAddress) -> io::Result<Option<String>> {
        only_one(self.netdevs(function)?, function)
    }

    /// All netdevs of a PCI function that are in this namespace, sorted.
    ///
    /// # Errors
    /// When its directory is there and cannot be read.
    pub fn netdevs(&self, function: &PciAddress) -> io::Result<Vec<String>> {
        names(&self.pci(function).join("net"))
    }

    /// The driver that is bound to it: `vfio-pci`, `mlx5_core`.
    pub fn driver(&self, function: &PciAddress) -> Option<String> {
        let driver = fs::read_link(self.pci(function).join("driver")).ok()?;
        Some(driver.file_name()?.to_str()?.to_owned())
    }

    /// The physical function of a VF; none for everything else.
    pub fn pf(&self, function: &PciAddress) -> Option<PciAddress> {
        self.neighbour(function, "physfn")
    }

    /// The number of a VF at its PF: N where the PF's `virtfnN` is this function.
    pub fn vf_index(&self, function: &PciAddress) -> Option<u32> {
        let pf = self.pf(function)?;
        let entries = names(&self.pci(&pf)).ok()?;
        entries
            .iter()
            .filter(|entry| self.neighbour(&pf, entry).as_ref() == Some(function))
            .find_map(|entry| entry.strip_prefix("virtfn")?.parse().ok())
    }

    /// Every VF of the machine, sorted.
    ///
    /// # Errors
    /// When the directory of PCI devices cannot be read.
    pub fn vfs(&self) -> io::Result<Vec<PciAddress>> {
        let names = names(&self.root.join("sys/bus/pci/devices"))?;
        let mut vfs: Vec<PciAddress> = names
            .iter()
            .filter_map(|name| name.parse().ok())
            .filter(|function| self.pf(function).is_some())
            .collect();
        vfs.sort();
        Ok(vfs)
    }

    /// Whether there is such a scalable function.
    pub fn scalable_exists(&self, function: &ScalableFunction) -> bool {
        self.auxiliary(function).exists()
    }

    /// The netdev of a scalable function; as [`Sysfs::netdev`].
    ///
    /// # Errors
    /// As [`Sysfs::netdev`].
    pub fn scalable_netdev(&self, function: &ScalableFunction) -> io::Result<Option<String>> {
        only_one(names(&self.auxiliary(function).join("net"))?, function)
    }

    /// The PCI function that a scalable function is a slice of.
    pub fn scalable_parent(&self, function: &ScalableFunction) -> Option<PciAddress> {
        let device = fs::read_link(self.auxiliary(function)).ok()?;
        device.parent()?.file_name()?.to_str()?.parse().ok()
    }

    /// Where a link in the device's directory leads, if that is a PCI function.
    fn neighbour(&self, function: &PciAddress, link: &str) -> Option<PciAddress> {
        let target = fs::read_link(self.pci(function).join(link)).ok()?;
        target.file_name()?.to_str()?.parse().ok()
    }

    /// An attribute of one of a function's netdevs. None too for those that its driver doesn't support.
    pub(super) fn netdev_attribute(
        &self,
        function: &PciAddress,
        netdev: &str,
        attribute: &str,
    ) -> Option<String> {
        let text = fs::read_to_string(self.pci(function).join("net").join(netdev).join(attribute)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn pci(&self, function: &PciAddress) -> PathBuf {
        self.root.join("sys/bus/pci/devices").join(function.to_string())
    }

    fn auxiliary(&self, function: &ScalableFunction) -> PathBuf {
        self.root.join("sys/bus/auxiliary/devices").join(function.as_str())
    }
}

/// The entries of a directory, sorted; none if it is not there: devices without netdevs have no `net`, machines
/// without a bus no directory for it.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names: io::Result<Vec<OsString>> = entries.map(|entry| Ok(entry?.file_name())).collect();
    let mut names: Vec<String> = names?.into_iter().filter_map(|name| name.into_string().ok()).collect();
    names.sort();
    Ok(names)
}

fn only_one(mut names: Vec<String>, function: &impl std::fmt::Display) -> io::Result<Option<String>> {
    if names.len() > 1 {
        let names = names.join(", ");
        return Err(io::Error::other(format!("{function} has more than one network interface: {names}")));
    }
    Ok(names.pop())
}
