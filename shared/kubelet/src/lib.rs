//! Which devices the kubelet has given to a pod: its PodResources API, version 1 (KEP-606), a gRPC service on a
//! unix socket.
//!
//! Multus asks the same question before it calls a plugin; asking ourselves makes a plugin independent of the
//! annotations that Multus needs for it. One call of `List`, over `h2` and with messages written out by hand: that
//! is a third of the size of a gRPC client.
#![forbid(unsafe_code)]

mod client;
mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
mod listing;
mod message;
pub mod wire;

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Instant;

pub use failure::Failure;
pub use listing::Listing;

/// Where the kubelet listens.
pub const SOCKET: &str = "/var/lib/kubelet/pod-resources/kubelet.sock";

/// Where the kubelet is asked.
#[derive(Clone, Copy, Debug)]
pub struct Socket<'a> {
    /// The path of its socket.
    pub path: &'a Path,
    /// Opens it with `O_PATH`: done by whoever knows which symlinks on the way may be followed.
    pub open: fn(&Path) -> io::Result<OwnedFd>,
}

/// What the kubelet knows of a pod's devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodDevices {
    /// The kubelet does not know the pod.
    UnknownPod,
    /// The pod has no device of the resource: it did not ask for one.
    NoneOf {
        /// The resources of which it has devices.
        others: BTreeSet<String>,
    },
    /// The devices' IDs, each once, in the kubelet's order. All containers' count, init containers' too; what dynamic
    /// resource allocation gave does not.
    Devices(Vec<String>),
}

/// Asks the kubelet on `socket` for the pod's devices of `resource` (`prefix/name`), until `deadline`.
///
/// The API knows pods by name only. Where the kubelet still lists a dead pod of the same name, that one's devices
/// are among the answer: whoever wants one skips those in use.
///
/// # Errors
/// See [`Failure`].
pub fn devices(
    socket: Socket<'_>,
    namespace: &str,
    pod: &str,
    resource: &str,
    deadline: Instant,
) -> Result<PodDevices, Failure> {
    let answer = client::list(socket, deadline)?;
    message::devices(&answer.message, namespace, pod, resource)
}

/// Asks the kubelet on `socket` for all pods of its node and what it has given them, until `deadline`.
///
/// # Errors
/// See [`Failure`]: an answer that is not whole is none.
pub fn listing(socket: Socket<'_>, deadline: Instant) -> Result<Listing, Failure> {
    let answer = client::list(socket, deadline)?;
    Listing::read(answer.message, answer.pid)
}
