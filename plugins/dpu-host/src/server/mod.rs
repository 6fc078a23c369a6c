//! ovnkube-node: what it is asked with, what it is asked and told, what its refusals mean.

mod calls;
mod forward;
mod kind;
pub(crate) mod refusals;

pub(crate) use self::calls::{DEL_BUDGET, add, del, is_away, report};
pub(crate) use self::forward::Forward;
pub(crate) use self::kind::Kind;
