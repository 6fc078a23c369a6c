//! A values file seen from one cluster: every default settled.

use clap::ValueEnum;

use super::values::{Allocation, Architecture, CniVersion, Profile, Values};
use crate::known;

/// Which of the two clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cluster {
    /// The cards are its workers.
    Infra,
    /// The servers that hold the cards are its workers.
    Tenant,
}

impl Cluster {
    /// The plugin of its nodes.
    pub(crate) fn plugin(self) -> &'static str {
        match self {
            Cluster::Infra => "dpu-nic-placeholder",
            Cluster::Tenant => "dpu-host",
        }
    }
}

/// One cluster's settings.
pub(crate) struct Site {
    pub(crate) cluster: Cluster,
    pub(crate) values: Values,
}

impl Site {
    pub(crate) fn openshift(&self) -> bool {
        self.values.profile == Profile::Openshift
    }

    /// The machine of its nodes, as in the folder of a release.
    pub(crate) fn arch(&self) -> &'static str {
        match (self.values.pool.architecture, self.cluster) {
            (Some(Architecture::X86_64), _) | (None, Cluster::Tenant) => "x86_64",
            (Some(Architecture::Aarch64), _) | (None, Cluster::Infra) => "aarch64",
        }
    }

    /// What the configuration of a DPU host declares.
    pub(crate) fn cni_version(&self) -> CniVersion {
        let default = if self.openshift() { CniVersion::V1_1_0 } else { CniVersion::V0_4_0 };
        self.values.dpu_host.cni_version.unwrap_or(default)
    }

    /// Where the binary goes, as the values say it.
    pub(crate) fn binaries(&self) -> &str {
        let default = if self.openshift() { known::OPENSHIFT_BINARIES } else { known::UPSTREAM_BINARIES };
        self.values.directories.binaries.as_deref().unwrap_or(default).trim_end_matches('/')
    }

    /// Whether CRI-O must be told to look there.
    pub(crate) fn binaries_off_path(&self) -> bool {
        self.openshift() && self.binaries() != known::OPENSHIFT_BINARIES
    }

    /// The container runtime's network directory.
    pub(crate) fn configuration(&self) -> &str {
        let default =
            if self.openshift() { known::OPENSHIFT_CONFIGURATION } else { known::UPSTREAM_CONFIGURATION };
        self.values.directories.configuration.as_deref().unwrap_or(default).trim_end_matches('/')
    }

    /// Where Multus looks for the default network.
    pub(crate) fn multus(&self) -> &str {
        let default = if self.openshift() { known::OPENSHIFT_MULTUS } else { self.configuration() };
        self.values.directories.multus.as_deref().unwrap_or(default).trim_end_matches('/')
    }

    /// The MachineConfigPool, and the role of its nodes.
    pub(crate) fn pool(&self) -> &str {
        self.values.pool.name.as_deref().unwrap_or(match self.cluster {
            Cluster::Infra => "dpu-nic",
            Cluster::Tenant => "dpu-host",
        })
    }

    /// The node label of the pool.
    pub(crate) fn role(&self) -> String {
        format!("node-role.kubernetes.io/{}", self.pool())
    }

    /// The mode label's key as whoever reads it has it by default: the network operator, or ovn-kubernetes itself.
    pub(crate) fn usual_mode_key(&self) -> &'static str {
        match (self.values.profile, self.cluster) {
            (Profile::Openshift, Cluster::Infra) => known::DPU_MODE,
            (Profile::Openshift, Cluster::Tenant) => known::DPU_HOST_MODE,
            (Profile::Kubernetes, Cluster::Infra) => known::UPSTREAM_DPU_MODE,
            (Profile::Kubernetes, Cluster::Tenant) => known::UPSTREAM_DPU_HOST_MODE,
        }
    }

    /// The mode label as `key=`.
    pub(crate) fn mode_label(&self) -> String {
        self.values.mode_label.clone().unwrap_or_else(|| format!("{}=", self.usual_mode_key()))
    }

    /// The mode label's key.
    pub(crate) fn mode_key(&self) -> String {
        let label = self.mode_label();
        label.split_once('=').map_or(label.clone(), |(key, _)| key.to_owned())
    }

    pub(crate) fn taint_key(&self) -> String {
        self.values.taint.key.clone().unwrap_or_else(|| self.mode_key())
    }

    /// The taint as `kubectl taint` takes it.
    pub(crate) fn taint(&self) -> String {
        format!("{}={}:{:?}", self.taint_key(), self.values.taint.value, self.values.taint.effect)
    }

    /// The SR-IOV operator's namespace.
    pub(crate) fn sriov_namespace(&self) -> &str {
        let default =
            if self.openshift() { "openshift-sriov-network-operator" } else { "sriov-network-operator" };
        self.values.sriov.namespace.as_deref().unwrap_or(default)
    }

    /// A device pool as a pod asks for it.
    pub(crate) fn resource(&self, name: &str) -> String {
        format!("{}/{name}", self.values.sriov.resource_prefix)
    }

    /// The device pool of ordinary pods: that of the first attachment, where the default network is not ours.
    pub(crate) fn pod_resource(&self) -> String {
        let values = &self.values;
        let first = values.attachments.first().filter(|_| !values.dpu_host.default_network);
        self.resource(first.map_or(&values.sriov.pods.resource, |attachment| &attachment.resource))
    }

    /// Whether a driver of dynamic resource allocation gives the pods' VFs.
    pub(crate) fn by_claim(&self) -> bool {
        self.values.sriov.allocation == Allocation::Dra
    }

    /// What a pod must name, where the default network is not ours.
    pub(crate) fn default_attachment(&self) -> Option<String> {
        let first = self.values.attachments.first().filter(|_| !self.values.dpu_host.default_network)?;
        Some(format!("{}/{}", first.namespace, first.name))
    }

    /// Whether a pod has nothing to choose: no attachment is beside the node's default network.
    pub(crate) fn one_network(&self) -> bool {
        self.values.attachments.is_empty()
    }

    /// `oc` or `kubectl`.
    pub(crate) fn client(&self) -> &'static str {
        if self.openshift() { "oc" } else { "kubectl" }
    }

    /// Whether Multus' readiness file must come from us: on a card whose mode label is not the one that the
    /// operator's dummy plugin is bound to, nothing else writes it.
    pub(crate) fn supplies_readiness(&self) -> bool {
        self.cluster == Cluster::Infra
            && self.openshift()
            && self.values.placeholder.multus_readiness.unwrap_or_else(|| self.mode_key() != known::DPU_MODE)
    }
}
