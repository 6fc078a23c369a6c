//! The parser of the kubelet's answer as the fuzz targets (conformance/fuzz) call it. In no other build.

use bytes::Bytes;

use crate::message;
use crate::{Failure, PodDevices};

/// Reads the body of an answer to `List`.
///
/// # Errors
/// When it is not the one message that it should be.
pub fn devices(body: Vec<u8>, namespace: &str, pod: &str, resource: &str) -> Result<PodDevices, Failure> {
    message::devices(&message::unframe(Bytes::from(body))?, namespace, pod, resource)
}
