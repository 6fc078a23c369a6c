//! The messages of PodResources v1 (`k8s.io/kubelet/pkg/apis/podresources/v1/api.proto`), as far as devices go.
//!
//! By release: `Get` and `dynamic_resources` since 1.27 (by default since 1.34), the names of driver, pool and device since
//! 1.31, `share_id` since 1.35. What is not told is empty.

use prost::Message;

/// The path of the method `List`.
pub const LIST: &str = "/v1.PodResourcesLister/List";

/// The path of the method `Get`.
pub const GET: &str = "/v1.PodResourcesLister/Get";

/// What every gRPC message begins with: a compression flag and four bytes of length.
pub const PREFIX: usize = 5;

/// The question of `Get`.
#[derive(Clone, PartialEq, Message)]
pub struct GetPodResourcesRequest {
    /// The pod's name.
    #[prost(string, tag = "1")]
    pub pod_name: String,
    /// Its namespace.
    #[prost(string, tag = "2")]
    pub pod_namespace: String,
}

/// The answer to `Get`.
#[derive(Clone, PartialEq, Message)]
pub struct GetPodResourcesResponse {
    /// The pod.
    #[prost(message, optional, tag = "1")]
    pub pod_resources: Option<PodResources>,
}

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
    /// The claims of it, with all of their devices, whichever of them the container asked for.
    #[prost(message, repeated, tag = "5")]
    pub dynamic_resources: Vec<DynamicResource>,
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

/// One resource claim (dynamic resource allocation).
#[derive(Clone, PartialEq, Message)]
pub struct DynamicResource {
    /// The claim's name.
    #[prost(string, tag = "2")]
    pub claim_name: String,
    /// Its namespace.
    #[prost(string, tag = "3")]
    pub claim_namespace: String,
    /// Its devices: none of a driver that tells the kubelet nothing, and each many times where a driver has failed
    /// (kubernetes #141335).
    #[prost(message, repeated, tag = "4")]
    pub claim_resources: Vec<ClaimResource>,
}

/// One device of a claim.
#[derive(Clone, PartialEq, Message)]
pub struct ClaimResource {
    /// What the runtime is told of the container: those of all of a driver's devices, heaped up
    /// (`pkg/kubelet/cm/dra/manager.go`). They tell no device from another.
    #[prost(message, repeated, tag = "1")]
    pub cdi_devices: Vec<CdiDevice>,
    /// The driver.
    #[prost(string, tag = "2")]
    pub driver_name: String,
    /// The driver's pool of devices, most often the node.
    #[prost(string, tag = "3")]
    pub pool_name: String,
    /// The device as its driver calls it.
    #[prost(string, tag = "4")]
    pub device_name: String,
    /// Which share of a device that several claims have.
    #[prost(string, optional, tag = "5")]
    pub share_id: Option<String>,
}

/// A device of the Container Device Interface.
#[derive(Clone, PartialEq, Message)]
pub struct CdiDevice {
    /// Its fully qualified name.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// A message as gRPC frames it, uncompressed.
pub fn frame(message: &impl Message) -> Vec<u8> {
    let body = message.encode_to_vec();
    // A message of 4 GiB does not fit into memory twice.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&[0], length.to_be_bytes().as_slice(), &body].concat()
}
