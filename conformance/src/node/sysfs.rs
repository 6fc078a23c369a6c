//! What the host's sysfs says of the card, as a tree of plain files.
//!
//! The kernel shows a link's name under its device only to the namespace that the link is in. This tree is static:
//! it keeps the name of a VF that is away. [`Sysfs::show`] corrects it for one that came back under another.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::vf::{PF, Vf};

/// The tree below `<root>/sys`.
#[derive(Debug)]
pub(super) struct Sysfs(PathBuf);

impl Sysfs {
    /// Writes the tree: the PF with its `virtfnN` links, and every VF with `physfn`, driver and network device.
    pub(super) fn build(root: &Path, vfs: &[Vf]) -> io::Result<Sysfs> {
        let sysfs = Sysfs(root.join("sys"));
        for bus in ["bus/pci/drivers/mlx5_core", "bus/pci/drivers/vfio-pci", "bus/auxiliary/devices"] {
            fs::create_dir_all(sysfs.0.join(bus))?;
        }
        let pf = sysfs.device(PF.0)?;
        sysfs.bind(&pf, "mlx5_core")?;
        fs::write(pf.join("sriov_numvfs"), format!("{}\n", vfs.len()))?;
        fs::write(pf.join("sriov_totalvfs"), format!("{}\n", vfs.len()))?;
        sysfs.show(PF.0, PF.1)?;
        for (vf, pci) in vfs.iter().filter_map(|vf| Some((vf, vf.pci.as_deref()?))) {
            let device = sysfs.device(pci)?;
            symlink(format!("../{}", PF.0), device.join("physfn"))?;
            symlink(format!("../{pci}"), pf.join(format!("virtfn{}", vf.index)))?;
            sysfs.bind(&device, if vf.vfio { "vfio-pci" } else { "mlx5_core" })?;
            if !vf.vfio {
                sysfs.show(pci, &vf.name)?;
            }
        }
        Ok(sysfs)
    }

    /// Makes `name` the only network device of the function `pci`.
    pub(super) fn show(&self, pci: &str, name: &str) -> io::Result<()> {
        let net = self.0.join("bus/pci/devices").join(pci).join("net");
        if net.join(name).is_dir() {
            return Ok(());
        }
        let other = net.with_file_name("net.new");
        fs::create_dir_all(other.join(name))?;
        if net.exists() {
            fs::remove_dir_all(&net)?;
        }
        fs::rename(other, net)
    }

    fn device(&self, pci: &str) -> io::Result<PathBuf> {
        let device = self.0.join("bus/pci/devices").join(pci);
        fs::create_dir_all(&device)?;
        fs::write(device.join("vendor"), "0x15b3\n")?;
        fs::write(device.join("device"), if pci == PF.0 { "0xa2dc\n" } else { "0x101e\n" })?;
        Ok(device)
    }

    fn bind(&self, device: &Path, driver: &str) -> io::Result<()> {
        symlink(format!("../../drivers/{driver}"), device.join("driver"))
    }
}
