//! A simulated DPU host node: ovnkube-node's CNI server in `dpu-host` mode, the card behind it, and VFs.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use node::{Card, Node, Verb};
//!
//! let node = Node::builder().vfs(4).privileged(false).start()?;
//! let pod = node.pod("web", "web-0")?;
//! let conf = node.conf_for(&node.vfs()[0]);
//! node.run("dpu-host", Verb::Add, &pod, &conf)?.ok()?;
//! assert!(pod.link("eth0")?.is_some());
//! node.behave(|b| b.card = Card::Never);
//! # Ok(()) }
//! ```
//!
//! VFs are veth pairs between a `host` namespace, in which plugins are run, and a `card` namespace, where the other
//! ends, the representors, hang on one bridge: attached pods reach each other and their gateway. The node's files
//! (`/run`, `/sys`, `/var`) are below a directory of its own, which plugins get in `DPU_CNI_ROOT`. Everything
//! disappears with the value; several nodes live side by side.
//!
//! The server is written after ovn-kubernetes 8871cd9ce (August 2026) and, for [`Generation::Old`], 6c366bb49
//! (December 2024). What it can be made to do is in [`Behaviour`].
#![forbid(unsafe_code)]

mod behaviour;
mod builder;
mod calls;
mod card;
mod command;
mod control;
mod host;
mod invoke;
mod kubelet;
mod link;
mod pods;
mod real;
mod reboot;
mod received;
mod registry;
mod sandbox;
mod server;
mod services;
mod state;
mod sysfs;
mod topology;
mod vf;
mod xdp;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tempfile::TempDir;

pub use behaviour::{Answer, Behaviour, Card, Generation, Get, Kubelet, Lease};
pub use builder::Builder;
pub use command::{Args, run};
pub use invoke::{Call, Output, Running, Verb};
pub use link::LinkState;
pub use pods::{Details, Families, PodObject, Udn};
pub use received::Received;
pub use sandbox::{Pod, Process};
pub use server::TOKEN;
pub use testkit::namespace::Namespace;
pub use vf::{Naming, Vf};
pub use xdp::{Attached, Xdp};

use server::Server;
use state::Shared;

/// A running node. Dropping it stops and removes everything.
pub struct Node {
    root: TempDir,
    shared: Arc<Shared>,
    server: Mutex<Option<Server>>,
    kubelet: Mutex<Option<kubelet::Server>>,
    card: Option<JoinHandle<()>>,
}

impl Node {
    /// Its directory, for `DPU_CNI_ROOT`.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Where its server listens.
    pub fn server_socket(&self) -> PathBuf {
        self.below(ovnkube::SOCKET)
    }

    /// Where its kubelet listens.
    pub fn kubelet_socket(&self) -> PathBuf {
        self.below(::kubelet::SOCKET)
    }

    fn below(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    /// The namespace of the host.
    pub fn host(&self) -> &Namespace {
        &self.shared.topology.host
    }

    /// The namespace of the card.
    pub fn card(&self) -> &Namespace {
        &self.shared.topology.card
    }

    /// Its VFs.
    pub fn vfs(&self) -> &[Vf] {
        &self.shared.vfs
    }

    /// Changes how it behaves, from the next request on; the card takes it up at once.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        self.shared.change(|state| change(&mut state.behaviour));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop_server();
        self.shared.change(|state| state.closing = true);
        if let Some(card) = self.card.take() {
            let _ = card.join();
        }
    }
}
