//! The node on which sequences are played, and its pods' sandboxes.

use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use conformance::crash::World;
use conformance::node::{Call, Node, Pod, Verb};
use serde_json::Value;

use crate::script::{PODS, VFS};

const PLUGIN: &str = "dpu-host";

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
    /// One that is never attached: its DEL does a call's chores for others.
    stranger: Pod,
}

/// A sandbox, and what the runtime knows of it.
pub(crate) struct Sandbox {
    pub(crate) pod: Pod,
    /// Whether its namespace has its name yet.
    pub(crate) lives: bool,
    /// Whether the API server knows its pod.
    pub(crate) known: bool,
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
        self.node().behave(|b| b.privileged = privileged);
        let used = std::mem::take(&mut self.sandboxes).into_iter();
        // A second sandbox has its pod's name and is made of the first one.
        let spare = used.filter(|(number, sandbox)| *number < PODS && sandbox.known && sandbox.lives);
        self.spare.extend(spare.map(|(number, sandbox)| (number, sandbox.pod)));
    }

    pub(crate) fn node(&self) -> &Node {
        &self.world.node
    }

    /// Sees to it that there is this sandbox.
    pub(crate) fn need(&mut self, number: usize) -> Result<()> {
        if self.sandboxes.contains_key(&number) {
            return Ok(());
        }
        let mut pod = if number >= PODS {
            self.need(number - PODS)?;
            self.node().another_sandbox(&self[number - PODS].pod)?
        } else if let Some(pod) = self.spare.remove(&number) {
            pod
        } else {
            self.node().pod("web", &format!("web-{number}"))?
        };
        pod.container = format!("{:064x}", CONTAINERS.fetch_add(1, Ordering::Relaxed));
        let known = number < PODS || self[number - PODS].known;
        let sandbox = Sandbox {
            pod,
            lives: true,
            known,
            tampered: false,
            vf: number % VFS,
            result: None,
            attached: false,
        };
        self.sandboxes.insert(number, sandbox);
        Ok(())
    }

    /// Those of this sequence, by number.
    pub(crate) fn sandboxes(&self) -> &BTreeMap<usize, Sandbox> {
        &self.sandboxes
    }

    /// The API server forgets the pod of this sandbox, and with it that of the pod's other one.
    pub(crate) fn forget(&mut self, number: usize) {
        let name = self[number].pod.name.clone();
        self.node().delete_pod(&self[number].pod);
        for sandbox in self.sandboxes.values_mut().filter(|sandbox| sandbox.pod.name == name) {
            sandbox.known = false;
        }
    }

    /// Begins a call for a sandbox.
    pub(crate) fn call(&self, verb: Verb, number: usize) -> Result<Call<'_>> {
        Ok(self.node().call(PLUGIN, verb)?.pod(&self[number].pod))
    }

    /// Begins a call for the network.
    pub(crate) fn gc(&self) -> Result<Call<'_>> {
        self.node().call(PLUGIN, Verb::Gc)
    }

    /// Time goes by, and a few calls come that have nothing to do but chores: then nothing may be left.
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
