//! The node on which sequences are played, and its pods' sandboxes.

use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use crash::World;
use node::{Call, Kubelet, Node, Pod, Process, Verb};
use serde_json::Value;

use crate::script::{PODS, VFS, is_anew, pod_of};

const PLUGIN: &str = "dpu-host";
pub(crate) const RESOURCE: &str = "openshift.io/dpuvf";

/// Calls until everything must be clean: each tells eight DELs, and a sequence has not many more.
const MOST_CHORES: u32 = 8;
/// Containers are numbered, over all nodes.
static CONTAINERS: AtomicU64 = AtomicU64::new(1);

/// A node, used for one sequence after the other.
pub(crate) struct Field {
    pub(crate) world: World,
    /// Those that this sequence has used, by number.
    sandboxes: BTreeMap<usize, Sandbox>,
    /// Those of earlier sequences that can serve again: making a namespace takes longer than a call.
    spare: BTreeMap<usize, Pod>,
    /// One that is never attached: its DEL does a call's housekeeping for others.
    stranger: Pod,
}

/// A sandbox, and what the runtime knows of it.
pub(crate) struct Sandbox {
    pub(crate) pod: Pod,
    /// Whether its namespace has its name yet.
    pub(crate) lives: bool,
    /// Whether another namespace has its path and its inode, so that who is in haste takes it for alive.
    pub(crate) disguised: bool,
    /// Whether it has links of its own under the indices of VFs.
    pub(crate) crowded: bool,
    /// What runs in it.
    pub(crate) process: Option<Process>,
    /// Whether the pod has changed its interface.
    pub(crate) tampered: bool,
    /// The VF that it was last to have.
    pub(crate) vf: usize,
    /// What its last ADD that succeeded has printed.
    pub(crate) result: Option<Value>,
    /// Whether it counts as attached: ADD has succeeded, and no DEL since.
    pub(crate) attached: bool,
}

impl Field {
    /// A fresh node.
    pub(crate) fn new() -> Result<Self> {
        let node = Node::builder().vfs(u32::try_from(VFS)?).start()?;
        let stranger = node.pod("web", "stranger")?;
        let world = World::new(node)?;
        Ok(Field { world, sandboxes: BTreeMap::new(), spare: BTreeMap::new(), stranger })
    }

    /// Begins another sequence. The node is as it was at first, and every sandbox a new one.
    pub(crate) fn begin(&mut self, privileged: bool) {
        self.node().behave(|b| (b.privileged, b.kubelet) = (privileged, Kubelet::Healthy));
        for (number, sandbox) in std::mem::take(&mut self.sandboxes) {
            // A second sandbox has its pod's name and is made of the first one.
            if number < PODS && sandbox.lives && !sandbox.crowded && self.knows(&sandbox.pod) {
                self.spare.insert(number, sandbox.pod);
            }
        }
    }

    pub(crate) fn node(&self) -> &Node {
        &self.world.node
    }

    /// Whether the server moves VFs itself.
    pub(crate) fn is_privileged(&self) -> bool {
        let mut privileged = false;
        self.node().behave(|b| privileged = b.privileged);
        privileged
    }

    /// Whether no ADD comes for a sandbox: its path is another's, and no runtime attaches what it has removed; or a simulated
    /// VF would not be known there, nor when it comes home, for it is known by its index, and that is taken.
    pub(crate) fn is_never_added(&self, number: usize) -> bool {
        self[number].disguised || self[number].crowded
    }

    /// Sees to it that there is this sandbox.
    pub(crate) fn need(&mut self, number: usize) -> Result<()> {
        if self.sandboxes.contains_key(&number) {
            return Ok(());
        }
        let first = pod_of(number);
        if number != first {
            self.need(first)?;
        }
        let pod = if number != first && !is_anew(number) {
            self.node().another_sandbox(&self[first].pod)?
        } else if let Some(pod) = self.spare.remove(&number) {
            pod
        } else {
            self.node().pod("web", &name(number))?
        };
        self.give(&pod, &[]);
        self.insert(number, pod);
        Ok(())
    }

    /// Makes a sandbox that has not been yet, where a dead one was.
    pub(crate) fn need_in_place_of(&mut self, dead: usize, number: usize) -> Result<()> {
        let pod = self.spare.remove(&number).map_or_else(|| self.node().pod("web", &name(number)), Ok)?;
        let pod = self.node().sandbox_in_place_of(&self[dead].pod, &pod)?;
        self.world.reuse_inode(&self[dead].pod, &pod)?;
        self[dead].disguised = true;
        self.give(&pod, &[]);
        self.insert(number, pod);
        Ok(())
    }

    fn insert(&mut self, number: usize, mut pod: Pod) {
        pod.container = format!("{:064x}", CONTAINERS.fetch_add(1, Ordering::Relaxed));
        let sandbox = Sandbox {
            pod,
            lives: true,
            disguised: false,
            crowded: false,
            process: None,
            tampered: false,
            vf: number % VFS,
            result: None,
            attached: false,
        };
        self.sandboxes.insert(number, sandbox);
    }

    /// Whether the API server knows the pod, and not another of its name.
    fn knows(&self, pod: &Pod) -> bool {
        self.node().pod_object(pod).is_some_and(|object| object.uid == pod.uid)
    }

    /// Whether the API server knows the pod of this sandbox.
    pub(crate) fn is_known(&self, number: usize) -> bool {
        self.knows(&self[number].pod)
    }

    /// Has the kubelet list the pod with these VFs and no others.
    fn give(&self, pod: &Pod, vfs: &[usize]) {
        let devices: Vec<&str> = vfs.iter().map(|vf| self.node().vfs()[*vf].device_id()).collect();
        self.node().unlist(pod);
        self.node().allocate(pod, RESOURCE, &devices);
    }

    /// Has the kubelet give the pod of this sandbox these VFs, if there is such a pod.
    pub(crate) fn give_to(&self, number: usize, vfs: &[usize]) {
        if self.is_known(number) {
            self.give(&self[number].pod, vfs);
        }
    }

    /// Whether the kubelet lists a pod of this one's name.
    pub(crate) fn lists(&self, number: usize) -> bool {
        self.node().listed(&self[number].pod).is_some()
    }

    /// Whether the kubelet lists a pod of this one's name with the VF.
    pub(crate) fn lists_with(&self, number: usize, vf: usize) -> bool {
        let device = self.node().vfs()[vf].device_id();
        self.node().listed(&self[number].pod).is_some_and(|devices| devices.iter().any(|id| id == device))
    }

    /// Those of this sequence, by number.
    pub(crate) fn sandboxes(&self) -> &BTreeMap<usize, Sandbox> {
        &self.sandboxes
    }

    /// All containers of all pods end.
    pub(crate) fn end_processes(&mut self) {
        self.sandboxes.values_mut().for_each(|sandbox| sandbox.process = None);
    }

    /// Begins a call for a sandbox.
    pub(crate) fn call(&self, verb: Verb, number: usize) -> Result<Call<'_>> {
        Ok(self.node().call(PLUGIN, verb)?.pod(&self[number].pod))
    }

    /// Begins what gives every pod back what it has lost.
    pub(crate) fn restore(&self) -> Result<Call<'_>> {
        Ok(self.node().call(PLUGIN, Verb::Del)?.args(&["vfs", "--restore"]))
    }

    /// Begins a call for the network.
    pub(crate) fn gc(&self) -> Result<Call<'_>> {
        self.node().call(PLUGIN, Verb::Gc)
    }

    /// Time goes by, and a few calls come that have nothing to do but housekeeping: then nothing may be left.
    ///
    /// # Errors
    /// What is left.
    pub(crate) fn clean(&self) -> Result<()> {
        let pods: Vec<&Pod> = self.sandboxes.values().map(|sandbox| &sandbox.pod).collect();
        self.world.age()?;
        let mut calls = 0;
        loop {
            self.node().run(PLUGIN, Verb::Del, &self.stranger, &self.node().conf())?.ok()?;
            self.node().idle()?;
            self.world.mirror_sysfs(&pods)?;
            calls += 1;
            match self.world.clean(&pods) {
                // Each tells the server of a few DELs that it could not hear.
                Err(_) if calls < MOST_CHORES => {}
                ended => return ended,
            }
        }
    }
}

fn name(number: usize) -> String {
    format!("web-{}", pod_of(number))
}

impl Index<usize> for Field {
    type Output = Sandbox;

    /// The sandbox of this number, which has been asked for.
    fn index(&self, number: usize) -> &Sandbox {
        &self.sandboxes[&number]
    }
}

impl IndexMut<usize> for Field {
    #[expect(clippy::expect_used, reason = "as for every index")]
    fn index_mut(&mut self, number: usize) -> &mut Sandbox {
        self.sandboxes.get_mut(&number).expect("the sandbox has been asked for")
    }
}
