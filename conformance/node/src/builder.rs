//! Making a node.

use std::fs;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use linux::sriov::PciAddress;

use super::behaviour::{Behaviour, Generation};
use super::state::Shared;
use super::sysfs::Sysfs;
use super::topology::Topology;
use super::vf::{MAX_VFS, Naming, Vf};
use super::{Families, Node, card, real};

/// What a node is to be like. See [`Node::builder`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    vfs: u32,
    vfio: u32,
    scalable: u32,
    real: Vec<PciAddress>,
    naming: Naming,
    behaviour: Behaviour,
}

impl Node {
    /// A node of two VFs with SR-IOV's names and a healthy, privileged server of today, unless more is said.
    pub fn builder() -> Builder {
        Builder { vfs: 2, ..Builder::default() }
    }
}

impl Builder {
    /// How many VFs it has; 2 unless said.
    #[must_use]
    pub fn vfs(self, vfs: u32) -> Self {
        Builder { vfs, ..self }
    }

    /// How many of them, the last ones, are bound to `vfio-pci`; none unless said.
    #[must_use]
    pub fn vfio(self, vfio: u32) -> Self {
        Builder { vfio, ..self }
    }

    /// How many scalable functions (`mlx5_core.sf.N`) follow the VFs; none unless said. Every known server refuses
    /// them.
    #[must_use]
    pub fn scalable(self, scalable: u32) -> Self {
        Builder { scalable, ..self }
    }

    /// Takes these VFs of the machine instead of making any: the node's host is then the namespace of this process,
    /// its sysfs the kernel's, and its card whatever the VFs' NIC does with their traffic.
    #[must_use]
    pub fn real(self, vfs: impl IntoIterator<Item = PciAddress>) -> Self {
        Builder { real: vfs.into_iter().collect(), ..self }
    }

    /// How they are named; as SR-IOV's unless said.
    #[must_use]
    pub fn naming(self, naming: Naming) -> Self {
        Builder { naming, ..self }
    }

    /// See [`Behaviour::privileged`].
    #[must_use]
    pub fn privileged(self, privileged: bool) -> Self {
        self.behave(|behaviour| behaviour.privileged = privileged)
    }

    /// See [`Behaviour::generation`].
    #[must_use]
    pub fn generation(self, generation: Generation) -> Self {
        self.behave(|behaviour| behaviour.generation = generation)
    }

    /// See [`Behaviour::families`].
    #[must_use]
    pub fn families(self, families: Families) -> Self {
        self.behave(|behaviour| behaviour.families = families)
    }

    /// Sets anything else of its behaviour from the start.
    #[must_use]
    pub fn behave(mut self, change: impl FnOnce(&mut Behaviour)) -> Self {
        change(&mut self.behaviour);
        self
    }

    /// Makes it, with its server and its kubelet listening.
    ///
    /// # Errors
    /// Without root or `ip`, or when it is to have more VFs than a PCI bus has room for.
    pub fn start(self) -> Result<Node> {
        ensure!(nix::unistd::geteuid().is_root(), "a simulated node needs root: it makes network namespaces");
        ensure!(self.vfs <= MAX_VFS, "at most {MAX_VFS} VFs");
        ensure!(
            self.vfio == 0 || self.naming == Naming::Pci,
            "simulated VFs have no PCI address to bind a driver to"
        );
        let root =
            tempfile::Builder::new().prefix("dpu-node-").tempdir().context("making the node's directory")?;
        for dir in ["run", "var/log", "var/lib/kubelet/pod-resources"] {
            fs::create_dir_all(root.path().join(dir))?;
        }
        // As on a node; the paths in a configuration may say either.
        std::os::unix::fs::symlink("../run", root.path().join("var/run"))?;
        let (topology, sysfs, vfs) = if self.real.is_empty() {
            let mut vfs = self.functions();
            let topology = Topology::build(&mut vfs)?;
            let sysfs = Sysfs::build(root.path(), &vfs).context("writing its sysfs")?;
            (topology, sysfs, vfs)
        } else {
            let topology = Topology::real()?;
            let vfs = real::functions(&self.real, topology.host.netns())?;
            (topology, Sysfs::real(root.path())?, vfs)
        };
        let shared = Arc::new(Shared::new(topology, sysfs, self.naming, vfs, self.behaviour));
        // From here on dropping the node ends what has been started.
        let mut node = Node {
            root,
            shared: shared.clone(),
            server: Mutex::new(None),
            kubelet: Mutex::new(None),
            card: None,
        };
        node.card = Some(card::start(shared.clone())?);
        node.start_kubelet()?;
        node.start_server()?;
        Ok(node)
    }

    fn functions(&self) -> Vec<Vf> {
        let first_vfio = self.vfs.saturating_sub(self.vfio);
        let vfs = (0..self.vfs).map(|index| Vf::new(index, self.naming, index >= first_vfio));
        vfs.chain((self.vfs..self.vfs + self.scalable).map(Vf::scalable)).collect()
    }
}
