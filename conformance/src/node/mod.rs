//! A simulated DPU host node: ovnkube-node's CNI server in `dpu-host` mode, the card behind it, and VFs.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use conformance::node::{Card, Node, Verb};
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

mod behaviour;
mod builder;
mod card;
mod command;
mod invoke;
mod ip;
mod kubelet;
mod link;
mod namespace;
mod pods;
mod sandbox;
mod server;
mod state;
mod sysfs;
mod topology;
mod vf;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ::kubelet::wire::{ContainerDevices, ContainerResources, PodResources};
use anyhow::{Context, Result};
use ovnkube::Metrics;
use serde_json::{Value, json};
use tempfile::TempDir;

pub use behaviour::{Answer, Behaviour, Card, Generation, Kubelet, Lease};
pub use builder::Builder;
pub use command::{Args, run};
pub use invoke::{Call, Output, Running, Verb};
pub use link::LinkState;
pub use namespace::Namespace;
pub use pods::{Details, Families, PodObject, Udn};
pub use sandbox::Pod;
pub use server::{Received, SOCKET, TOKEN};
pub use vf::{Naming, Vf};

use server::Server;
use state::Shared;

/// A bound on waiting for what the node does by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running node. Dropping it stops and removes everything.
pub struct Node {
    root: TempDir,
    shared: Arc<Shared>,
    server: Mutex<Option<Server>>,
    kubelet: Mutex<Option<kubelet::Server>>,
    card: Option<JoinHandle<()>>,
}

impl Node {
    /// A node of two VFs with SR-IOV's names and a healthy, privileged server of today, unless more is said.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Its directory, for `DPU_CNI_ROOT`.
    pub fn root(&self) -> &Path {
        self.root.path()
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

    /// Registers a pod with the next free addresses, and makes a sandbox for it.
    ///
    /// # Errors
    /// When no namespace can be made.
    pub fn pod(&self, namespace: &str, name: &str) -> Result<Pod> {
        let key = (namespace.to_owned(), name.to_owned());
        let mut pod = Pod::new(namespace, name, "")?;
        // Of the form of a UID, and as unique as the container ID.
        let digits = &pod.container;
        pod.uid = format!("{}-{}-4000-8000-{}", &digits[8..16], &digits[4..8], &digits[52..64]);
        self.shared.change(|state| state.register(key, &pod.uid));
        Ok(pod)
    }

    /// Makes another sandbox for the same pod, as a runtime does when the first one died.
    ///
    /// # Errors
    /// When no namespace can be made.
    pub fn another_sandbox(&self, pod: &Pod) -> Result<Pod> {
        Pod::new(&pod.namespace, &pod.name, &pod.uid)
    }

    /// Changes the pod as the API server knows it.
    ///
    /// # Errors
    /// When there is no such pod.
    pub fn edit_pod<T>(&self, pod: &Pod, change: impl FnOnce(&mut PodObject) -> T) -> Result<T> {
        let key = (pod.namespace.clone(), pod.name.clone());
        self.shared.change(|state| state.pods.get_mut(&key).map(change)).context("no such pod")
    }

    /// Gives the pod a primary user-defined network on this VF.
    ///
    /// # Errors
    /// When there is no such pod.
    pub fn give_udn(&self, pod: &Pod, vf: &Vf) -> Result<()> {
        let interface = self.shared.change(|state| state.udn_interface());
        self.edit_pod(pod, |object| {
            if let Some(default) = object.interfaces.get_mut("eth0") {
                default.role = String::from("infrastructure-locked");
                // The default route is the other network's.
                default.gateways.clear();
            }
            object.udn = Some(Udn { interface, device: Some(vf.device_id().into()) });
        })
    }

    /// Removes the pod from the API server, with its annotations; its sandbox stays.
    pub fn delete_pod(&self, pod: &Pod) {
        self.shared.change(|state| state.delete((pod.namespace.clone(), pod.name.clone())));
    }

    /// The pod as the API server knows it.
    pub fn pod_object(&self, pod: &Pod) -> Option<PodObject> {
        self.shared.state().pods.get(&(pod.namespace.clone(), pod.name.clone())).cloned()
    }

    /// What the server has received, in order.
    pub fn received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// The commands that the server has received, in order.
    pub fn commands(&self) -> Vec<String> {
        self.received().into_iter().map(|received| received.command).collect()
    }

    /// What was reported to `/metrics`, in order.
    pub fn metrics(&self) -> Vec<Metrics> {
        self.shared.state().metrics.clone()
    }

    /// Kills the server: connections break, work is dropped where it waits, the socket stays behind.
    pub fn stop_server(&self) {
        let server = self.server().take();
        if let Some(server) = server {
            server.stop(&self.shared);
        }
    }

    /// Removes the server's socket, as between a start of ovnkube-node and its listening.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove_socket(&self) -> Result<()> {
        Ok(std::fs::remove_file(server::socket(self.root()))?)
    }

    /// Starts the server, killing the one that runs. Pods and annotations are as they were.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start_server(&self) -> Result<()> {
        self.stop_server();
        let server = Server::start(&self.shared, self.root())?;
        *self.server() = Some(server);
        Ok(())
    }

    /// Waits until the server works on nothing: also not for a client that has hung up.
    ///
    /// # Errors
    /// When it does not come to rest within a minute.
    pub fn idle(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        self.shared.wait(deadline, |state| (state.busy == 0).then_some(())).context("the server stays busy")
    }

    /// Waits until the server has received `count` requests.
    ///
    /// # Errors
    /// When they do not come within a minute.
    pub fn wait_received(&self, count: usize) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        self.shared
            .wait(deadline, |state| (state.received.len() >= count).then_some(()))
            .with_context(|| format!("the server has not received {count} requests"))
    }

    /// Takes the sandbox's namespace away as it looks when physical VFs are in it: the kernel pushes them back to
    /// the host, down and without addresses, under the name they had in the pod where it is free there, else as
    /// `dev<index>`. (veth ends would be destroyed: for that, [`Namespace::unbind`] the pod's and drop it.)
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn lose_netns(&self, pod: &Pod) -> Result<()> {
        let host = self.host();
        for link in pod.links()? {
            let taken = link::link(host.netns(), &link.name)?.is_some();
            let name = if taken { format!("dev{}", link.index) } else { link.name.clone() };
            pod.change(&format!(
                "link set {old} down\nlink set {old} name {name}\nlink set {name} netns {}",
                host.path().display(),
                old = link.name
            ))?;
        }
        pod.netns().unbind()
    }

    /// The link `name` on the host.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn host_link(&self, name: &str) -> Result<Option<LinkState>> {
        link::link(self.host().netns(), name)
    }

    /// All links on the host but `lo`, the PF's among them.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn host_links(&self) -> Result<Vec<LinkState>> {
        link::links(self.host().netns())
    }

    /// Runs lines of `ip -batch` on the host, to disturb what a plugin relies on.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn change_host(&self, script: &str) -> Result<()> {
        ip::batch(self.host().netns(), script)
    }

    /// Makes sysfs tell the names that VFs on the host have now, as the kernel's does; it keeps the name of a VF that
    /// is away.
    ///
    /// # Errors
    /// When `ip` fails, or the tree cannot be written.
    pub fn refresh_sysfs(&self) -> Result<()> {
        let links = self.host_links()?;
        for vf in self.vfs().iter().filter(|vf| !vf.vfio) {
            let link = links.iter().find(|link| link.index == vf.link);
            if let (Some(pci), Some(link)) = (&vf.pci, link) {
                self.shared.sysfs.show(pci, &link.name)?;
            }
        }
        Ok(())
    }

    /// A configuration for the plugin `dpu-host` without a device, as in a `.conf` file.
    pub fn conf(&self) -> Value {
        json!({"cniVersion": "1.1.0", "name": "ovn-kubernetes", "type": "dpu-host", "ipam": {}, "dns": {}})
    }

    /// The same with this VF, as Multus passes it.
    pub fn conf_for(&self, vf: &Vf) -> Value {
        let mut conf = self.conf();
        conf["deviceID"] = json!(vf.device_id());
        if let Some(pci) = &vf.pci {
            conf["pciBusID"] = json!(pci);
        }
        conf
    }

    /// Begins a call of the plugin `name` on the host.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn call(&self, name: &str, verb: Verb) -> Result<Call<'_>> {
        let program = crate::binaries::plugin(name)?;
        let path = program.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
        let call = Call { host: self.host().netns(), program, env: Default::default(), stdin: Vec::new() };
        Ok(call
            .env("CNI_COMMAND", verb.as_str())
            .env("CNI_PATH", path)
            .env("DPU_CNI_ROOT", self.root().to_string_lossy()))
    }

    /// Calls the plugin `name` for this pod, and waits for its end.
    ///
    /// # Errors
    /// When it cannot be run; not when it fails.
    pub fn run(&self, name: &str, verb: Verb, pod: &Pod, conf: &Value) -> Result<Output> {
        self.call(name, verb)?.pod(pod).conf(conf).run()
    }

    /// Tells the kubelet which devices of `resource` it has given to the pod. A container each; none makes the pod
    /// known to it without any.
    pub fn allocate(&self, pod: &Pod, resource: &str, devices: &[&str]) {
        let container = |(number, device): (usize, &&str)| ContainerResources {
            name: format!("container-{number}"),
            devices: vec![ContainerDevices {
                resource_name: resource.into(),
                device_ids: vec![(*device).into()],
            }],
        };
        let containers = devices.iter().enumerate().map(container).collect();
        let (name, namespace) = (pod.name.clone(), pod.namespace.clone());
        self.edit_allocations(|all| all.push(PodResources { name, namespace, containers }));
    }

    /// Changes what the kubelet knows of all pods' devices.
    pub fn edit_allocations(&self, change: impl FnOnce(&mut Vec<PodResources>)) {
        self.shared.change(|state| change(&mut state.resources));
    }

    /// Stops the kubelet and removes its socket.
    pub fn stop_kubelet(&self) {
        self.kubelet.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Starts the kubelet. What it knows is as it was.
    ///
    /// # Errors
    /// When it cannot listen, or runs already.
    pub fn start_kubelet(&self) -> Result<()> {
        let server = kubelet::Server::start(self.shared.clone(), self.root())?;
        *self.kubelet.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
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
