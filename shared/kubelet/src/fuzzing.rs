//! The parser of the kubelet's answers as the fuzz targets (conformance/fuzz) call it. In no other build.

use bytes::Bytes;

use crate::{Failure, Listing, PodDevices, message};

/// Reads the body of an answer to `Get`.
///
/// # Errors
/// When it is not the one message that it should be.
pub fn get(body: Vec<u8>, namespace: &str, pod: &str) -> Result<PodDevices, Failure> {
    message::only(message::unframe(Bytes::from(body))?, namespace, pod)
}

/// Reads the body of an answer to `List` for one pod.
///
/// # Errors
/// As [`get`].
pub fn find(body: Vec<u8>, namespace: &str, pod: &str) -> Result<Option<PodDevices>, Failure> {
    message::one_of(message::unframe(Bytes::from(body))?, namespace, pod)
}

/// Reads the body of an answer to `List` for all of them.
///
/// # Errors
/// As [`get`], and where a pod has no name.
pub fn listing(body: Vec<u8>) -> Result<Listing, Failure> {
    Listing::read(message::unframe(Bytes::from(body))?, None)
}
