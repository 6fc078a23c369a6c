//! Devices in a sysfs tree of a test's own, shaped like the kernel's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use linux::sriov::{PciAddress, ScalableFunction, Sysfs};
use tempfile::TempDir;

/// A machine with nothing but what a test puts into it.
struct Machine(TempDir);

impl Machine {
    fn new() -> Machine {
        Machine(tempfile::tempdir().unwrap())
    }

    /// A PF with two ports' worth of VFs below it, as on a server with one card: PF `enp59s0f0np0`, VFs 0 and 2.
    fn with_card() -> Machine {
        let machine = Machine::new();
        machine.pci("0000:3b:00.0", "mlx5_core");
        machine.pci("0000:3b:00.2", "mlx5_core");
        machine.pci("0000:3b:00.4", "mlx5_core");
        machine.vf("0000:3b:00.0", "virtfn0", "0000:3b:00.2");
        machine.vf("0000:3b:00.0", "virtfn2", "0000:3b:00.4");
        machine.netdev("0000:3b:00.0", "enp59s0f0np0", 4, &[("phys_port_name", "p0\n")]);
        machine
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn device(&self, function: &str) -> PathBuf {
        self.0.path().join("sys/devices/pci0000:3a").join(function)
    }

    fn pci(&self, function: &str, driver: &str) {
        let device = self.device(function);
        fs::create_dir_all(&device).unwrap();
        symlink(format!("../../../bus/pci/drivers/{driver}"), device.join("driver")).unwrap();
        // Header type: one of several functions.
        let mut config = [0_u8; 64];
        config[0x0e] = 0x80;
        fs::write(device.join("config"), config).unwrap();
        let bus = self.0.path().join("sys/bus/pci/devices");
        fs::create_dir_all(&bus).unwrap();
        symlink(format!("../../../devices/pci0000:3a/{function}"), bus.join(function)).unwrap();
    }

    fn vf(&self, pf: &str, number: &str, vf: &str) {
        symlink(format!("../{pf}"), self.device(vf).join("physfn")).unwrap();
        symlink(format!("../{vf}"), self.device(pf).join(number)).unwrap();
    }

    fn netdev(&self, function: &str, name: &str, index: u32, attributes: &[(&str, &str)]) {
        let net = format!("sys/devices/pci0000:3a/{function}/net/{name}");
        self.write(&format!("{net}/ifindex"), format!("{index}\n"));
        self.write(&format!("{net}/dev_port"), "0\n");
        for (attribute, value) in attributes {
            self.write(&format!("{net}/{attribute}"), value);
        }
    }

    /// What udev's database says about an interface.
    fn udev(&self, index: u32, function: &str, properties: &[&str]) {
        let mut entry = format!("I:12345\nE:ID_PATH=pci-{function}\n");
        for property in properties {
            entry.push_str(&format!("E:{property}\n"));
        }
        self.write(&format!("run/udev/data/n{index}"), entry);
    }

    fn sysfs(&self) -> Sysfs {
        Sysfs::new(self.0.path())
    }

    fn proper_name(&self, vf: &str) -> Option<String> {
        self.sysfs().proper_name(&address(vf))
    }
}

fn address(text: &str) -> PciAddress {
    text.parse().unwrap()
}

#[test]
fn a_vf_knows_its_pf_and_its_number() {
    let machine = Machine::with_card();
    machine.netdev("0000:3b:00.4", "enp59s0f0v2", 9, &[]);
    let (sysfs, vf) = (machine.sysfs(), address("0000:3b:00.4"));
    assert!(sysfs.exists(&vf));
    assert_eq!(sysfs.pf(&vf), Some(address("0000:3b:00.0")));
    assert_eq!(sysfs.vf_index(&vf), Some(2));
    assert_eq!(sysfs.netdev(&vf).unwrap().as_deref(), Some("enp59s0f0v2"));
    assert_eq!(sysfs.driver(&vf).as_deref(), Some("mlx5_core"));
}

#[test]
fn a_pf_or_nothing_is_no_vf() {
    let machine = Machine::with_card();
    let sysfs = machine.sysfs();
    let (pf, vf, missing) = (address("0000:3b:00.0"), address("0000:3b:00.2"), address("0000:ff:00.0"));
    assert_eq!((sysfs.pf(&pf), sysfs.vf_index(&pf)), (None, None));
    assert_eq!(sysfs.netdev(&vf).unwrap(), None, "in a pod, or without a driver");
    assert!(!sysfs.exists(&missing));
    assert_eq!((sysfs.driver(&missing), sysfs.pf(&missing)), (None, None));
    assert_eq!(sysfs.netdevs(&missing).unwrap(), Vec::<String>::new());
}

#[test]
fn a_function_with_two_netdevs_is_ambiguous() {
    let machine = Machine::with_card();
    machine.netdev("0000:3b:00.2", "one", 8, &[]);
    machine.netdev("0000:3b:00.2", "two", 9, &[]);
    let (sysfs, vf) = (machine.sysfs(), address("0000:3b:00.2"));
    assert_eq!(sysfs.netdevs(&vf).unwrap(), ["one", "two"]);
    let error = sysfs.netdev(&vf).unwrap_err().to_string();
    assert!(error.contains("0000:3b:00.2") && error.contains("one, two"), "{error}");
}

#[test]
fn all_vfs_are_listed() {
    let machine = Machine::with_card();
    assert_eq!(machine.sysfs().vfs().unwrap(), [address("0000:3b:00.2"), address("0000:3b:00.4")]);
    assert_eq!(Machine::new().sysfs().vfs().unwrap(), [], "no PCI bus at all");
}

#[test]
fn scalable_functions_are_found_on_the_auxiliary_bus() {
    let machine = Machine::with_card();
    machine.write("sys/devices/pci0000:3a/0000:3b:00.0/mlx5_core.sf.4/net/enp59s0f0s88/ifindex", "12\n");
    let bus = machine.0.path().join("sys/bus/auxiliary/devices");
    fs::create_dir_all(&bus).unwrap();
    symlink("../../../devices/pci0000:3a/0000:3b:00.0/mlx5_core.sf.4", bus.join("mlx5_core.sf.4")).unwrap();
    let sysfs = machine.sysfs();
    let function: ScalableFunction = "mlx5_core.sf.4".parse().unwrap();
    assert!(sysfs.scalable_exists(&function));
    assert_eq!(sysfs.scalable_netdev(&function).unwrap().as_deref(), Some("enp59s0f0s88"));
    assert_eq!(sysfs.scalable_parent(&function), Some(address("0000:3b:00.0")));
    let other: ScalableFunction = "mlx5_core.sf.5".parse().unwrap();
    assert!(!sysfs.scalable_exists(&other));
    assert_eq!(sysfs.scalable_netdev(&other).unwrap(), None);
}

#[test]
fn the_proper_name_is_what_udev_chose() {
    let machine = Machine::with_card();
    machine.netdev("0000:3b:00.4", "dev9", 9, &[]);
    let names = ["ID_NET_NAME_PATH=enp59s0f0v2", "ID_NET_NAME_SLOT=ens3f0v2", "ID_NET_NAME=enp59s0f0v2"];
    machine.udev(9, "0000:3b:00.4", &names);
    assert_eq!(machine.proper_name("0000:3b:00.4").as_deref(), Some("enp59s0f0v2"));
}

#[test]
fn a_lost_name_that_udev_found_is_not_proper() {
    let machine = Machine::with_card();
    machine.netdev("0000:3b:00.4", "eth0", 9, &[]);
    let names = ["ID_NET_NAME_PATH=enp59s0f0v2", "ID_NET_NAME_SLOT=ens3f0v2", "ID_NET_NAME=eth0"];
    machine.udev(9, "0000:3b:00.4", &names);
    let pf_names =
        ["ID_NET_NAME_PATH=enp59s0f0np0", "ID_NET_NAME_SLOT=ens3f0np0", "ID_NET_NAME=enp59s0f0np0"];
    machine.udev(4, "0000:3b:00.0", &pf_names);
    assert_eq!(
        machine.proper_name("0000:3b:00.4").as_deref(),
        Some("enp59s0f0v2"),
        "by the policy of its PF"
    );
}

#[test]
fn without_a_database_a_pfs_path_tells() {
    let machine = Machine::with_card();
    machine.netdev("0000:3b:00.4", "eth0", 9, &[]);
    assert_eq!(machine.proper_name("0000:3b:00.4").as_deref(), Some("enp59s0f0v2"));
}

#[test]
fn a_pf_named_by_slot_passes_that_on() {
    let machine = Machine::with_card();
    fs::rename(machine.device("0000:3b:00.0/net/enp59s0f0np0"), machine.device("0000:3b:00.0/net/ens3f0np0"))
        .unwrap();
    machine.netdev("0000:3b:00.4", "eth0", 9, &[]);
    assert_eq!(
        machine.proper_name("0000:3b:00.4"),
        None,
        "without the database, it may be anybody's invention"
    );
    machine.udev(4, "0000:3b:00.0", &["ID_NET_NAME_PATH=enp59s0f0np0", "ID_NET_NAME_SLOT=ens3f0np0"]);
    assert_eq!(machine.proper_name("0000:3b:00.4").as_deref(), Some("ens3f0v2"));
}

#[test]
fn nothing_is_guessed() {
    let machine = Machine::with_card();
    assert_eq!(machine.proper_name("0000:3b:00.4"), None, "in a pod");
    machine.netdev("0000:3b:00.4", "eth0", 9, &[]);
    // An entry of an interface that had this index before.
    machine.udev(9, "0000:5e:00.1", &["ID_NET_NAME_PATH=enp94s0f1", "ID_NET_NAME=enp94s0f1"]);
    assert_eq!(machine.proper_name("0000:3b:00.4").as_deref(), Some("enp59s0f0v2"));
    fs::rename(machine.device("0000:3b:00.0/net/enp59s0f0np0"), machine.device("0000:3b:00.0/net/uplink"))
        .unwrap();
    assert_eq!(machine.proper_name("0000:3b:00.4"), None, "a PF that the site named");
    assert_eq!(machine.proper_name("0000:3b:00.0"), None, "no VF");
}
