//! The part of CRI's messages that the tests speak, with the field numbers of
//! <https://github.com/kubernetes/cri-api/blob/master/pkg/apis/runtime/v1/api.proto>. What is not declared here
//! is skipped when it is received.

use std::collections::HashMap;

/// `NamespaceMode.NODE`: the pod shares the node's namespace.
pub(crate) const NODE: i32 = 2;
/// `ContainerState.CONTAINER_RUNNING`.
pub(crate) const RUNNING: i32 = 1;

/// A request or an answer that says nothing.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Nothing {}

/// `StatusResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StatusResponse {
    /// The conditions, in an envelope.
    #[prost(message, optional, tag = "1")]
    pub status: Option<RuntimeStatus>,
}

/// `RuntimeStatus`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RuntimeStatus {
    /// `RuntimeReady` and `NetworkReady`.
    #[prost(message, repeated, tag = "1")]
    pub conditions: Vec<RuntimeCondition>,
}

/// `RuntimeCondition`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RuntimeCondition {
    /// `RuntimeReady` or `NetworkReady`.
    #[prost(string, tag = "1")]
    pub kind: String,
    /// Whether it is.
    #[prost(bool, tag = "2")]
    pub status: bool,
    /// Why not, in one word.
    #[prost(string, tag = "3")]
    pub reason: String,
    /// Why not, for a person: what `kubectl describe node` shows.
    #[prost(string, tag = "4")]
    pub message: String,
}

/// `RunPodSandboxRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RunPodSandboxRequest {
    /// The pod.
    #[prost(message, optional, tag = "1")]
    pub config: Option<PodSandboxConfig>,
}

/// `PodSandboxConfig`: what the runtime is told of a pod.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PodSandboxConfig {
    /// Its names.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<PodSandboxMetadata>,
    /// Its host name; empty with the node's network.
    #[prost(string, tag = "2")]
    pub hostname: String,
    /// Where its containers' logs are.
    #[prost(string, tag = "3")]
    pub log_directory: String,
    /// Its annotations.
    #[prost(map = "string, string", tag = "7")]
    pub annotations: HashMap<String, String>,
    /// What only Linux has.
    #[prost(message, optional, tag = "8")]
    pub linux: Option<LinuxPodSandboxConfig>,
}

/// `PodSandboxMetadata`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PodSandboxMetadata {
    /// The pod's name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its UID.
    #[prost(string, tag = "2")]
    pub uid: String,
    /// Its namespace in Kubernetes.
    #[prost(string, tag = "3")]
    pub namespace: String,
}

/// `LinuxPodSandboxConfig`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct LinuxPodSandboxConfig {
    /// The control group that holds the pod's.
    #[prost(string, tag = "1")]
    pub cgroup_parent: String,
    /// Its namespaces, in an envelope.
    #[prost(message, optional, tag = "2")]
    pub security_context: Option<SandboxSecurityContext>,
}

/// `LinuxSandboxSecurityContext`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SandboxSecurityContext {
    /// Whose namespaces the pod uses.
    #[prost(message, optional, tag = "1")]
    pub namespace_options: Option<NamespaceOption>,
}

/// `NamespaceOption`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct NamespaceOption {
    /// [`NODE`], or 0 for a network of the pod's own.
    #[prost(int32, tag = "1")]
    pub network: i32,
}

/// `RunPodSandboxResponse`, `StopPodSandboxRequest`, `RemovePodSandboxRequest` and `PodSandboxStatusRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SandboxId {
    /// 64 hexadecimal digits; the plugin's `CNI_CONTAINERID`.
    #[prost(string, tag = "1")]
    pub id: String,
}

/// `PodSandboxStatusResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PodSandboxStatusResponse {
    /// The sandbox.
    #[prost(message, optional, tag = "1")]
    pub status: Option<PodSandboxStatus>,
}

/// `PodSandboxStatus`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PodSandboxStatus {
    /// Its addresses.
    #[prost(message, optional, tag = "5")]
    pub network: Option<SandboxNetwork>,
}

/// `PodSandboxNetworkStatus`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SandboxNetwork {
    /// The pod's first address; empty with the node's network.
    #[prost(string, tag = "1")]
    pub ip: String,
}

/// `ListPodSandboxResponse` and `ListContainersResponse`, of which only the identifiers matter.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Listed {
    /// What there is.
    #[prost(message, repeated, tag = "1")]
    pub items: Vec<SandboxId>,
}

/// `ImageStatusRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ImageStatusRequest {
    /// The image asked for.
    #[prost(message, optional, tag = "1")]
    pub image: Option<ImageSpec>,
}

/// `ImageStatusResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ImageStatusResponse {
    /// The image, if there is one.
    #[prost(message, optional, tag = "1")]
    pub image: Option<Nothing>,
}

/// `CreateContainerRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CreateContainerRequest {
    /// The sandbox it goes into.
    #[prost(string, tag = "1")]
    pub sandbox: String,
    /// The container.
    #[prost(message, optional, tag = "2")]
    pub config: Option<ContainerConfig>,
    /// The pod again.
    #[prost(message, optional, tag = "3")]
    pub pod: Option<PodSandboxConfig>,
}

/// `ContainerConfig`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ContainerConfig {
    /// Its name.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<ContainerMetadata>,
    /// Its image.
    #[prost(message, optional, tag = "2")]
    pub image: Option<ImageSpec>,
    /// Where its output goes, below the pod's log directory.
    #[prost(string, tag = "11")]
    pub log_path: String,
    /// What only Linux has.
    #[prost(message, optional, tag = "15")]
    pub linux: Option<LinuxContainerConfig>,
}

/// `ImageSpec`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ImageSpec {
    /// Its name, as the runtime knows it.
    #[prost(string, tag = "1")]
    pub image: String,
    /// Its name in the pod's spec; CRI-O checks signatures by it.
    #[prost(string, tag = "18")]
    pub user_specified_image: String,
}

/// `ContainerMetadata`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ContainerMetadata {
    /// The container's name.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// `LinuxContainerConfig`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct LinuxContainerConfig {
    /// What the container may do.
    #[prost(message, optional, tag = "2")]
    pub security_context: Option<ContainerSecurityContext>,
}

/// `LinuxContainerSecurityContext`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ContainerSecurityContext {
    /// Capabilities beyond the runtime's usual ones.
    #[prost(message, optional, tag = "1")]
    pub capabilities: Option<Capabilities>,
    /// Whose namespaces it uses: the pod's.
    #[prost(message, optional, tag = "3")]
    pub namespace_options: Option<NamespaceOption>,
}

/// `Capability`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Capabilities {
    /// Names without `CAP_`.
    #[prost(string, repeated, tag = "1")]
    pub add: Vec<String>,
}

/// `CreateContainerResponse`, `StartContainerRequest` and `ContainerStatusRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ContainerId {
    /// The container.
    #[prost(string, tag = "1")]
    pub id: String,
}

/// `ContainerStatusResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ContainerStatusResponse {
    /// The container.
    #[prost(message, optional, tag = "1")]
    pub status: Option<ContainerStatus>,
}

/// `ContainerStatus`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ContainerStatus {
    /// [`RUNNING`], or something else.
    #[prost(int32, tag = "3")]
    pub state: i32,
}

/// `ExecSyncRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ExecSyncRequest {
    /// The container.
    #[prost(string, tag = "1")]
    pub container: String,
    /// Program and arguments.
    #[prost(string, repeated, tag = "2")]
    pub command: Vec<String>,
    /// In seconds.
    #[prost(int64, tag = "3")]
    pub timeout: i64,
}

/// `ExecSyncResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ExecSyncResponse {
    /// What it printed.
    #[prost(bytes = "vec", tag = "1")]
    pub stdout: Vec<u8>,
    /// What it complained of.
    #[prost(bytes = "vec", tag = "2")]
    pub stderr: Vec<u8>,
    /// How it ended.
    #[prost(int32, tag = "3")]
    pub exit_code: i32,
}
