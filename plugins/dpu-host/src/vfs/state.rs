//! What a VF is to the node.

use cni::Error;
use linux::Link;
use serde::Serialize;

use crate::record::attachment::{Held, Record, Stage};
use crate::vf::naming::is_misnamed;
use crate::vf::traces;

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
    /// In a sandbox that is still there, though its pod is gone.
    Orphaned,
    /// Another card's, or not known to be of the DPU.
    Foreign,
}

impl State {
    /// All of them.
    pub(super) const ALL: [State; 7] = [
        State::Free,
        State::Used,
        State::Lost,
        State::Leaked,
        State::Waiting,
        State::Orphaned,
        State::Foreign,
    ];
}

/// Everything that was seen of a VF.
pub(super) struct Seen<'a> {
    /// Who holds it.
    pub(super) attachment: Option<(&'a Record, &'a Held)>,
    /// Why the record that claims it cannot be read.
    pub(super) unreadable: Option<Error>,
    /// Whether nobody knows its pod any more.
    pub(super) orphaned: bool,
    pub(super) place: Place,
    pub(super) link: Option<&'a Link>,
    /// Whether its PF is one of those whose VFs pods have, where that is known.
    pub(super) listed: Option<bool>,
    /// Whether a pod has been given it.
    pub(super) owned: bool,
    /// Whether another function is at its address than the one that its pod got.
    pub(super) recreated: bool,
}

impl Seen<'_> {
    /// What the VF is, and what is wrong with it.
    pub(super) fn judge(&self) -> (State, Option<String>) {
        let (state, note) = match (self.attachment, &self.unreadable) {
            (Some((record, held)), _) => self.recorded(record, held),
            // Away, or not to be seen, and nobody knows whose: not nobody's.
            (None, Some(error)) if self.place != Place::Host => {
                return (State::Used, Some(error.to_string()));
            }
            (None, _) => return self.unrecorded(),
        };
        (state, note.map(str::to_owned))
    }

    /// Without a record only its PF tells that it is ours.
    fn unrecorded(&self) -> (State, Option<String>) {
        let misnamed = self.link.is_some_and(|link| is_misnamed(&link.name));
        match (self.listed, self.place) {
            (Some(true), Place::Unknown) if self.owned => {
                (State::Used, Some("another plugin attached it".into()))
            }
            (Some(true), Place::Unknown) => {
                (State::Leaked, Some("it is not on the host, and no record says where".into()))
            }
            (Some(true), _) => self.marked().map_or((State::Free, None), |mark| (State::Leaked, Some(mark))),
            (None, Place::Host | Place::Vfio) if !misnamed => (State::Free, self.marked()),
            _ => (State::Foreign, None),
        }
    }

    /// What a pod has left on a VF at home.
    fn marked(&self) -> Option<String> {
        let link = self.link?;
        if is_misnamed(&link.name) {
            return Some(format!("{} is no name of the host's", link.name));
        }
        (!link.xdp.is_empty()).then(|| format!("{}: {}", traces::PROGRAM, traces::HELD))
    }

    fn recorded(&self, record: &Record, held: &Held) -> (State, Option<&'static str>) {
        if record.stage == Stage::Released {
            let (state, note) = self.released(record, held);
            return (state, Some(note));
        }
        if !record.namespace_lives() {
            return (State::Leaked, Some("its pod is gone"));
        }
        if self.orphaned {
            return (
                State::Orphaned,
                Some("its pod is gone, and its sandbox is left: dpu-host vfs --release"),
            );
        }
        match (record.stage, held.inside, self.link) {
            (Stage::Attached, Some(inside), Some(link)) if self.place == Place::Pod => {
                let found = [
                    (link.mac != inside.mac, "its MAC is not the one it was given"),
                    (link.mtu != inside.mtu, "its MTU is not the one it was given"),
                    (!link.up, "it is down"),
                    (!link.carrier, "it has no carrier: the card has not connected it"),
                ];
                let found = found.into_iter().find_map(|(differs, what)| differs.then_some(what));
                (State::Used, found.or_else(|| traces::of(link)))
            }
            (Stage::Attached, Some(_), _) if held.plumbing.is_none() => {
                (State::Lost, Some("it is not in its pod, and an older dpu-host attached it: delete that"))
            }
            (Stage::Attached, Some(_), Some(_)) => {
                (State::Lost, Some("it is back on the host, and not in its pod: dpu-host vfs --restore"))
            }
            (Stage::Attached, Some(_), None) => {
                (State::Lost, Some("it is not in its pod, which gets it once the card has brought it back"))
            }
            (Stage::Attached, None, _) if held.home.is_none() && self.recreated => {
                (State::Lost, Some("it was re-created, and its virtual machine has lost it: delete that pod"))
            }
            _ => (State::Used, None),
        }
    }

    /// What a VF is whose pod is done with it, and what its record waits for.
    fn released(&self, record: &Record, held: &Held) -> (State, &'static str) {
        if matches!(self.place, Place::Pod | Place::Unknown) {
            return (State::Leaked, "its pod is gone, and it has not come home");
        }
        let was_and_is = held.home.as_ref().zip(self.link);
        let misnamed = was_and_is.is_some_and(|(home, link)| link.name != home.name);
        let lacks_name = was_and_is
            .is_some_and(|(home, link)| home.altnames.iter().any(|name| !link.altnames.contains(name)));
        let why = if misnamed {
            "it waits for its name"
        } else if lacks_name {
            "it waits for another of its names"
        } else if record.server_may_act() {
            "ovnkube-node, which did not answer its ADD, may still move it"
        } else if record.devices.len() > 1 {
            "it is at home, and waits for its pod's other VF"
        } else {
            "it is at home, and free from the next call of dpu-host on"
        };
        (State::Waiting, why)
    }
}
