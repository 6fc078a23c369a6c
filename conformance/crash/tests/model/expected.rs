//! The model: what has to hold of every VF, and how it changes.

use crash::Stage;

use crate::field::{Field, Sandbox};
use crate::observed::Observed;
use crate::script::VFS;

/// What has to hold of a VF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
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
pub(crate) type Expectations = [Expected; VFS];

/// Every VF is home that is in this sandbox, or was torn from it.
pub(crate) fn home_from(expected: &mut Expectations, observed: &Observed, sandbox: usize) {
    for (vf, vf_expected) in expected.iter_mut().enumerate() {
        let is = [Expected::In(sandbox), Expected::Perhaps(sandbox)].contains(vf_expected);
        if is || *vf_expected == Expected::Torn && observed.holds(sandbox, vf) {
            *vf_expected = Expected::Home;
        }
    }
}

/// A call has ended by itself: it has also brought home what nobody else would come for, if it saw all records.
pub(crate) fn mend(expected: &mut Expectations, observed: &Observed, field: &Field) {
    if !observed.is_seen_by_one_call() {
        return;
    }
    for (vf_expected, holder) in expected.iter_mut().zip(&observed.holders) {
        let seems_to_live = |sandbox: &Sandbox| sandbox.lives || sandbox.disguised;
        let forsaken = holder
            .is_some_and(|holder| holder.stage == Stage::Released || !seems_to_live(&field[holder.sandbox]));
        if *vf_expected == Expected::Torn && forsaken {
            *vf_expected = Expected::Home;
        }
    }
}

/// A kill, or the end of a namespace, may have met the VFs of these sandboxes.
pub(crate) fn tear(expected: &mut Expectations, of: impl Fn(usize) -> bool) {
    for vf_expected in expected {
        if matches!(*vf_expected, Expected::In(sandbox) | Expected::Perhaps(sandbox) if of(sandbox)) {
            *vf_expected = Expected::Torn;
        }
    }
}
