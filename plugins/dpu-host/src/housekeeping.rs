//! What a call does for others once its own answer is out: a few records whose pod is gone, a few DELs that the
//! server has yet to hear. Under Multus a GC seldom comes, so every ADD and DEL does its share.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cni::{Attachment, Error};
use nix::fcntl::{Flock, FlockArg};
use ovnkube::Failure;
use serde::{Deserialize, Serialize};

use crate::node::Node;
use crate::pod::witness::Witnesses;
use crate::record::store::{self, Store, running};
use crate::server::refusals;
use crate::server::{self, Forward};
use crate::time::BootTime;
use crate::verbs::gc;

/// How many records are looked at, and how many DELs are told, by one call.
const SHARE: usize = 8;
/// The runtime waits for us to end.
const BUDGET: Duration = Duration::from_secs(2);
/// A DEL that the server has not heard for a day is about a pod that it has long forgotten.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// One that it has refused for an hour it will always refuse.
const KEPT_REFUSED: Duration = Duration::from_secs(60 * 60);
/// How many DELs are kept: a server that is down for long does not fill the disk.
const MOST_UNTOLD: usize = 1024;

/// A DEL that the server has yet to hear of.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Untold {
    /// What was detached.
    pub(crate) attachment: Attachment,
    /// What the server knows it as.
    pub(crate) forward: Forward,
    /// Its `CNI_NETNS`.
    pub(crate) netns: String,
    /// Since when it waits. Versions that went by the wall's clock called it otherwise: those wait since the node booted.
    #[serde(default)]
    waits_since: BootTime,
}

impl Untold {
    /// A DEL of now.
    pub(crate) fn new(attachment: Attachment, forward: Forward, netns: String) -> Self {
        Untold { attachment, forward, netns, waits_since: BootTime::now() }
    }

    /// Keeps it for a later call.
    ///
    /// # Errors
    /// 109 when the disk refuses.
    pub(crate) fn keep(&self, store: &Store) -> Result<(), Error> {
        if store.one_more_untold() >= MOST_UNTOLD {
            log::warn!(
                "{MOST_UNTOLD} DELs wait for ovnkube-node already: that of {} is not kept",
                self.attachment
            );
            return Ok(());
        }
        store::write(&untold_path(store, &self.attachment), self)
    }

    /// Forgets the DEL of an attachment that begins anew under the same name, as cnitool's do: the server would hear it
    /// after the ADD, and disconnect a living pod.
    ///
    /// # Errors
    /// 109 when the disk refuses.
    pub(crate) fn forget(store: &Store, attachment: &Attachment) -> Result<(), Error> {
        store::remove(&untold_path(store, attachment))
    }
}

fn untold_path(store: &Store, attachment: &Attachment) -> PathBuf {
    store.untold().join(store::key(attachment))
}

/// Does this call's share.
pub(crate) fn run(node: &Node) {
    let Ok(store) = node.store() else { return };
    let deadline = Instant::now() + BUDGET;
    let witnesses = Witnesses::new(node, deadline);
    for file in share(store.files()) {
        let Some(record) = store.read_or_warn(&file) else { continue };
        // Nothing is waited for: what cannot be done at once, another call does.
        if (record.seems_forsaken() || witnesses.miss(store, &record))
            && let Err(error) = gc::reclaim(node, &record, &file, Instant::now())
        {
            log::info!("{}: {error}", record.attachment);
        }
    }
    store.sweep();
    for file in share(store::listing(&store.running())) {
        if let Err(error) = running::sweep(&file) {
            log::warn!("removing {}: {error}", file.display());
        }
    }
    for file in share(store::listing(&store.untold())) {
        if Instant::now() >= deadline || !tell(node, &file, deadline) {
            break;
        }
    }
}

/// Tells one DEL; whether the server can be told another.
fn tell(node: &Node, file: &Path, deadline: Instant) -> bool {
    // One teller at a time; another call's is as good as ours.
    let Some(locked) =
        store::open(file).ok().and_then(|file| Flock::lock(file, FlockArg::LockExclusiveNonblock).ok())
    else {
        return true;
    };
    let untold: Option<Untold> = store::text(&locked).ok().and_then(|text| serde_json::from_str(&text).ok());
    let (waited, failure) = match untold {
        None => (KEPT, None),
        Some(untold) => {
            let answer = server::del(node, &untold.forward, &untold.attachment, &untold.netns, deadline);
            (untold.waits_since.elapsed(), answer.err().filter(refusals::tell_again))
        }
    };
    let refused = matches!(failure, Some(Failure::Refused(_) | Failure::Cni { .. }));
    let over = waited >= if refused { KEPT_REFUSED } else { KEPT };
    if (over || failure.is_none())
        && let Err(error) = store::remove(file)
    {
        log::warn!("{error}");
    }
    failure.is_none() || refused
}

/// A few of the files, others for each process: a node has many records and a call little time.
fn share<T>(mut files: Vec<T>) -> Vec<T> {
    if files.len() > SHARE {
        let start = std::process::id() as usize % files.len();
        files.rotate_left(start);
        files.truncate(SHARE);
    }
    files
}
