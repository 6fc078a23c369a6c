//! What the cluster has already, as `kubectl get -o json` tells it: files that somebody else writes, VFs that somebody
//! else wants, pools and settings that ours would replace, nodes that an operator will not count, and how full the pool
//! is.

mod dra;
mod found;
mod hosts;
mod pools;
mod sriov;

use std::path::Path;

use serde_json::Value;

use self::found::{Found, name};
use self::hosts::Hosts;
use super::Plan;
use super::site::{Cluster, Site};
use super::sriov::shared_pool;
use crate::fault::{Fault, Faults};
use crate::known::RESOURCE_NAME;
use crate::yaml::{self, Gathered};

/// Checks the plan against the objects of a file. Returns the bytes that the pool's other MachineConfigs have.
pub(crate) fn check(path: &Path, site: &Site, plan: &Plan, faults: &mut Faults) -> Option<usize> {
    let Gathered { objects, doubts } = faults.keep(yaml::gather(&[path.to_owned()]))?;
    let mut found = Found { faults, warnings: doubts.iter().map(Fault::to_string).collect() };
    let mut inherited = None;
    let hosts = Hosts::of(site, &objects);
    for object in &objects {
        let kind = object["kind"].as_str().unwrap_or_default();
        match (kind, site.cluster) {
            ("Node", _) => {
                node(object, site, found.faults);
                dra::node(object, site, &mut found);
            }
            ("NetworkAttachmentDefinition", _) => attachment(object, site, found.faults),
            ("SriovNetworkNodePolicy", Cluster::Tenant) => {
                sriov::policy(object, site, &hosts, &objects, &mut found);
            }
            ("SriovOperatorConfig", Cluster::Tenant) => {
                sriov::operator(object, site, &hosts, &mut found);
                dra::operator(object, site, &mut found);
            }
            ("DeviceClass", Cluster::Tenant) => dra::class(object, site, &mut found),
            ("MachineConfig", _) if applies(object, site, plan) => {
                machine_config(object, plan, found.faults);
                *inherited.get_or_insert(0) += object["spec"].to_string().len();
            }
            _ => {}
        }
        if site.openshift() {
            openshift(object, site, &objects, &mut found);
        }
    }
    for warning in &found.warnings {
        eprintln!("warning: {warning}");
    }
    inherited
}

fn openshift(object: &Value, site: &Site, objects: &[Value], found: &mut Found<'_>) {
    match object["kind"].as_str() {
        Some("Node") => pools::of_two(object, site, objects, found),
        Some("MachineConfigPool") => pools::of_that_name(object, site, found),
        Some("KubeletConfig" | "PerformanceProfile") => pools::kubelet(object, site, objects, found),
        Some("DNS") => pools::dns(object, site, objects, found),
        _ => {}
    }
}

/// A label value that the operator's list does not match, but whose key keeps ordinary DaemonSets away.
fn node(node: &Value, site: &Site, faults: &mut Faults) {
    let key = site.mode_key();
    if let Some(value) = node["metadata"]["labels"][&key].as_str().filter(|value| !value.is_empty()) {
        let name = name(node);
        let why = format!("node {name} is labelled {key}={value}, and the operator counts only '{key}='");
        faults.push(Fault::new(why, format!("{} label node {name} --overwrite {key}=", site.client())));
    }
}

/// Multus and ovnkube count the same device list from both ends.
fn attachment(object: &Value, site: &Site, faults: &mut Faults) {
    let resource = object["metadata"]["annotations"][RESOURCE_NAME].as_str();
    if site.cluster == Cluster::Tenant
        && site.values.dpu_host.default_network
        && resource == Some(&site.pod_resource())
    {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
        faults.push(shared_pool(&site.pod_resource(), &format!("{namespace}/{}", name(object))));
    }
}

fn machine_config(object: &Value, plan: &Plan, faults: &mut Faults) {
    let files = object["spec"]["config"]["storage"]["files"].as_array();
    for path in files.into_iter().flatten().filter_map(|file| file["path"].as_str()) {
        if plan.node_files().any(|file| file.path == path) {
            let why = format!("MachineConfig {} writes {path} too", name(object));
            faults.push(Fault::new(
                why,
                "remove one of the two: the later name wins, and an update of the other changes nothing",
            ));
        }
    }
}

/// Whether a MachineConfig lands in our pool and is not ours.
fn applies(object: &Value, site: &Site, plan: &Plan) -> bool {
    let role = object["metadata"]["labels"]["machineconfiguration.openshift.io/role"].as_str();
    role.is_some_and(|role| role == "worker" || role == site.pool())
        && !plan.machine_configs.iter().any(|ours| ours == name(object))
}
