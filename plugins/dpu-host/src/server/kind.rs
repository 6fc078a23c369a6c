//! Whether the server moves VFs itself: that is a flag of its command line, and its last answer to an ADD has shown it.
//!
//! `<stateDir>/privileged-server` is the socket of a server that did. ovnkube-node makes a new one whenever it starts
//! (`cniserver_linux.go: Start`), so whoever finds another one there knows nothing of the server behind it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::node::Node;
use crate::record::store::{self, Store};

/// In the state directory.
const FILE: &str = "privileged-server";

/// What is known of the server before it is asked.
pub(crate) struct Kind {
    privileged: Option<Socket>,
    is_privileged: bool,
}

/// The server's socket, and no other one that had or will have its path or its inode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Socket {
    dev: u64,
    inode: u64,
    /// When that was last changed, in seconds and nanoseconds since 1970.
    changed: (i64, i64),
}

impl Kind {
    /// What the last answer has shown of the server that listens now.
    pub(crate) fn last_seen(node: &Node) -> Self {
        let privileged = node.store().ok().and_then(|store| store::kept(&path(store)));
        let is_privileged = privileged.is_some() && privileged == Socket::of(node);
        Kind { privileged, is_privileged }
    }

    /// Whether it moves VFs itself; one that nobody knows does not.
    pub(crate) fn is_privileged(&self) -> bool {
        self.is_privileged
    }

    /// Keeps what its answer shows.
    pub(crate) fn note(&self, node: &Node, is_privileged: bool) {
        let socket = is_privileged.then(|| Socket::of(node)).flatten();
        if self.privileged == socket {
            return;
        }
        let done = node.store().and_then(|store| match &socket {
            Some(socket) => store::write(&path(store), socket),
            None => store::remove(&path(store)),
        });
        // It is not known then, which costs the next pod a second.
        if let Err(error) = done {
            log::warn!("{error}");
        }
    }
}

impl Socket {
    fn of(node: &Node) -> Option<Self> {
        let found = fs::metadata(&node.config.socket).ok()?;
        Some(Socket { dev: found.dev(), inode: found.ino(), changed: (found.ctime(), found.ctime_nsec()) })
    }
}

fn path(store: &Store) -> PathBuf {
    store.dir().join(FILE)
}
