//! Which devices the kubelet has given to a pod: its PodResources API, version 1 (KEP-606), a gRPC service on a
//! unix socket.
//!
//! Multus asks the same question before it calls a plugin; asking ourselves makes a plugin independent of the
//! annotations that Multus needs for it. One call over `h2`, with messages written out by hand: that is a third of the
//! size of a gRPC client.
//!
//! A pod that is attached is asked for by itself (`Get`): an answer for all pods grows with the node, and has outgrown
//! every client where one pod's driver fails (kubernetes #141335). Whether a pod is gone is asked of a whole `List` only.
#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod client;
mod failure;
#[cfg(fuzzing)]
pub mod fuzzing;
mod listing;
mod message;
mod pod;
mod socket;
pub mod wire;

use std::time::Instant;

use client::Question;
pub use failure::Failure;
pub use listing::Listing;
pub use pod::{Claim, ClaimDevice, Container, Device, PodDevices};
pub use socket::Socket;

/// Where the kubelet listens.
pub const SOCKET: &str = "/var/lib/kubelet/pod-resources/kubelet.sock";

/// The gRPC status of a kubelet that has no `Get`: `UNIMPLEMENTED`.
const UNIMPLEMENTED: u32 = 12;
/// That of one that has switched it off, or does not know the pod: `UNKNOWN`.
const UNKNOWN: u32 = 2;

/// Asks the kubelet on `socket` what it has given to a pod, until `deadline`; `None` when it does not know the pod.
///
/// The API knows pods by name only. Where the kubelet still lists a dead pod of the same name, that one's devices
/// may be among the answer: whoever wants one skips those in use.
///
/// # Errors
/// See [`Failure`]: none of them means that the pod is gone.
pub fn pod(
    socket: Socket<'_>,
    namespace: &str,
    name: &str,
    deadline: Instant,
) -> Result<Option<PodDevices>, Failure> {
    match client::call(socket, &Question::get(namespace, name), deadline) {
        Ok(answer) => message::only(answer.message, namespace, name).map(Some),
        Err(Failure::Refused { status: UNIMPLEMENTED | UNKNOWN, .. }) => {
            let answer = client::call(socket, &Question::list(), deadline)?;
            message::one_of(answer.message, namespace, name)
        }
        Err(failure) => Err(failure),
    }
}

/// Asks the kubelet on `socket` for all pods of its node and what it has given them, until `deadline`.
///
/// # Errors
/// See [`Failure`]: an answer that is not whole is none.
pub fn listing(socket: Socket<'_>, deadline: Instant) -> Result<Listing, Failure> {
    let answer = client::call(socket, &Question::list(), deadline)?;
    Listing::read(answer.message, answer.pid)
}
