//! Which device a pod gets, and whether it is one that can be given.

mod choice;
pub(crate) mod dra;
mod find;
pub(crate) mod host_use;
mod id;
pub(crate) mod pool;

pub(crate) use self::find::{Found, find};
pub(crate) use self::id::DeviceId;
