//! What is known of each VF, and what is wrong with it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cni::Error;
use linux::{Link, Mac};
use serde::Serialize;

use super::state::{Place, Seen, State};
use crate::device::{DeviceId, dra};
use crate::node::{Node, Sandbox};
use crate::pod::witness::Witnesses;
use crate::record::attachment::{Held, Record, Restored};
use crate::record::store::Store;
use crate::vf;
use crate::vf::vfio;

/// The kubelet is asked once for all of them.
const BUDGET: Duration = Duration::from_secs(2);

/// One VF.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) device: String,
    pub(super) pf: Option<String>,
    pub(super) name: Option<String>,
    pub(super) mac: Option<Mac>,
    pub(super) place: Place,
    pub(super) state: State,
    pub(super) pod: Option<String>,
    pub(super) container: Option<String>,
    pub(super) netns: Option<String>,
    /// Seconds since 1970.
    pub(super) since: Option<u64>,
    /// How often the pod has been given it back, and when last.
    pub(super) restored: Option<Restored>,
    pub(super) as_recorded: bool,
    /// What is wrong, if anything is.
    pub(super) note: Option<String>,
}

/// Every VF that sysfs or a record knows, by device. Each of `nodes` has other records.
pub(super) fn of(nodes: &[Node]) -> Result<Vec<Row>, Error> {
    let Some(first) = nodes.first() else { return Ok(Vec::new()) };
    let in_sysfs = first.sysfs.vfs().unwrap_or_default().into_iter().map(DeviceId::Pci);
    let mut ids: BTreeSet<DeviceId> = in_sysfs.collect();
    for node in nodes {
        if let Some(store) = node.existing_store()? {
            let records = store.files().into_iter().filter_map(|file| store.read_or_warn(&file));
            ids.extend(records.flat_map(|record| record.devices).map(|held| held.id));
        }
    }
    let witnesses = Witnesses::new(first, Instant::now() + BUDGET);
    ids.into_iter().map(|id| row(recording(nodes, &id)?, &witnesses, id)).collect()
}

/// The one whose records hold the device, else any.
fn recording<'a>(nodes: &'a [Node], id: &DeviceId) -> Result<&'a Node, Error> {
    for node in nodes {
        let holds = |store: &Store| store.holder(id).is_some() || store.unreadable(id).is_some();
        if node.existing_store()?.is_some_and(holds) {
            return Ok(node);
        }
    }
    Ok(&nodes[0])
}

fn row(node: &Node, witnesses: &Witnesses<'_>, id: DeviceId) -> Result<Row, Error> {
    let store = node.existing_store()?;
    let record = store.and_then(|store| store.holder(&id));
    let held = record.as_ref().and_then(|record| record.devices.iter().find(|held| held.id == id));
    let inside = match (&record, held) {
        (Some(record), Some(held)) => seen_in_pod(record, held),
        _ => None,
    };
    let vfio = vfio::is_vfio(node, &id);
    let recreated = held.is_some_and(|held| held.is_recreated(&node.sysfs));
    let link = match inside.clone() {
        Some(link) => Some(link),
        None => match held {
            // Another function may be at its address.
            Some(held) => match vf::at_home(node, held)? {
                None if recreated => vf::on_host(node, &id)?,
                found => found,
            },
            None => vf::on_host(node, &id)?,
        },
    };
    let place = match (&inside, &link) {
        (Some(_), _) => Place::Pod,
        (None, Some(_)) => Place::Host,
        (None, None) if vfio => Place::Vfio,
        (None, None) => Place::Unknown,
    };
    let device = id.to_string();
    let pf = match &id {
        DeviceId::Pci(address) => node.sysfs.pf(address),
        DeviceId::Sf(_) | DeviceId::Netdev(_) => None,
    };
    let mut pod = record.as_ref().map(|record| record.pod.to_string());
    if pod.is_none() && place == Place::Unknown {
        pod = owner(node, witnesses, &id);
    }
    let seen = Seen {
        attachment: record.as_ref().zip(held),
        unreadable: store.filter(|_| record.is_none()).and_then(|store| store.unreadable(&id)),
        orphaned: store.zip(record.as_ref()).is_some_and(|(store, record)| witnesses.miss(store, record)),
        place,
        link: link.as_ref(),
        listed: match (&pf, node.config.pfs.is_empty()) {
            (Some(pf), false) => Some(node.lists(pf)),
            _ => None,
        },
        owned: pod.is_some(),
        recreated,
    };
    let (state, mut note) = seen.judge();
    if let (None, Some(kept)) = (&note, store.and_then(|store| store.aside(&id))) {
        note = Some(format!("a record of it that cannot be read is kept as {}", kept.display()));
    }
    Ok(Row {
        pf: pf.map(|pf| pf.to_string()),
        device,
        name: link.as_ref().map(|link| link.name.clone()),
        mac: link.as_ref().and_then(|link| link.mac),
        place,
        state,
        pod,
        container: record.as_ref().map(|record| record.attachment.container.clone()),
        netns: record.as_ref().map(|record| record.netns.to_string_lossy().into_owned()),
        since: record.as_ref().map(|record| record.since),
        restored: held.and_then(|held| held.restored).filter(|restored| restored.count > 0),
        as_recorded: note.is_none(),
        note,
    })
}

fn seen_in_pod(record: &Record, held: &Held) -> Option<Link> {
    let sandbox = record.namespace_lives().then(|| Sandbox::open(&record.netns).ok()).flatten()?;
    vf::in_pod(&sandbox, held).ok().flatten()
}

/// The pod to which the kubelet has given a device, by whatever plugin it is attached.
fn owner(node: &Node, witnesses: &Witnesses<'_>, id: &DeviceId) -> Option<String> {
    let (namespace, name) = dra::owners(node, witnesses.listing()?, id).next()?;
    Some(format!("{namespace}/{name}"))
}
