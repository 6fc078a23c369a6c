//! Everything that will be written, before any of it is.

use serde::Serialize;

use super::admission::{self, Kubernetes};
use super::ignition::{MachineConfig, NodeFile, machine_config};
use super::site::{Cluster, Site};
use super::{attachment, dra, kube_proxy, kubelet, node_files, offload, pool, sample, sriov};
use crate::fault::Fault;
use crate::manifest::{Object, Spec};
use crate::yaml;

/// A file of the output, without its folder.
type Named = (String, String);

/// The whole output.
pub(crate) struct Plan {
    pub(super) manifests: Vec<Named>,
    /// Objects that exist once per cluster, without our fields: applying one gives them back.
    pub(crate) releases: Vec<Named>,
    /// Pods to try it with.
    pub(crate) samples: Vec<Named>,
    binary: NodeFile,
    configuration: Vec<NodeFile>,
    /// The admission policies that the API server must serve, as `v1/mutatingadmissionpolicies`.
    pub(crate) policies: Vec<String>,
    /// Which versions of Kubernetes do.
    pub(crate) policy_versions: Option<&'static str>,
    /// Names of our MachineConfigs.
    pub(crate) machine_configs: Vec<String>,
    pub(super) configs: Vec<Object<Spec<MachineConfig>>>,
    /// Whether files go onto nodes by hand.
    pub(crate) by_hand: bool,
}

impl Plan {
    /// Makes all documents.
    ///
    /// # Errors
    /// When one cannot be written down; values cannot cause that.
    pub(crate) fn new(site: &Site, binary: Vec<u8>, version: Option<Kubernetes>) -> Result<Self, Fault> {
        let mut plan = Plan {
            manifests: Vec::new(),
            releases: Vec::new(),
            samples: Vec::new(),
            binary: node_files::binary(site, binary),
            configuration: node_files::configuration(site)?,
            policies: Vec::new(),
            policy_versions: version
                .and_then(Kubernetes::taken_by)
                .filter(|_| site.cluster == Cluster::Tenant),
            machine_configs: Vec::new(),
            configs: Vec::new(),
            by_hand: !site.openshift(),
        };
        if site.openshift() {
            plan.openshift(site)?;
        }
        if site.cluster == Cluster::Tenant {
            plan.tenant(site, version)?;
        }
        if let Some(manifest) = kube_proxy::manifest(site)? {
            plan.manifests.push(("55-kube-proxy".to_owned(), manifest));
        }
        for (name, pod) in sample::samples(site) {
            plan.samples.push((name, yaml::print(&pod)?));
        }
        plan.manifests.sort();
        Ok(plan)
    }

    fn openshift(&mut self, site: &Site) -> Result<(), Fault> {
        self.add("10-machineconfigpool", &pool::pool(site))?;
        self.share("20-machineconfiguration", &pool::disruption(site.cluster, &self.binary.path))?;
        if let Some(settings) = &site.values.kubelet_config {
            self.add("40-kubeletconfig", &kubelet::config(site, settings))?;
        }
        self.add("50-hardware-offload-config", &offload::config_map(site))?;
        if !site.values.dns.node_selector.is_empty() {
            self.share("70-dns", &pool::dns(site))?;
        }
        // Two, so that the configuration can be taken away while the binary stays for the DELs of its last pods.
        self.machine_config(site, "30", "plugin", std::slice::from_ref(&self.binary.clone()))?;
        let configuration = self.configuration.clone();
        if configuration.is_empty() {
            Ok(())
        } else {
            self.machine_config(site, "90", "configuration", &configuration)
        }
    }

    fn tenant(&mut self, site: &Site, version: Option<Kubernetes>) -> Result<(), Fault> {
        self.add("61-sriovnetworknodepolicy-management", &sriov::management(site))?;
        self.add("62-sriovnetworknodepolicy-pods", &sriov::pods(site))?;
        if site.by_claim() {
            self.add("63-deviceclass-pods", &dra::class(site))?;
            self.samples.push((dra::SAMPLE.to_owned(), yaml::print(&dra::sample())?));
        }
        for definition in &site.values.attachments {
            let file = format!("75-network-attachment-definition-{}", definition.name);
            self.add(&file, &attachment::definition(site, definition)?)?;
        }
        if let Some(api) = version.and_then(Kubernetes::mutating) {
            let (policy, binding) = admission::mutating(site, api);
            self.policy(api, "mutatingadmissionpolicies");
            self.add_for_versions("80-mutatingadmissionpolicy", &policy)?;
            self.add_for_versions("81-mutatingadmissionpolicybinding", &binding)?;
        }
        if let Some(api) = version.and_then(Kubernetes::validating) {
            let (policy, binding) = admission::validating(site, api);
            self.policy(api, "validatingadmissionpolicies");
            self.add_for_versions("82-validatingadmissionpolicy", &policy)?;
            self.add_for_versions("83-validatingadmissionpolicybinding", &binding)?;
        }
        Ok(())
    }

    fn policy(&mut self, api: &str, resource: &str) {
        let version = api.rsplit('/').next().unwrap_or(api);
        self.policies.push(format!("{version}/{resource}"));
    }

    /// One that not every server takes says which do.
    fn add_for_versions(&mut self, file: &str, document: &impl Serialize) -> Result<(), Fault> {
        let versions = self.policy_versions.unwrap_or_default();
        self.manifests.push((file.to_owned(), format!("# For {versions}.\n{}", yaml::print(document)?)));
        Ok(())
    }

    fn machine_config(
        &mut self,
        site: &Site,
        order: &str,
        what: &str,
        files: &[NodeFile],
    ) -> Result<(), Fault> {
        let name = format!("99-{}-cni-{what}", site.pool());
        let config = machine_config(name.clone(), site.pool(), files);
        self.add(&format!("{order}-machineconfig-{what}"), &config)?;
        self.machine_configs.push(name);
        self.configs.push(config);
        Ok(())
    }

    /// An object of which only some fields are ours.
    fn share<T: Serialize>(&mut self, file: &str, document: &Object<Spec<T>>) -> Result<(), Fault> {
        self.releases.push((file.to_owned(), yaml::print(&document.without_fields())?));
        self.add(file, document)
    }

    fn add(&mut self, file: &str, document: &impl Serialize) -> Result<(), Fault> {
        self.manifests.push((file.to_owned(), yaml::print(document)?));
        Ok(())
    }

    /// The manifests, in order.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &Named> {
        self.manifests.iter()
    }

    /// What lies on a node in the end: the binary first.
    pub(crate) fn node_files(&self) -> impl Iterator<Item = &NodeFile> {
        std::iter::once(&self.binary).chain(&self.configuration)
    }
}
