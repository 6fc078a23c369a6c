//! DELs that the server has yet to hear of.

use std::path::PathBuf;

use cni::{Attachment, Error};
use serde::{Deserialize, Serialize};

use super::store::{self, Store};
use crate::server::Forward;
use crate::time::BootTime;

/// How many DELs are kept: a server that is down for long does not fill the disk.
const MOST_PENDING: usize = 1024;

/// A DEL that the server has yet to hear of.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PendingDel {
    /// What was detached.
    pub(crate) attachment: Attachment,
    /// What the server knows it as.
    pub(crate) forward: Forward,
    /// Its `CNI_NETNS`.
    pub(crate) netns: String,
    /// Since when it waits. Versions that went by the wall's clock called it otherwise: those wait since the node booted.
    #[serde(default)]
    pub(crate) waits_since: BootTime,
}

impl PendingDel {
    /// A DEL of now.
    pub(crate) fn new(attachment: Attachment, forward: Forward, netns: String) -> Self {
        PendingDel { attachment, forward, netns, waits_since: BootTime::now() }
    }

    /// Keeps it for a later call.
    ///
    /// # Errors
    /// 109 when the disk refuses.
    pub(crate) fn keep(&self, store: &Store) -> Result<(), Error> {
        if store.one_more_pending_del() >= MOST_PENDING {
            log::warn!(
                "{MOST_PENDING} DELs wait for ovnkube-node already: that of {} is not kept",
                self.attachment
            );
            return Ok(());
        }
        store::write(&path(store, &self.attachment), self)
    }

    /// Forgets the DEL of an attachment that begins anew under the same name, as cnitool's do: the server would hear it
    /// after the ADD, and disconnect a living pod.
    ///
    /// # Errors
    /// 109 when the disk refuses.
    pub(crate) fn forget(store: &Store, attachment: &Attachment) -> Result<(), Error> {
        store::remove(&path(store, attachment))
    }
}

fn path(store: &Store, attachment: &Attachment) -> PathBuf {
    store.pending_dels().join(store::key(attachment))
}
