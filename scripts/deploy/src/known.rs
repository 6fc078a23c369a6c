//! Names and places that other projects fixed, each with where it is written.

/// CRI-O's search path on OpenShift, and Multus' `binDir` (machine-config-operator `crio.yaml`,
/// cluster-network-operator `bindata/network/multus`).
pub(crate) const OPENSHIFT_BINARIES: &str = "/var/lib/cni/bin";
/// CRI-O's `network_dir` on OpenShift (machine-config-operator `crio.yaml`).
pub(crate) const OPENSHIFT_CONFIGURATION: &str = "/etc/kubernetes/cni/net.d";
/// Multus' `multusAutoconfigDir` on OpenShift, a tmpfs (`cleanup-cni-conf.yaml`).
pub(crate) const OPENSHIFT_MULTUS: &str = "/run/multus/cni/net.d";
/// The default of CRI-O and containerd.
pub(crate) const UPSTREAM_BINARIES: &str = "/opt/cni/bin";
/// The default of CRI-O, containerd and Multus.
pub(crate) const UPSTREAM_CONFIGURATION: &str = "/etc/cni/net.d";

/// Multus' own configuration for the container runtime; it ignores files of this prefix when it looks for a
/// default network (`pkg/server/config/generator.go: findMasterPlugin`).
pub(crate) const MULTUS_CONF: &str = "00-multus.conf";
/// Where Multus looks for networks that a NetworkAttachmentDefinition only names (`pkg/types/types.go: confDir`).
pub(crate) const MULTUS_NETWORKS: &str = "/etc/cni/multus/net.d";
/// What ovnkube-node writes, and what Multus waits for on OpenShift.
pub(crate) const OVNKUBE_CONF: &str = "10-ovn-kubernetes.conf";
/// What the cluster network operator's dummy plugin writes.
pub(crate) const ERROR_CNI_CONF: &str = "08-error-cni.conf";

/// The default network of a DPU host, sorted before [`OVNKUBE_CONF`].
pub(crate) const DPU_HOST_CONF: &str = "05-dpu-host.conflist";
/// The placeholder's configuration, sorted before [`MULTUS_CONF`].
pub(crate) const PLACEHOLDER_CONF: &str = "00-dpu-nic-placeholder.conflist";
/// Where what boots into a tmpfs is kept.
pub(crate) const KEPT: &str = "/etc/dpu-cni";
/// Copies it there at boot.
pub(crate) const TMPFILES: &str = "/etc/tmpfiles.d/dpu-cni.conf";
/// Keeps NetworkManager's hands off VFs, and has pods get those back that they have lost.
pub(crate) const UDEV_RULES: &str = "/etc/udev/rules.d/85-dpu-cni.rules";
/// Starts [`RESTORE_SERVICE`] as long as [`RESTORE_FLAG`] is there, and once more if it comes back meanwhile.
pub(crate) const RESTORE_PATH: &str = "/etc/systemd/system/dpu-host-restore.path";
/// Gives pods back what they have lost.
pub(crate) const RESTORE_SERVICE: &str = "/etc/systemd/system/dpu-host-restore.service";
/// A VF has appeared that nobody has looked at yet. Not among [`STATE`]'s names, which are directories of records.
pub(crate) const RESTORE_FLAG: &str = "/run/dpu-cni.restore";
/// CRI-O's drop-in of ours: after OpenShift's `00-default`.
pub(crate) const CRIO_DROP_IN: &str = "/etc/crio/crio.conf.d/90-dpu-cni.conf";
/// Records and locks of `dpu-host`.
pub(crate) const STATE: &str = "/run/dpu-cni";

/// The labels by which the cluster network operator chooses a mode (`pkg/network/ovn_kubernetes.go`).
pub(crate) const DPU_HOST_MODE: &str = "network.operator.openshift.io/dpu-host";
/// The same, for the cards.
pub(crate) const DPU_MODE: &str = "network.operator.openshift.io/dpu";

/// The same two on a cluster without that operator (ovn-kubernetes `go-controller/pkg/types/const.go`, its charts).
pub(crate) const UPSTREAM_DPU_HOST_MODE: &str = "k8s.ovn.org/dpu-host";
/// The cards' there.
pub(crate) const UPSTREAM_DPU_MODE: &str = "k8s.ovn.org/dpu";

/// The field manager of server-side apply: what it owns can be taken back.
pub(crate) const FIELD_MANAGER: &str = "dpu-cni";
/// A pod with this label is left alone by our admission policies.
pub(crate) const OPT_OUT: &str = "dpu-cni/opt-out";
/// Multus: this pod's own default network.
pub(crate) const DEFAULT_NETWORK: &str = "v1.multus-cni.io/default-network";
/// Multus: further networks of a pod.
pub(crate) const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";
/// Multus: the device pool of a NetworkAttachmentDefinition.
pub(crate) const RESOURCE_NAME: &str = "k8s.v1.cni.cncf.io/resourceName";

/// The DeviceClass of the pods' VFs, where a driver of dynamic resource allocation gives them.
pub(crate) const CLASS: &str = "dpu-pods";
/// What an extended resource begins with that is a DeviceClass by its name (KEP-5004).
pub(crate) const CLASS_RESOURCE: &str = "deviceclass.resource.kubernetes.io/";
/// The driver of the SR-IOV operator that gives them (`k8snetworkplumbingwg/dra-driver-sriov`).
pub(crate) const SRIOV_DRIVER: &str = "sriovnetwork.k8snetworkplumbingwg.io";

/// The PCI vendor ID of most cards.
pub(crate) const NVIDIA: &str = "15b3";
