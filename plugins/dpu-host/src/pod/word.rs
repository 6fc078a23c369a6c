//! The kubelet's word on whose a VF is.

use cni::Pod;
use kubelet::Listing;

/// Whose a VF is that one pod asks for and another holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The kubelet cannot be asked.
    Unheard,
    /// It has given the VF to both pods.
    Both,
    /// To the holder alone.
    Holder,
    /// To the one that asks alone.
    Asker,
    /// To neither.
    Neither,
}

impl Word {
    /// What one answer says. The kubelet's pods are told apart by their names only, so a pod that has come again under its
    /// name, as a StatefulSet's do, has the VF if no namesake is there.
    pub(crate) fn of(listing: &Listing, asker: &Pod, holder: &Pod, device: &str) -> Self {
        let (Some((namespace, name)), Some(held_by)) = (named(asker), named(holder)) else {
            return Word::Unheard;
        };
        let given = listing.gives(namespace, name, device);
        if held_by == (namespace, name) {
            let is_another = asker.uid.is_some() && holder.uid.is_some() && asker.uid != holder.uid;
            let alone = is_another && listing.count(namespace, name) == 1;
            return match (given, alone) {
                (true, true) => Word::Asker,
                (true, false) => Word::Holder,
                (false, _) => Word::Neither,
            };
        }
        match (given, listing.gives(held_by.0, held_by.1, device)) {
            (true, true) => Word::Both,
            (true, false) => Word::Asker,
            (false, true) => Word::Holder,
            (false, false) => Word::Neither,
        }
    }
}

fn named(pod: &Pod) -> Option<(&str, &str)> {
    pod.namespace.as_deref().zip(pod.name.as_deref())
}
