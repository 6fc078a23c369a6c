//! The values file: what differs from one site to the next. Every key has a default; an unknown key is refused.

use serde::{Deserialize, Deserializer};

use crate::manifest::Map;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct Values {
    /// What the cluster is; it decides the defaults of everything else.
    pub(crate) profile: Profile,
    pub(crate) directories: Directories,
    pub(crate) pool: Pool,
    /// The label by which the cluster network operator chooses the node's mode, as `key=`.
    pub(crate) mode_label: Option<String>,
    pub(crate) taint: Taint,
    /// The `kubeletConfig` of a KubeletConfig for the pool, to which the taint is added. One of a pool replaces all of
    /// the worker pool's settings, so that it must hold those too; without it none is rendered.
    pub(crate) kubelet_config: Option<serde_json::Map<String, serde_json::Value>>,
    pub(crate) dns: Dns,
    pub(crate) crio: Crio,
    pub(crate) kube_proxy: KubeProxy,
    pub(crate) placeholder: Placeholder,
    pub(crate) dpu_host: DpuHost,
    /// NetworkAttachmentDefinitions to render.
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) sriov: Sriov,
    pub(crate) hardware_offload: HardwareOffload,
    pub(crate) admission: Admission,
}

/// Whose paths and operators are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    /// Machine config operator, cluster network operator, Multus.
    #[default]
    Openshift,
    /// None of them: what belongs on a node is written as a tree of files.
    Kubernetes,
}

/// Where the container runtime and Multus look.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct Directories {
    pub(crate) binaries: Option<String>,
    pub(crate) configuration: Option<String>,
    /// Where Multus looks for the default network.
    pub(crate) multus: Option<String>,
}

/// The MachineConfigPool.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct Pool {
    /// Its name, and the role in the node label `node-role.kubernetes.io/<name>`.
    pub(crate) name: Option<String>,
    /// The machine that its nodes are; by default what most cards and most of their hosts are.
    pub(crate) architecture: Option<Architecture>,
    /// How many nodes may be down at once.
    pub(crate) max_unavailable: u32,
    /// Bytes that the pool's rendered MachineConfig has without ours.
    pub(crate) inherited_bytes: usize,
}

impl Default for Pool {
    fn default() -> Self {
        // A plain worker pool of OpenShift 4 has 150 to 250 kB.
        Pool { name: None, architecture: None, max_unavailable: 1, inherited_bytes: 300_000 }
    }
}

/// A machine, as in the folder of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Architecture {
    X86_64,
    Aarch64,
}

/// What keeps pods off the nodes that do not mean to be there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct Taint {
    /// The mode label's key, unless told otherwise.
    pub(crate) key: Option<String>,
    pub(crate) value: String,
    pub(crate) effect: Effect,
}

impl Default for Taint {
    fn default() -> Self {
        Taint { key: None, value: "true".to_owned(), effect: Effect::NoSchedule }
    }
}

/// What a taint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
pub(crate) enum Effect {
    NoSchedule,
    PreferNoSchedule,
    NoExecute,
}

/// Where the cluster's DNS pods run. By default that is left alone: they tolerate no taint of ours, and a selector
/// would be merged with the one that is there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct Dns {
    pub(crate) node_selector: Map,
}

/// CRI-O's drop-in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct Crio {
    /// How long STATUS may fail before the node is NotReady, such as `30s`; CRI-O 1.36.3 and newer.
    pub(crate) status_grace_period: Option<String>,
}

/// kube-proxy on the cards, where nothing else runs one; what is not given is taken from the cluster.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct KubeProxy {
    /// By default that of the API server's version.
    pub(crate) image: Option<String>,
    /// The API server as a card reaches it; by default as the person who runs `STEPS` does.
    pub(crate) server: Option<String>,
}

/// The placeholder's keys.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct Placeholder {
    pub(crate) message: Option<String>,
    pub(crate) log_file: Option<String>,
    pub(crate) log_level: Option<String>,
    /// Whether to supply the file that Multus waits for; by default only where nothing else does.
    pub(crate) multus_readiness: Option<bool>,
}

/// The keys of `dpu-host`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct DpuHost {
    /// Whether every pod-network pod of the node comes to us; else only those that name an attachment.
    pub(crate) default_network: bool,
    /// The network's name, as it shows in a pod's `network-status`.
    pub(crate) network: String,
    /// `1.1.0` where Multus calls us: only so does it forward STATUS. `0.4.0` for what is older than CRI-O 1.24 and
    /// Multus 4.2, and for container runtimes themselves: newer ones read the list beside it and take 1.1.0.
    pub(crate) cni_version: Option<CniVersion>,
    pub(crate) log_file: String,
    pub(crate) log_level: String,
    pub(crate) timeout_seconds: Option<u16>,
}

impl Default for DpuHost {
    fn default() -> Self {
        DpuHost {
            default_network: true,
            // What ovnkube-node calls its own: tools look for it in network-status.
            network: "ovn-kubernetes".to_owned(),
            cni_version: None,
            log_file: "/var/log/dpu-host.log".to_owned(),
            log_level: "info".to_owned(),
            timeout_seconds: None,
        }
    }
}

/// The protocol that a configuration declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
pub(crate) enum CniVersion {
    #[serde(rename = "0.4.0")]
    V0_4_0,
    #[serde(rename = "1.1.0")]
    V1_1_0,
}

/// A NetworkAttachmentDefinition.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Attachment {
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// The device pool, without its prefix.
    pub(crate) resource: String,
}

/// VFs and who makes them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct Sriov {
    pub(crate) namespace: Option<String>,
    pub(crate) resource_prefix: String,
    /// The names of the card's physical functions on the host; the first has the management port.
    pub(crate) physical_functions: Vec<String>,
    pub(crate) vendor: Option<String>,
    #[serde(rename = "deviceID")]
    pub(crate) device_id: Option<String>,
    pub(crate) num_vfs: u16,
    pub(crate) mtu: Option<u32>,
    /// Whether something else makes the VFs.
    pub(crate) externally_managed: bool,
    /// Who gives the pods' VFs out.
    pub(crate) allocation: Allocation,
    #[serde(deserialize_with = "VfPool::of_management")]
    pub(crate) management: VfPool,
    #[serde(deserialize_with = "VfPool::of_pods")]
    pub(crate) pods: VfPool,
    /// The kubelet's limit, to compare with the number of pod VFs.
    pub(crate) max_pods: u32,
    /// Device pools that Multus networks of this cluster use, without their prefix.
    pub(crate) multus_resources: Vec<String>,
}

impl Default for Sriov {
    fn default() -> Self {
        Sriov {
            namespace: None,
            resource_prefix: "openshift.io".to_owned(),
            physical_functions: Vec::new(),
            vendor: None,
            device_id: None,
            num_vfs: 16,
            mtu: None,
            externally_managed: false,
            allocation: Allocation::default(),
            management: VfPool::management(),
            pods: VfPool::pods(),
            max_pods: 250,
            multus_resources: Vec::new(),
        }
    }
}

/// Who gives VFs out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Allocation {
    /// A device plugin.
    #[default]
    DevicePlugin,
    /// A driver of dynamic resource allocation.
    Dra,
}

/// A range of VFs under one resource name.
#[derive(Clone, Debug)]
pub(crate) struct VfPool {
    pub(crate) resource: String,
    /// `first-last`.
    pub(crate) vfs: String,
}

impl VfPool {
    fn management() -> Self {
        VfPool { resource: "mgmtvf".to_owned(), vfs: "0-0".to_owned() }
    }

    fn pods() -> Self {
        VfPool { resource: "dpuvf".to_owned(), vfs: "1-15".to_owned() }
    }

    fn of_management<'de, D: Deserializer<'de>>(values: D) -> Result<Self, D::Error> {
        Self::management().overridden(values)
    }

    fn of_pods<'de, D: Deserializer<'de>>(values: D) -> Result<Self, D::Error> {
        Self::pods().overridden(values)
    }

    fn overridden<'de, D: Deserializer<'de>>(self, values: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Given {
            resource: Option<String>,
            vfs: Option<String>,
        }
        let Given { resource, vfs } = Given::deserialize(values)?;
        Ok(VfPool { resource: resource.unwrap_or(self.resource), vfs: vfs.unwrap_or(self.vfs) })
    }
}

/// Keys of the ConfigMap `hardware-offload-config`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct HardwareOffload {
    pub(crate) management_port_count: i64,
    /// Seconds between two signs of life of the card; 0 turns its health check off.
    pub(crate) lease_renew_interval: i64,
    /// Seconds after which the card counts as dead.
    pub(crate) lease_duration: i64,
}

impl Default for HardwareOffload {
    fn default() -> Self {
        HardwareOffload { management_port_count: 1, lease_renew_interval: 10, lease_duration: 40 }
    }
}

/// The admission policies.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct Admission {
    /// What happens to a pod that cannot run where it wants to.
    pub(crate) validation: Validation,
    /// Namespaces to leave alone, besides `kube-*` and `openshift-*`.
    pub(crate) skip_namespaces: Vec<String>,
}

/// What a failed validation does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Validation {
    /// A warning for whoever made the pod, and a line in the audit log.
    #[default]
    Warn,
    /// The pod is refused.
    Deny,
}
