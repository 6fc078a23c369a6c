//! What is seen between two steps: where VFs are, and which sandbox's record holds each.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use crash::{Census, Place, Stage};
use node::Pod;

use crate::field::Field;
use crate::script::VFS;

/// Records that one call's housekeeping look at.
const SHARE: usize = 8;

/// The node between two steps.
pub(crate) struct Observed {
    /// Where VFs are. Its pods are counted as [`Observed::numbers`].
    census: Census,
    /// The sandboxes by their place in the census.
    numbers: Vec<usize>,
    /// Whose each VF is according to the plugin.
    pub(crate) holders: [Option<Holder>; VFS],
    /// How many records there are.
    records: usize,
}

/// Who holds a VF according to the plugin's records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    pub(crate) sandbox: usize,
    pub(crate) stage: Stage,
}

impl Observed {
    /// Looks, and makes sysfs as true as the kernel's.
    ///
    /// # Errors
    /// What is wrong with a VF: of those that are `torn` only that nobody could mend them.
    pub(crate) fn take(field: &Field, torn: impl Fn(usize) -> bool) -> Result<Self> {
        let numbers: Vec<usize> = field.sandboxes().keys().copied().collect();
        let pods: Vec<&Pod> = field.sandboxes().values().map(|sandbox| &sandbox.pod).collect();
        let (census, records) = field.world.settled_but(&pods, torn)?;
        field.world.mirror(&census)?;
        let mut holders = [None; VFS];
        for (holder, vf) in holders.iter_mut().zip(field.node().vfs()) {
            let Some(file) = records.claims.get(vf.device_id()) else { continue };
            let own = pods.iter().position(|pod| file.starts_with(&pod.container));
            let Some((record, own)) = records.holder(vf.device_id()).zip(own) else { continue };
            *holder = Some(Holder { sandbox: numbers[own], stage: record.stage });
        }
        Ok(Observed { census, numbers, holders, records: records.records.len() })
    }

    /// The sandbox that a VF is in, if it is not at home.
    pub(crate) fn sandbox(&self, vf: usize) -> Option<usize> {
        match self.census.vfs[vf].place {
            Place::Host => None,
            Place::Pod(at) => Some(self.numbers[at]),
        }
    }

    /// The index of a VF where it is.
    pub(crate) fn index(&self, vf: usize) -> u32 {
        self.census.vfs[vf].link.index
    }

    /// Every link that is no VF is as it was, and there is none that was not.
    ///
    /// # Errors
    /// The first that is not.
    pub(crate) fn others_are_as_in(&self, before: &Observed) -> Result<()> {
        let others = |observed: &Observed| -> BTreeMap<_, _> {
            let place = |at| match at {
                Place::Host => None,
                Place::Pod(at) => Some(observed.numbers[at]),
            };
            let others =
                observed.census.others.iter().map(|(at, link)| ((place(*at), link.index), link.clone()));
            // What a pod of an earlier sequence has is new here.
            others.filter(|((at, _), _)| at.is_none_or(|sandbox| before.numbers.contains(&sandbox))).collect()
        };
        let (was, is) = (others(before), others(self));
        for (at, link) in &was {
            let found = is.get(at);
            ensure!(found == Some(link), "{link:?} of {at:?} is no VF, and yet it is {found:?} now");
        }
        ensure!(is.len() == was.len(), "there are other links than {was:?}: {is:?}");
        Ok(())
    }

    /// What a VF is called where it is.
    pub(crate) fn name(&self, vf: usize) -> &str {
        &self.census.vfs[vf].link.name
    }

    /// Whether a link of the host has this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.census.host.iter().any(|link| link.name == name)
    }

    /// Whether this sandbox's record has claimed the VF.
    pub(crate) fn holds(&self, sandbox: usize, vf: usize) -> bool {
        self.holders[vf].is_some_and(|holder| holder.sandbox == sandbox)
    }

    /// Whether the next call's housekeeping see every record: it may leave one itself.
    pub(crate) fn is_seen_by_one_call(&self) -> bool {
        self.records < SHARE
    }
}
