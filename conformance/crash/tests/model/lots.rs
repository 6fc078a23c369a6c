//! The model: what has to hold of every VF, and how it changes.

use crash::Stage;

use crate::field::{Field, Sandbox};
use crate::script::VFS;
use crate::sight::Sight;

/// What has to hold of a VF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lot {
    /// It is at home as it was at first; while another link has its name, under another one.
    Home,
    /// It is in this sandbox, whose ADD succeeded, which has not been deleted and whose namespace lives.
    In(usize),
    /// It is in this sandbox or at home: nobody but the plugin can say whether the pod lives.
    Perhaps(usize),
    /// A kill, or the end of its namespace, has torn it away: a record says whose it is and how to make it whole.
    Torn,
}

/// That of every VF.
pub(crate) type Lots = [Lot; VFS];

/// Every VF is home that is in this sandbox, or was torn from it.
pub(crate) fn home_from(lots: &mut Lots, sight: &Sight, sandbox: usize) {
    for (vf, lot) in lots.iter_mut().enumerate() {
        let is = [Lot::In(sandbox), Lot::Perhaps(sandbox)].contains(lot);
        if is || *lot == Lot::Torn && sight.holds(sandbox, vf) {
            *lot = Lot::Home;
        }
    }
}

/// A call has ended by itself: it has also brought home what nobody else would come for, if it saw all records.
pub(crate) fn mend(lots: &mut Lots, sight: &Sight, field: &Field) {
    if !sight.is_seen_by_one_call() {
        return;
    }
    for (lot, holder) in lots.iter_mut().zip(&sight.holders) {
        let seems_to_live = |sandbox: &Sandbox| sandbox.lives || sandbox.disguised;
        let forsaken = holder
            .is_some_and(|holder| holder.stage == Stage::Released || !seems_to_live(&field[holder.sandbox]));
        if *lot == Lot::Torn && forsaken {
            *lot = Lot::Home;
        }
    }
}

/// A kill, or the end of a namespace, may have met the VFs of these sandboxes.
pub(crate) fn tear(lots: &mut Lots, of: impl Fn(usize) -> bool) {
    for lot in lots {
        if matches!(*lot, Lot::In(sandbox) | Lot::Perhaps(sandbox) if of(sandbox)) {
            *lot = Lot::Torn;
        }
    }
}
