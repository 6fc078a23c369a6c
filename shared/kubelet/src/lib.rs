//! Which devices the kubelet has given to a pod: its PodResources API, version 1 (KEP-606), a gRPC service on a
//! unix socket.
//!
//! Multus asks the same question before it calls a plugin; asking ourselves makes a plugin independent of the
//! annotations that Multus needs for it. One call of `List`, over `h2` and with messages written out by hand: that
//! is a third of the size of a gRPC client.
#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod client;
mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
mod listing;
mod message;
mod socket;
pub mod wire;

use std::time::Instant;

pub use failure::Failure;
pub use listing::Listing;
pub use message::PodDevices;
pub use socket::Socket;

/// Where the kubelet listens.
pub const SOCKET: &str = "/var/lib/kubelet/pod-resources/kubelet.sock";

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
