//! What the node's parts share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use kubelet::wire::ContainerResources;
use ovnkube::{Metrics, PodInterface};

use super::behaviour::Behaviour;
use super::pods::{self, PodObject};
use super::received::Received;
use super::sysfs::Sysfs;
use super::topology::Topology;
use super::vf::{Naming, Vf};

/// How many interfaces have addresses of their own, in the /23 of the node: then the first are long free.
const MOST_INTERFACES: u16 = 500;

/// Namespace and name of a pod.
pub(super) type PodKey = (String, String);

/// Tells the UID of a pod by its namespace and name, `None` where there is no such pod.
pub(super) type Lookup = dyn Fn(&str, &str) -> anyhow::Result<Option<String>> + Send + Sync;

/// The node: what is fixed, and what changes under a lock.
pub(super) struct Shared {
    pub(super) topology: Topology,
    pub(super) sysfs: Sysfs,
    pub(super) naming: Naming,
    pub(super) vfs: Vec<Vf>,
    state: Mutex<State>,
    changed: Condvar,
    /// A real API server, if there is one.
    api: OnceLock<Box<Lookup>>,
}

/// What changes.
pub(super) struct State {
    pub(super) behaviour: Behaviour,
    pub(super) pods: BTreeMap<PodKey, PodObject>,
    /// Pods that existed, with their UIDs: nobody invents them again, but others of their names.
    deleted: BTreeSet<(PodKey, String)>,
    /// How many interfaces have been given addresses.
    interfaces: u16,
    pub(super) received: Vec<Received>,
    pub(super) metrics: Vec<Metrics>,
    /// The pods that the kubelet lists, with the devices of their containers.
    pub(super) listed: BTreeMap<PodKey, Vec<ContainerResources>>,
    /// Numbers of VFs that the card is to disconnect.
    pub(super) let_go: Vec<String>,
    /// How often the card has gone down.
    pub(super) resets: u32,
    /// Requests being worked on.
    pub(super) busy: usize,
    /// The server's run, counted: whoever works for an earlier one has been killed.
    pub(super) run: u64,
    /// The node is being taken down.
    pub(super) closing: bool,
}

/// What a look at the state brings.
pub(super) enum Look<T> {
    Done(T),
    /// Nothing yet: look again after a change, or after this time at the latest.
    Again(Duration),
}

impl Shared {
    pub(super) fn new(
        topology: Topology,
        sysfs: Sysfs,
        naming: Naming,
        vfs: Vec<Vf>,
        behaviour: Behaviour,
    ) -> Self {
        let state = State {
            behaviour,
            pods: BTreeMap::new(),
            deleted: BTreeSet::new(),
            interfaces: 0,
            received: Vec::new(),
            metrics: Vec::new(),
            listed: BTreeMap::new(),
            let_go: Vec::new(),
            resets: 0,
            busy: 0,
            run: 0,
            closing: false,
        };
        let (state, changed, api) = (Mutex::new(state), Condvar::new(), OnceLock::new());
        Shared { topology, sysfs, naming, vfs, state, changed, api }
    }

    /// From now on pods are those of a real API server; of two the first one counts.
    pub(super) fn look_up_pods(&self, lookup: Box<Lookup>) {
        let _ = self.api.set(lookup);
    }

    /// Learns what a real API server has under this name now: no pod, the one that is known, or another one in its
    /// place. While it does not answer, what is known counts, as it does in an informer.
    pub(super) fn refresh(&self, key: &PodKey) {
        let Some(Ok(uid)) = self.api.get().map(|lookup| lookup(&key.0, &key.1)) else { return };
        self.change(|state| match uid {
            None => state.delete(key),
            Some(uid) if state.pods.get(key).is_none_or(|pod| pod.uid != uid) => {
                state.register(key.clone(), &uid);
            }
            Some(_) => {}
        });
    }

    /// The state, to look at or to change.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A panic in one thread is that test's failure; the others are to end in order.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes all who wait for a change.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.notify_all();
        result
    }

    /// Waits until `ready` finds something, at most until `deadline`.
    pub(super) fn wait<T>(
        &self,
        deadline: Instant,
        mut ready: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        self.look(|state| match (ready(state), deadline.saturating_duration_since(Instant::now())) {
            (None, left) if !left.is_zero() => Look::Again(left),
            (result, _) => Look::Done(result),
        })
    }

    /// Looks at the state, and again after every change or as often as `look` asks for.
    pub(super) fn look<T>(&self, mut look: impl FnMut(&mut State) -> Look<T>) -> T {
        let mut state = self.state();
        loop {
            match look(&mut state) {
                Look::Done(result) => return result,
                Look::Again(within) => {
                    state =
                        self.changed.wait_timeout(state, within).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// The runtime's path of a sandbox, as a path of ours. `/var/run` is a link that may lead to our own `/run`.
    pub(super) fn sandbox(&self, netns: &str) -> PathBuf {
        let path = Path::new(netns);
        let path = path
            .strip_prefix("/var/run")
            .map_or_else(|_| path.to_owned(), |rest| Path::new("/run").join(rest));
        self.state().behaviour.runtime_root.join(path.strip_prefix("/").unwrap_or(&path))
    }

    /// The VF that the device plugin calls `device`.
    pub(super) fn vf(&self, device: &str) -> Option<&Vf> {
        self.vfs.iter().find(|vf| vf.device == device)
    }
}

impl State {
    /// The pod, invented where that is allowed. An invented one has the UID that it is first asked for with, and gives
    /// way to one of its name with another UID: nobody tells when it is deleted.
    pub(super) fn pod(&mut self, key: &PodKey, uid: Option<&str>) -> Option<&mut PodObject> {
        let uid_or_none = uid.unwrap_or_default();
        let existed =
            || self.deleted.iter().any(|(name, old)| name == key && (old == uid_or_none || uid.is_none()));
        let is_it =
            |pod: &PodObject| !pod.invented || pod.uid.is_empty() || uid.is_none_or(|uid| uid == pod.uid);
        if !self.pods.get(key).is_some_and(is_it) && self.behaviour.invents_pods && !existed() {
            // It may be invented for the server after the kubelet has given it devices.
            let devices = self.listed.get(key).cloned().unwrap_or_default();
            self.register(key.clone(), uid_or_none);
            self.listed.insert(key.clone(), devices);
            self.pods.entry(key.clone()).and_modify(|pod| pod.invented = true);
        }
        let pod = self.pods.get_mut(key)?;
        if let (true, Some(uid)) = (pod.uid.is_empty(), uid) {
            pod.uid = uid.into();
        }
        Some(pod)
    }

    /// A new pod with the next addresses, which the kubelet lists; one of the same name is replaced.
    pub(super) fn register(&mut self, key: PodKey, uid: &str) {
        let pod = PodObject::new(uid, self.next(), self.behaviour.families);
        self.delete(&key);
        self.listed.insert(key.clone(), Vec::new());
        self.pods.insert(key, pod);
    }

    /// Removes a pod from the API server, and with it from what the kubelet lists.
    pub(super) fn delete(&mut self, key: &PodKey) {
        self.listed.remove(key);
        if let Some(pod) = self.pods.remove(key) {
            self.deleted.insert((key.clone(), pod.uid));
        }
    }

    /// One more interface on the cluster's network.
    pub(super) fn another_interface(&mut self) -> PodInterface {
        pods::primary(self.next(), self.behaviour.families)
    }

    /// One more interface on the user-defined network.
    pub(super) fn udn_interface(&mut self) -> PodInterface {
        pods::user_defined(self.next())
    }

    /// Interfaces of one secondary network, by their names.
    pub(super) fn repeated_interfaces(&mut self, nad: &str, names: &[&str]) -> Vec<PodInterface> {
        (0..names.len()).map(|place| pods::repeated(self.next(), nad, names, place)).collect()
    }

    fn next(&mut self) -> u16 {
        let number = self.interfaces;
        self.interfaces = (number + 1) % MOST_INTERFACES;
        number
    }
}
