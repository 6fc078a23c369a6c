//! A VF: where it is, how it goes into a pod and comes home, what it is called and what it has on it.

pub(crate) mod addressing;
mod moving;
pub(crate) mod naming;
mod place;
pub(crate) mod read_back;
pub(crate) mod traces;
pub(crate) mod udn;
pub(crate) mod vfio;

pub(crate) use self::moving::{Homecoming, Wanted, bring_home, move_in};
pub(crate) use self::place::{at_home, in_pod, on_host};
