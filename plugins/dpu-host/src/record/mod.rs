//! What is known of an attachment: on disk before anything is changed, gone when nothing is left to undo.

pub(crate) mod attachment;
pub(crate) mod claim;
pub(crate) mod credible;
pub(crate) mod neighbours;
pub(crate) mod pending_del;
pub(crate) mod plumbing;
pub(crate) mod release;
pub(crate) mod restore;
pub(crate) mod store;
