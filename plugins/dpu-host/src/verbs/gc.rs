//! GC: reclaims what no attachment of the runtime's holds any more.

use std::time::{Duration, Instant};

use cni::{Error, Gc};

use crate::error;
use crate::node::Node;
use crate::pod::witness::Witnesses;
use crate::record::attachment::Record;
use crate::record::release;
use crate::record::store::Store;
use crate::vf::{naming, vfio};

/// Runtimes allow 30 s for the garbage of all networks.
const BUDGET: Duration = Duration::from_secs(20);

/// Brings home the VFs of this network whose attachments are not listed, if nothing runs there; of those that are listed,
/// or when there is no list, the ones whose pod is gone: Multus lists what it has cached. Then names those that came home
/// without anybody's help.
///
/// # Errors
/// The first thing that could not be reclaimed; the others are.
pub(crate) fn run(node: &Node, call: &Gc) -> Result<(), Error> {
    let deadline = Instant::now() + BUDGET;
    let store = node.store()?;
    let witnesses = Witnesses::new(node, deadline);
    let mut failures = Vec::new();
    for file in store.files() {
        let Some(record) = store.read_or_warn(&file) else { continue };
        if record.attachment.network != call.conf.name() || !is_garbage(store, &witnesses, &record, call) {
            continue;
        }
        log::info!("reclaiming {} of pod {}", record.attachment, record.pod);
        if let Err(error) = release::reclaim(node, &record, &file, deadline) {
            failures.push(error::of_pod(error, &record.pod));
        }
    }
    clear(node, store, &witnesses, call, deadline);
    naming::sweep(node);
    match failures.first() {
        None => Ok(()),
        Some(first) => Err(Error::new(
            first.code(),
            format!("{} attachments could not be reclaimed, first: {}", failures.len(), first.msg()),
        )
        .details(first.detail_text())),
    }
}

fn is_garbage(store: &Store, witnesses: &Witnesses<'_>, record: &Record, call: &Gc) -> bool {
    // Where processes cannot be seen, somebody may be there.
    let lives =
        || store.is_running(&record.attachment) || witnesses.is_inhabited(&record.netns_id) != Some(false);
    match call.keep.lists(&record.attachment.container, &record.attachment.ifname) {
        // What an ADD still makes, or has made just now, is not listed yet.
        Some(false) => record.is_forsaken() || !lives(),
        Some(true) => witnesses.miss(store, record),
        None => !record.namespace_lives() || witnesses.miss(store, record),
    }
}

/// Moves records away that nobody can read and nobody needs: the list, if there is one, does not have them, and nothing
/// runs in their namespace. A VF without a network device is known by its record only, and stays claimed.
fn clear(node: &Node, store: &Store, witnesses: &Witnesses<'_>, call: &Gc, deadline: Instant) {
    for (wreck, attachment) in store.wrecks(call.conf.name()) {
        let is_needed = call.keep.lists(&attachment.container, &attachment.ifname) != Some(false)
            || store.is_running(&attachment)
            || wreck.netns().is_some_and(|netns| witnesses.is_inhabited(&netns) != Some(false))
            || store.claimed_by(&wreck).iter().any(|id| vfio::is_vfio(node, id));
        if !is_needed && let Err(error) = store.set_aside(&wreck, deadline) {
            log::warn!("{error}");
        }
    }
}
