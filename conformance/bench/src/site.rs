//! Where pods are attached: a simulated node whose server answers at once, so that only plugin and kernel take time.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use linux::{LinkChange, Netlink, Netns};
use ovnkube::{PodInterface, Response};
use serde_json::Value;

use super::call::{self, IFNAME, Pod};
use super::process::Invocation;
use node::{Answer, Families, Node};

/// The pool of pods whose VFs the kubelet tells.
pub(super) const RESOURCE: &str = "openshift.io/dpuvf";

/// A node, and what its server says of every pod.
pub(super) struct Site {
    /// The node.
    pub(super) node: Node,
    /// The interface that the server's answer describes.
    pub(super) interface: PodInterface,
    host: Arc<Netns>,
}

impl Site {
    /// A node of this many VFs whose server leaves the configuration of pods to its client. All pods are told to
    /// have the same addresses; they never meet.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn new(vfs: u32, families: Families) -> Result<Self> {
        let node = Node::builder().vfs(vfs).privileged(false).families(families).start()?;
        let pod = node.pod("bench", "pattern")?;
        let object = node.pod_object(&pod).context("the pod just made")?;
        let interface = object.interfaces.get(IFNAME).context("the pod's interface")?.clone();
        let interface = PodInterface { dpu_host_mode: true, ..interface };
        let add = Response { pod: Some(interface.clone()), ..Response::default() };
        let del = Response { pod: Some(PodInterface::default()), ..Response::default() };
        let (add, del) = (serde_json::to_vec(&add)?, serde_json::to_vec(&del)?);
        node.behave(|behaviour| {
            behaviour.add = Answer::Body(add);
            behaviour.del = Answer::Body(del);
        });
        Self::with(node, interface)
    }

    /// A node whose server does all that it is asked.
    ///
    /// # Errors
    /// When it cannot be entered.
    pub(super) fn over(node: Node) -> Result<Self> {
        Self::with(node, PodInterface::default())
    }

    fn with(node: Node, interface: PodInterface) -> Result<Self> {
        let host = Arc::new(Netns::open(node.host().path())?);
        let site = Site { node, interface, host };
        site.connect()?;
        Ok(site)
    }

    /// Sets all representors up, as a card does that has connected them.
    fn connect(&self) -> Result<()> {
        let card = Netlink::inside(self.node.card().netns())?;
        for vf in self.node.vfs() {
            let representor = card.link(&vf.representor)?.context("a VF's representor")?;
            card.change(representor.index, &LinkChange { up: Some(true), ..LinkChange::default() })?;
        }
        Ok(())
    }

    /// A call for a pod, on this node.
    pub(super) fn of_pod(&self, plugin: &Path, verb: &str, pod: &Pod, conf: &Value) -> Invocation {
        self.here(call::of_pod(plugin, verb, pod, conf))
    }

    /// A call about a network, on this node.
    pub(super) fn of_network(&self, plugin: &Path, verb: &str, conf: &Value) -> Invocation {
        self.here(call::of_network(plugin, verb, conf))
    }

    /// A program of a person's, on this node.
    pub(super) fn on_host(&self, call: Invocation) -> Invocation {
        self.here(call)
    }

    /// The host's namespace.
    pub(super) fn host(&self) -> &Arc<Netns> {
        &self.host
    }

    fn here(&self, call: Invocation) -> Invocation {
        let mut call = Invocation { inside: Some(self.host.clone()), ..call };
        call.env.push(("DPU_CNI_ROOT".to_owned(), self.node.root().display().to_string()));
        call
    }
}
