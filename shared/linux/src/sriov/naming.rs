//! What udev calls a VF, for one that lost its name: a namespace that dies pushes its links back to the host as
//! `eth0` or `dev7`, and udev does not rename what somebody has named.
//!
//! systemd.net-naming-scheme(7) gives a device up to three names, after the firmware's index (`eno1`), the slot
//! (`ens1f0`) and the path (`enp59s0f0`); the site's policy picks one. A VF has those of its PF, followed by `v` and
//! its number. Each may carry the port in front of that, `n` and `phys_port_name` or `d` and `dev_port`; here PF and
//! VF have their own, so that VF 2 of `enp59s0f0np0` is `enp59s0f0v2`. Onboard names and slots cannot be computed
//! without knowing the firmware and the scheme's version, so we take them only from udev's database or from the PF.

use std::fs;
use std::path::Path;

use super::pci::PciAddress;
use super::sysfs::Sysfs;

/// udev's properties with a generated name, in the order of systemd's default policy.
const POLICIES: [&str; 4] =
    ["ID_NET_NAME_FROM_DATABASE", "ID_NET_NAME_ONBOARD", "ID_NET_NAME_SLOT", "ID_NET_NAME_PATH"];

/// Longest name of a link; a longer one udev doesn't give.
const NAME_MAX: usize = 15;

impl Sysfs {
    /// The name that udev gives this VF's netdev, whatever it is called now. None unless that is certain; never while
    /// the VF is in a pod.
    ///
    /// It is what udev's database has for it (`run/udev/data/n<ifindex>`), else the PF's name with `v` and the number
    /// of the VF, as systemd.net-naming-scheme(7) has it.
    pub fn proper_name(&self, vf: &PciAddress) -> Option<String> {
        let netdev = self.netdev(vf).ok()??;
        let udev = Properties::of(self, vf, &netdev);
        // What udev chose last time. It may be the lost name that it found, so only if it is one of those it generates.
        if let Some(chosen) = udev.get("ID_NET_NAME").filter(|chosen| udev.policy_of(chosen).is_some()) {
            return Some(chosen.to_owned());
        }
        // The same policy named the PF.
        let pf = self.pf(vf)?;
        let pf_netdev = self.netdev(&pf).ok()??;
        let pf_udev = Properties::of(self, &pf, &pf_netdev);
        let pf_port = port(self, &pf, &pf_netdev)?;
        match pf_udev.policy_of(&pf_netdev) {
            Some(policy) if udev.get(policy).is_some() => return udev.get(policy).map(str::to_owned),
            Some(_) => {}
            // Without a database, the path is what we know how to compute.
            None if pf_netdev == format!("{}{pf_port}", path(self, &pf)?) => {}
            None => return None,
        }
        let base = pf_netdev.strip_suffix(&pf_port).filter(|base| base.starts_with("en"))?;
        let name = format!("{base}{}v{}", port(self, vf, &netdev)?, self.vf_index(vf)?);
        Some(name).filter(|name| name.len() <= NAME_MAX)
    }
}

/// What udev's database says about a netdev: lines such as `E:ID_NET_NAME_PATH=enp59s0f0v2`.
struct Properties(String);

impl Properties {
    /// Empty if there is no entry, or one that is about another device: the database goes by interface index.
    fn of(sysfs: &Sysfs, function: &PciAddress, netdev: &str) -> Properties {
        let read = || {
            let index = sysfs.netdev_attribute(function, netdev, "ifindex")?;
            let entry = fs::read_to_string(sysfs.root().join(format!("run/udev/data/n{index}"))).ok()?;
            Some(Properties(entry)).filter(|found| found.get("ID_PATH") == Some(&format!("pci-{function}")))
        };
        read().unwrap_or(Properties(String::new()))
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix("E:")?.strip_prefix(key)?.strip_prefix('='))
    }

    /// Which of the generated names this is.
    fn policy_of(&self, name: &str) -> Option<&'static str> {
        POLICIES.into_iter().find(|policy| self.get(policy) == Some(name))
    }
}

/// The part of a name that tells the port of a function with several. None for a representor, which is on the PF
/// but is none of its ports.
fn port(sysfs: &Sysfs, function: &PciAddress, netdev: &str) -> Option<String> {
    match sysfs.netdev_attribute(function, netdev, "phys_port_name") {
        Some(name) if name.contains("vf") || name.contains("sf") => None,
        Some(name) => Some(format!("n{name}")),
        None => match sysfs.netdev_attribute(function, netdev, "dev_port").as_deref() {
            None | Some("0") => Some(String::new()),
            Some(number) => Some(format!("d{number}")),
        },
    }
}

/// `ID_NET_NAME_PATH` of an Ethernet device, without its port.
fn path(sysfs: &Sysfs, function: &PciAddress) -> Option<String> {
    let PciAddress { domain, bus, device, function: number } = function;
    let domain = if *domain == 0 { String::new() } else { format!("P{domain}") };
    let number = if *number > 0 || is_multifunction(&sysfs.pci(function))? {
        format!("f{number}")
    } else {
        String::new()
    };
    Some(format!("en{domain}p{bus}s{device}{number}"))
}

/// Whether there are other functions beside this one: bit 7 of the header type, `PCI_HEADER_TYPE` of linux/pci_regs.h.
fn is_multifunction(device: &Path) -> Option<bool> {
    let config = fs::read(device.join("config")).ok()?;
    config.get(0x0e).map(|header_type| header_type & 0x80 != 0)
}
