//! Who can tell whether a pod still lives whose sandbox nobody has taken away: the kubelet, which lists its pods and
//! keeps a directory of each, and the kernel, which knows in which namespaces processes run.
//!
//! One alone proves nothing. A kubelet that has just been started lists only what it has read from its own disk until the
//! API server answers, but it removes no pod's directory before (`pkg/kubelet/kubelet.go`: housekeeping waits for
//! `sourcesReady.AllReady`); and a pod whose containers crash has no process for minutes where the runtime runs no
//! pause container.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

use cni::paths;
use kubelet::{Failure, Listing, Socket};
use linux::{Netns, NetnsId};

use crate::node::Node;
use crate::record::attachment::Record;
use crate::record::store::Store;

/// The kubelet answers from memory. Whoever asks has something else to do, too.
const KUBELET_BUDGET: Duration = Duration::from_secs(1);
/// Where the kubelet keeps a directory of each pod, by UID, until the pod has ended and everything is torn down.
const POD_DIRS: &str = "/var/lib/kubelet/pods";

/// Asks the kubelet for its pods, for a second at most.
///
/// # Errors
/// When it does not answer, or not wholly.
pub(crate) fn listing(node: &Node, deadline: Instant) -> Result<Listing, Failure> {
    let socket = Socket { path: &node.config.pod_resources, open: paths::open_socket };
    kubelet::listing(socket, deadline.min(Instant::now() + KUBELET_BUDGET))
}

/// What the witnesses say, each asked once, when first needed.
pub(crate) struct Witnesses<'a> {
    node: &'a Node,
    deadline: Instant,
    listing: OnceCell<Result<Listing, Failure>>,
    inhabited: OnceCell<io::Result<BTreeSet<Number>>>,
}

impl<'a> Witnesses<'a> {
    /// Nobody is asked yet, nor for longer than until `deadline`.
    pub(crate) fn new(node: &'a Node, deadline: Instant) -> Self {
        Witnesses { node, deadline, listing: OnceCell::new(), inhabited: OnceCell::new() }
    }

    /// Whether the record's pod has ended, its namespace left behind: all witnesses are heard, and none has seen it.
    /// Nor is an ADD of it, whose record `store` keeps, still running.
    pub(crate) fn miss(&self, store: &Store, record: &Record) -> bool {
        // Who does not see the kubelet does not see the pods' processes either.
        let sees = || self.listing().is_some_and(|listing| listing.pid().is_some());
        // The cheapest first, which vouches for every pod of a node in order.
        !has_directory(record)
            && !store.is_running(&record.attachment)
            && self.is_inhabited(&record.netns_id) == Some(false)
            && self.lists(record) == Some(false)
            && sees()
    }

    /// Whether the kubelet has a pod of this name; `None` when it cannot be asked, or the attachment is no pod's.
    pub(crate) fn lists(&self, record: &Record) -> Option<bool> {
        let (namespace, name) = (record.pod.namespace.as_deref()?, record.pod.name.as_deref()?);
        Some(self.listing()?.named(namespace, name).next().is_some())
    }

    /// Whether processes run in the namespace; `None` when that cannot be seen.
    pub(crate) fn is_inhabited(&self, netns: &NetnsId) -> Option<bool> {
        match self.inhabited.get_or_init(inhabited) {
            Ok(namespaces) => Some(namespaces.contains(&number(netns))),
            Err(error) => {
                log::warn!("whose processes run where cannot be seen: {error}");
                None
            }
        }
    }

    /// All pods of the node, where the kubelet can be asked.
    pub(crate) fn listing(&self) -> Option<&Listing> {
        self.asked().ok()
    }

    /// The same, or why it cannot.
    pub(crate) fn asked(&self) -> Result<&Listing, &Failure> {
        let ask = || listing(self.node, self.deadline).inspect_err(|failure| log::info!("{failure}"));
        self.listing.get_or_init(ask).as_ref()
    }
}

/// Whether the kubelet has not yet torn down the record's pod.
fn has_directory(record: &Record) -> bool {
    let name = record.pod.uid.as_deref().filter(|uid| !uid.is_empty() && !uid.contains(['/', '.']));
    name.is_some_and(|uid| paths::rooted(Path::new(POD_DIRS)).join(uid).exists())
}

/// A namespace as it is seen from outside, where no cookie is told: device and inode. One that has the number of another,
/// which is gone, vouches for it; nothing is taken for that.
type Number = (u64, u64);

fn number(id: &NetnsId) -> Number {
    (id.dev, id.inode)
}

/// The network namespaces of all processes but the first, which is in no pod and may be nobody's to look at (ptrace(2)).
/// Where not even that one is there, those are hidden that are nobody's to look at (`hidepid`, proc(5)).
fn inhabited() -> io::Result<BTreeSet<Number>> {
    let mut namespaces = BTreeSet::new();
    let mut sees_first = false;
    for process in fs::read_dir("/proc")? {
        let process = process?;
        let name = process.file_name();
        sees_first |= name == "1";
        if name == "1" || !name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        match Netns::id_at(&process.path().join("ns/net")) {
            Ok(id) => namespaces.insert(number(&id)),
            // It has ended, and nobody has waited for it.
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            // Or just now: then the kernel says the same as of one that nobody may look at.
            Err(_) if !process.path().exists() => false,
            Err(error) => return Err(error),
        };
    }
    if sees_first { Ok(namespaces) } else { Err(io::Error::other("/proc hides some (hidepid)")) }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    /// Of a process that ends between the look at its directory and that at its namespace the kernel says what it says of
    /// one that may not be seen (`fs/proc/namespaces.c: proc_ns_get_link`).
    #[test]
    fn who_ends_meanwhile_hides_nobody() {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        Command::new("true").status().expect("a process");
                    }
                });
            }
            let seen: Vec<_> = (0..1000).map(|_| inhabited()).collect();
            over.store(true, Ordering::Relaxed);
            let failed: Vec<_> = seen.iter().filter_map(|seen| seen.as_ref().err()).collect();
            assert!(failed.is_empty(), "{} of 1000: {}", failed.len(), failed[0]);
        });
    }
}
