//! What a call does for others once its own answer is out: a few records whose pod is gone or has lost its VF, a few DELs
//! that the server has yet to hear. Under Multus a GC seldom comes, so every ADD and DEL does its share.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use ovnkube::Failure;

use crate::device::DeviceId;
use crate::node::Node;
use crate::pod::defaults;
use crate::pod::witness::Witnesses;
use crate::record::attachment::Record;
use crate::record::pending_del::PendingDel;
use crate::record::release;
use crate::record::restore::{self, Advice, Outcome};
use crate::record::store::{self, running};
use crate::server;
use crate::server::refusals;

/// How many records are looked at, and how many DELs are told, by one call.
const SHARE: usize = 8;
/// The runtime waits for us to end.
const BUDGET: Duration = Duration::from_secs(2);
/// A DEL that the server has not heard for a day is about a pod that it has long forgotten.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// One that it has refused for an hour it will always refuse.
const KEPT_REFUSED: Duration = Duration::from_secs(60 * 60);

/// Does this call's share.
pub(crate) fn run(node: &Node) {
    let Ok(store) = node.store() else { return };
    let deadline = Instant::now() + BUDGET;
    let witnesses = Witnesses::new(node, deadline);
    let advice = Advice::new(node, &witnesses, deadline);
    let (records, pending) = store.tidy();
    for file in share(records) {
        let Some(record) = store.read_or_warn(&file) else { continue };
        // Nothing is waited for: what cannot be done at once, another call does.
        let done = if record.seems_forsaken() || witnesses.miss(store, &record) {
            release::reclaim(node, &record, &file, Instant::now())
        } else if restore::is_due(node, &record) {
            restore::run(&advice, &record, &file, Instant::now()).map(|outcomes| tell_of(&record, &outcomes))
        } else {
            continue;
        };
        if let Err(error) = done {
            log::info!("{}: {error}", record.attachment);
        }
    }
    for file in share(store::listing(&store.running())).into_iter().filter(|file| !store.makes(file)) {
        if let Err(error) = running::sweep(&file) {
            log::warn!("removing {}: {error}", file.display());
        }
    }
    for file in share(store::listing(&store.defaults())) {
        if let Err(error) = defaults::sweep(&file) {
            log::warn!("putting back what {} says: {error}", file.display());
        }
    }
    for file in share(pending) {
        if Instant::now() >= deadline || !tell(node, &file, deadline) {
            break;
        }
    }
}

/// Notes which VFs a pod has back.
fn tell_of(record: &Record, outcomes: &[(DeviceId, Outcome)]) {
    for (id, outcome) in outcomes {
        match outcome {
            Outcome::Restored(remark) => {
                log::info!("pod {} has VF {id} back, which it had lost ({remark})", record.pod);
            }
            outcome => log::debug!("VF {id} of pod {}: {outcome:?}", record.pod),
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
    let pending: Option<PendingDel> =
        store::content(&locked).ok().and_then(|content| serde_json::from_slice(&content).ok());
    let (waited, failure) = match pending {
        None => (KEPT, None),
        Some(pending) => {
            let answer = server::del(node, &pending.forward, &pending.attachment, &pending.netns, deadline);
            (pending.waits_since.elapsed(), answer.err().filter(refusals::tell_again))
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
