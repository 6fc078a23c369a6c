//! The messages of PodResources v1 (`k8s.io/kubelet/pkg/apis/podresources/v1/api.proto`), as far as devices go.

use prost::Message;

/// The path of the method `List`.
pub const LIST: &str = "/v1.PodResourcesLister/List";

/// What every gRPC message begins with: a compression flag and four bytes of length.
pub const PREFIX: usize = 5;

/// The answer to `List`.
#[derive(Clone, PartialEq, Message)]
pub struct ListPodResourcesResponse {
    /// All pods of the node.
    #[prost(message, repeated, tag = "1")]
    pub pod_resources: Vec<PodResources>,
}

/// One pod.
#[derive(Clone, PartialEq, Message)]
pub struct PodResources {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its namespace.
    #[prost(string, tag = "2")]
    pub namespace: String,
    /// Its containers, init containers among them.
    #[prost(message, repeated, tag = "3")]
    pub containers: Vec<ContainerResources>,
}

/// One container.
#[derive(Clone, PartialEq, Message)]
pub struct ContainerResources {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The devices that device plugins gave it.
    #[prost(message, repeated, tag = "2")]
    pub devices: Vec<ContainerDevices>,
}

/// Devices of one resource.
#[derive(Clone, PartialEq, Message)]
pub struct ContainerDevices {
    /// The resource, `prefix/name`.
    #[prost(string, tag = "1")]
    pub resource_name: String,
    /// The devices' IDs.
    #[prost(string, repeated, tag = "2")]
    pub device_ids: Vec<String>,
}

/// A message as gRPC frames it, uncompressed.
pub fn frame(message: &impl Message) -> Vec<u8> {
    let body = message.encode_to_vec();
    // A message of 4 GiB does not fit into memory twice.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&[0], length.to_be_bytes().as_slice(), &body].concat()
}
