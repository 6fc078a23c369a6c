//! What the host's sysfs says of the card, as a tree of plain files.
//!
//! The kernel shows a link's name under its device only to the namespace that the link is in. This tree is static:
//! it keeps the name of a VF that is away. [`Sysfs::show`] corrects it for one that came back under another.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use super::vf::{PF, Vf};

/// The tree below `<root>/sys`.
#[derive(Debug)]
pub(super) struct Sysfs {
    sys: PathBuf,
    /// It is the kernel's, which needs no telling.
    real: bool,
}

impl Sysfs {
    /// Writes the tree: the PF with its `virtfnN` links, and every VF with `physfn`, driver and network device.
    pub(super) fn build(root: &Path, vfs: &[Vf]) -> io::Result<Sysfs> {
        let sysfs = Sysfs { sys: root.join("sys"), real: false };
        for bus in ["bus/pci/drivers/mlx5_core", "bus/pci/drivers/vfio-pci", "bus/auxiliary/devices"] {
            fs::create_dir_all(sysfs.sys.join(bus))?;
        }
        let pf = sysfs.device(PF.0)?;
        Sysfs::bind(&pf, "mlx5_core")?;
        let count = vfs.iter().filter(|vf| vf.pci.is_some()).count();
        fs::write(pf.join("sriov_numvfs"), format!("{count}\n"))?;
        fs::write(pf.join("sriov_totalvfs"), format!("{count}\n"))?;
        sysfs.show(PF.0, PF.1)?;
        for (vf, pci) in vfs.iter().filter_map(|vf| Some((vf, vf.pci.as_deref()?))) {
            let device = sysfs.device(pci)?;
            symlink(format!("../{}", PF.0), device.join("physfn"))?;
            symlink(format!("../{pci}"), pf.join(format!("virtfn{}", vf.index)))?;
            Sysfs::bind(&device, if vf.vfio { "vfio-pci" } else { "mlx5_core" })?;
            if !vf.vfio {
                sysfs.show(pci, &vf.name)?;
            }
        }
        // The auxiliary bus has links into the device tree, which tell the parent.
        let parent = sysfs.sys.join("devices").join(PF.0);
        for sf in vfs.iter().filter(|vf| vf.device.contains(".sf.")) {
            fs::create_dir_all(parent.join(&sf.device).join("net").join(&sf.name))?;
            let target = format!("../../../devices/{}/{}", PF.0, sf.device);
            symlink(target, sysfs.sys.join("bus/auxiliary/devices").join(&sf.device))?;
        }
        Ok(sysfs)
    }

    /// The kernel's own, for real VFs.
    pub(super) fn real(root: &Path) -> io::Result<Sysfs> {
        let sys = root.join("sys");
        symlink("/sys", &sys)?;
        Ok(Sysfs { sys, real: true })
    }

    /// The network device of a real function; `None` when this tree is not the kernel's.
    #[allow(clippy::option_option, reason = "not asked is not the same as none found")]
    pub(super) fn kernel_netdev(&self, pci: &str) -> Option<Option<String>> {
        let names = || fs::read_dir(self.sys.join("bus/pci/devices").join(pci).join("net")).ok();
        self.real.then(|| names()?.next()?.ok()?.file_name().into_string().ok())
    }

    /// Makes `name` the only network device of the function `pci`.
    pub(super) fn show(&self, pci: &str, name: &str) -> io::Result<()> {
        if self.real {
            return Ok(());
        }
        let net = self.sys.join("bus/pci/devices").join(pci).join("net");
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

    /// Takes the function `pci` out of the tree. Its directory is kept, empty: removed, its number would be given again, as
    /// the kernel's never is.
    pub(super) fn unplug(&self, pci: &str) -> io::Result<()> {
        let device = self.sys.join("bus/pci/devices").join(pci);
        if !device.exists() {
            return Ok(());
        }
        let unplugged = self.sys.join("unplugged").join(fs::metadata(&device)?.ino().to_string());
        fs::create_dir_all(unplugged.with_file_name(""))?;
        fs::rename(device, &unplugged)?;
        for left in fs::read_dir(unplugged)? {
            let left = left?;
            if left.file_type()?.is_dir() {
                fs::remove_dir_all(left.path())?;
            } else {
                fs::remove_file(left.path())?;
            }
        }
        Ok(())
    }

    /// Puts another function at the address of `vf`: its directory is a new one, as in the kernel's.
    pub(super) fn plug(&self, vf: &Vf) -> io::Result<()> {
        vf.pci.as_ref().map_or(Ok(()), |pci| self.function(vf, pci))
    }

    /// A VF with `physfn`, driver and network device.
    fn function(&self, vf: &Vf, pci: &str) -> io::Result<()> {
        let device = self.device(pci)?;
        symlink(format!("../{}", PF.0), device.join("physfn"))?;
        Self::bind(&device, if vf.vfio { "vfio-pci" } else { "mlx5_core" })?;
        if !vf.vfio {
            self.show(pci, &vf.name)?;
        }
        Ok(())
    }

    fn device(&self, pci: &str) -> io::Result<PathBuf> {
        let device = self.sys.join("bus/pci/devices").join(pci);
        fs::create_dir_all(&device)?;
        fs::write(device.join("vendor"), "0x15b3\n")?;
        fs::write(device.join("device"), if pci == PF.0 { "0xa2dc\n" } else { "0x101e\n" })?;
        Ok(device)
    }

    fn bind(device: &Path, driver: &str) -> io::Result<()> {
        symlink(format!("../../drivers/{driver}"), device.join("driver"))
    }
}
