//! What is known of each VF, and what is wrong with it.

use std::collections::BTreeSet;

use cni::Error;
use linux::{Link, Mac};
use serde::Serialize;

use crate::attachment::{Held, Record, Stage};
use crate::device::DeviceId;
use crate::drift::is_drifted;
use crate::node::{Node, Sandbox};
use crate::store::now;
use crate::vf;
use crate::vfio;

/// What a VF is to the node.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// At home, nobody's.
    Free,
    /// A living pod's.
    Used,
    /// A living pod's, and not in it: the card was reset, or somebody took it.
    Lost,
    /// Neither at home nor a living pod's, or at home with the marks of a pod on it.
    Leaked,
    /// At home, its record kept: another link has its name, or the server may still move it.
    Waiting,
}

/// Where a VF was found.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    /// On the host.
    Host,
    /// In the pod of its record.
    Pod,
    /// With a virtual machine's driver, which looks the same wherever it is.
    Vfio,
    /// Nowhere that anybody knows of.
    Unknown,
}

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
    pub(super) as_recorded: bool,
    /// What is wrong, if anything is.
    pub(super) note: Option<String>,
}

/// Every VF that sysfs or a record knows, by device.
pub(super) fn of(node: &Node) -> Result<Vec<Row>, Error> {
    let in_sysfs = node.sysfs.vfs().unwrap_or_default().into_iter().map(DeviceId::Pci);
    let mut ids: BTreeSet<DeviceId> = in_sysfs.collect();
    if let Some(store) = node.existing_store()? {
        let records = store.files().into_iter().filter_map(|file| store.read_or_warn(&file));
        ids.extend(records.flat_map(|record| record.devices).map(|held| held.id));
    }
    ids.into_iter().map(|id| row(node, id)).collect()
}

fn row(node: &Node, id: DeviceId) -> Result<Row, Error> {
    let store = node.existing_store()?;
    let record = store.and_then(|store| store.holder(&id));
    let held = record.as_ref().and_then(|record| record.devices.iter().find(|held| held.id == id));
    let inside = match (&record, held) {
        (Some(record), Some(held)) => seen_in_pod(record, held),
        _ => None,
    };
    let vfio = vfio::is_vfio(node, &id);
    let link = match inside.clone() {
        Some(link) => Some(link),
        None => match held {
            Some(held) => vf::at_home(node, held)?,
            None => vf::on_host(node, &id)?,
        },
    };
    let place = match (&inside, &link) {
        (Some(_), _) => Place::Pod,
        (None, Some(_)) => Place::Host,
        (None, None) if vfio => Place::Vfio,
        (None, None) => Place::Unknown,
    };
    let unreadable = store.filter(|_| record.is_none()).and_then(|store| store.unreadable(&id));
    let (state, note) = match unreadable {
        // Away, or not to be seen, and nobody knows whose: not nobody's.
        Some(error) if place != Place::Host => (State::Used, Some(error.to_string())),
        _ => judge(record.as_ref(), held, place, link.as_ref()),
    };
    Ok(Row {
        pf: match &id {
            DeviceId::Pci(address) => node.sysfs.pf(address).map(|pf| pf.to_string()),
            DeviceId::Sf(_) | DeviceId::Netdev(_) => None,
        },
        device: id.to_string(),
        name: link.as_ref().map(|link| link.name.clone()),
        mac: link.as_ref().and_then(|link| link.mac),
        place,
        state,
        pod: record.as_ref().map(|record| record.pod.to_string()),
        container: record.as_ref().map(|record| record.attachment.container.clone()),
        netns: record.as_ref().map(|record| record.netns.to_string_lossy().into_owned()),
        since: record.as_ref().map(|record| record.since),
        as_recorded: note.is_none(),
        note,
    })
}

fn seen_in_pod(record: &Record, held: &Held) -> Option<Link> {
    let sandbox = record.namespace_lives().then(|| Sandbox::open(&record.netns).ok()).flatten()?;
    vf::in_pod(&sandbox, held).ok().flatten()
}

/// What a VF is whose pod is done with it, and what its record waits for.
fn released(record: &Record, held: &Held, place: Place, link: Option<&Link>) -> (State, &'static str) {
    let misnamed = held.home.as_ref().zip(link).is_some_and(|(home, link)| link.name != home.name);
    match place {
        Place::Pod | Place::Unknown => (State::Leaked, "its pod is gone, and it has not come home"),
        Place::Host | Place::Vfio if misnamed => (State::Waiting, "it waits for its name"),
        Place::Host | Place::Vfio if record.server_busy_until > now() => {
            (State::Waiting, "ovnkube-node, which did not answer its ADD, may still move it")
        }
        Place::Host | Place::Vfio => {
            (State::Waiting, "it waits for another of its names, or for its pod's other VF")
        }
    }
}

/// What a VF is, and what is wrong with it.
fn judge(
    record: Option<&Record>,
    held: Option<&Held>,
    place: Place,
    link: Option<&Link>,
) -> (State, Option<String>) {
    let (Some(record), Some(held)) = (record, held) else {
        return match (place, link) {
            (Place::Unknown, _) => {
                (State::Leaked, Some("it is not on the host, and no record says where".into()))
            }
            (_, Some(link)) if is_drifted(&link.name) => {
                (State::Leaked, Some(format!("{} is no name of the host's", link.name)))
            }
            _ => (State::Free, None),
        };
    };
    if record.stage == Stage::Released {
        let (state, note) = released(record, held, place, link);
        return (state, Some(note.into()));
    }
    if !record.namespace_lives() {
        return (State::Leaked, Some("its pod is gone".into()));
    }
    match (record.stage, held.inside, link) {
        (Stage::Attached, Some(inside), Some(link)) if place == Place::Pod => {
            let found = [
                (link.mac != inside.mac, "its MAC is not the one it was given"),
                (link.mtu != inside.mtu, "its MTU is not the one it was given"),
                (!link.up, "it is down"),
                (!link.carrier, "it has no carrier: the card has not connected it"),
            ];
            let note = found.into_iter().find_map(|(differs, what)| differs.then_some(what));
            (State::Used, note.map(str::to_owned))
        }
        (Stage::Attached, Some(_), _) => (State::Lost, Some("it is not in its pod: delete that".into())),
        _ => (State::Used, None),
    }
}
