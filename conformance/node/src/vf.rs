//! The node's virtual functions.

/// How the node's devices are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Naming {
    /// As SR-IOV: device IDs are PCI addresses (`0000:03:00.2`), links are called `ens1f0v0`.
    #[default]
    Pci,
    /// As ovn-kubernetes' `--simulate-dpu`: device ID and link are one name, `eth0-2`
    /// (`dpu-simulator/lib/dpusim`; 0 is the gateway's, 1 the management port's).
    Simulated,
}

/// A virtual function: the host's end of a veth pair whose other end is its representor on the card.
///
/// One difference to real ones cannot be hidden: when a namespace dies with a veth end in it, the kernel destroys
/// the pair, where it would push a physical function back to the host. [`super::Node::lose_netns`] plays the
/// latter.
#[derive(Clone, Debug)]
pub struct Vf {
    /// Its number among its PF's functions.
    pub index: u32,
    /// Its name on the host, at home.
    pub name: String,
    pub(super) device: String,
    /// Its PCI address, if it has one.
    pub pci: Option<String>,
    /// The name of its representor on the card, empty for real VFs, whose card is their NIC.
    pub representor: String,
    /// Its MAC address at home.
    pub mac: String,
    /// Its MTU at home, in bytes.
    pub mtu: u32,
    /// Its link index on the host, 0 when it has no link (VFIO).
    pub link: u32,
    /// The link index of its representor on the card, 0 where there is none.
    pub(super) representor_link: u32,
    /// Bound to `vfio-pci`: there is no link.
    pub vfio: bool,
}

/// The PF's PCI address and link.
pub(super) const PF: (&str, &str) = ("0000:03:00.0", "ens1f0");
/// The PF's end on the card.
pub(super) const UPLINK: &str = "p0";
/// The most VFs that the PF's bus numbers allow.
pub(super) const MAX_VFS: u32 = 250;

impl Vf {
    /// What the device plugin calls it: its PCI address, its auxiliary device or its own name.
    pub fn device_id(&self) -> &str {
        &self.device
    }

    /// The `index`-th VF of a node; `vfio` ones have no link.
    pub(super) fn new(index: u32, naming: Naming, vfio: bool) -> Self {
        // Function numbers go on after those of the card's two PFs.
        let function = index + 2;
        let pci = format!("0000:03:{:02x}.{}", function / 8, function % 8);
        match naming {
            Naming::Pci => {
                let device = pci.clone();
                Vf { pci: Some(pci), vfio, ..Vf::named(index, format!("ens1f0v{index}"), device) }
            }
            Naming::Simulated => {
                let name = format!("eth0-{}", index + 2);
                Vf::named(index + 2, name.clone(), name)
            }
        }
    }

    /// A scalable function: a slice of the PF on the auxiliary bus.
    pub(super) fn scalable(index: u32) -> Self {
        Vf::named(index, format!("ens1f0s{index}"), format!("mlx5_core.sf.{index}"))
    }

    fn named(index: u32, name: String, device: String) -> Self {
        Vf {
            index,
            name,
            device,
            pci: None,
            representor: format!("rep0-{index}"),
            mac: format!("52:54:00:00:{:02x}:{:02x}", index / 256, index % 256),
            mtu: 1500,
            link: 0,
            representor_link: 0,
            vfio: false,
        }
    }
}
