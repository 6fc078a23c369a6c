//! Two pods and one VF: the kubelet, which hands out VFs, knows whose it is.
//!
//! It gives a VF to the next pod when the last one's containers have ended, and the runtime then deletes that one's sandbox
//! within seconds. Where it never does, having been killed and forgotten the sandbox, the holder is dead although its
//! namespace lives.

use std::time::{Duration, Instant};

use cni::Pod;
use kubelet::Listing;

use super::{Word, witness};
use crate::device::DeviceId;
use crate::device::dra::{self, Given};
use crate::node::Node;
use crate::record::attachment::Record;

/// How far apart two answers have to be: one alone may be of a moment between two states.
const APART: Duration = Duration::from_secs(2);

/// What the kubelet has said until now.
pub(crate) struct Inquiry<'a> {
    node: &'a Node,
    asker: &'a Pod,
    id: &'a DeviceId,
    last: Option<Answer>,
}

struct Answer {
    /// Whom it is about.
    holder: Record,
    word: Word,
    /// When it came.
    at: Instant,
    /// Whether it is [`Word::Asker`] for the second time.
    confirmed: bool,
}

impl<'a> Inquiry<'a> {
    /// About the VF `id`, which the pod `asker` is to have. Nothing has been asked yet.
    pub(crate) fn new(node: &'a Node, asker: &'a Pod, id: &'a DeviceId) -> Self {
        Inquiry { node, asker, id, last: None }
    }

    /// Asks the kubelet about this holder, unless it has answered just now. No lock is held meanwhile.
    pub(crate) fn go_on(&mut self, holder: &Record, deadline: Instant) {
        let last = self.last.as_ref().filter(|last| last.is_about(holder));
        if last.is_some_and(|last| Instant::now() < last.at + APART) {
            return;
        }
        let told_before = last.is_some_and(|last| last.word == Word::Asker);
        let word = match witness::listing(self.node, deadline) {
            Ok(listing) => word(self.node, &listing, self.asker, &holder.pod, self.id),
            Err(failure) => {
                log::warn!("pod {} waits for VF {}: {failure}", self.asker, self.id);
                Word::Unheard
            }
        };
        let confirmed = told_before && word == Word::Asker;
        self.last = Some(Answer { holder: holder.clone(), word, at: Instant::now(), confirmed });
    }

    /// Whether the kubelet has said twice that the VF is no longer this holder's.
    pub(crate) fn is_over_for(&self, holder: &Record) -> bool {
        self.last.as_ref().is_some_and(|last| last.confirmed && last.is_about(holder))
    }

    /// What it has said last.
    pub(crate) fn word(&self) -> Word {
        self.last.as_ref().map_or(Word::Unheard, |last| last.word)
    }
}

impl Answer {
    fn is_about(&self, holder: &Record) -> bool {
        self.holder.attachment == holder.attachment && self.holder.is_of_same_call(holder)
    }
}

/// What one answer says. The kubelet's pods are told apart by their names only, so a pod that has come again under its
/// name, as a StatefulSet's do, has the VF if no namesake is there.
fn word(node: &Node, listing: &Listing, asker: &Pod, holder: &Pod, device: &DeviceId) -> Word {
    let (Some((namespace, name)), Some(held_by)) = (named(asker), named(holder)) else {
        return Word::Unheard;
    };
    let given = |to: (&str, &str)| {
        let pods = listing.named(to.0, to.1).map(|pod| dra::gives(node, pod, device));
        pods.max().unwrap_or(Given::No)
    };
    let asked = given((namespace, name)) == Given::Yes;
    if held_by == (namespace, name) {
        let is_another = asker.uid.is_some() && holder.uid.is_some() && asker.uid != holder.uid;
        let alone = is_another && listing.named(namespace, name).count() == 1;
        return match (asked, alone) {
            (true, true) => Word::Asker,
            (true, false) => Word::Holder,
            (false, _) => Word::Neither,
        };
    }
    match (asked, given(held_by)) {
        (true, Given::Yes) => Word::Both,
        (true, Given::No) => Word::Asker,
        (false, Given::Yes) => Word::Holder,
        (false, Given::No) => Word::Neither,
        (_, Given::Untold) => Word::Untold,
    }
}

fn named(pod: &Pod) -> Option<(&str, &str)> {
    pod.namespace.as_deref().zip(pod.name.as_deref())
}
