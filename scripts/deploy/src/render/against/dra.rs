//! A pool of VFs with two who give them out: a device plugin and a driver of dynamic resource allocation know nothing of
//! each other, and give one VF twice.

use serde_json::Value;

use super::super::site::{Cluster, Site};
use super::found::{Found, name};
use crate::fault::Fault;
use crate::known::CLASS;

/// The SR-IOV operator's switch that replaces its device plugin by the driver, in the whole cluster.
const GATE: &str = "dynamicResourceAllocation";

/// The operator serves every policy's pool by one of the two.
pub(super) fn operator(object: &Value, site: &Site, found: &mut Found<'_>) {
    if name(object) != "default" || object["metadata"]["namespace"] != site.sriov_namespace() {
        return;
    }
    let driven = object["spec"]["featureGates"][GATE] == true;
    if site.by_claim() && !driven {
        let why = format!(
            "sriov.allocation is dra, and the SR-IOV operator's device plugin serves {} too: one VF would be given twice",
            site.resource(&site.values.sriov.pods.resource)
        );
        found.faults.push(Fault::new(
            why,
            format!("set featureGates.{GATE} in SriovOperatorConfig default, for the whole cluster, or leave sriov.allocation out"),
        ));
    } else if driven && !site.by_claim() {
        found.warnings.push(format!(
            "SriovOperatorConfig default has featureGates.{GATE}: its driver gives VFs, no device plugin. Set sriov.allocation: dra"
        ));
    }
}

/// A class of the pods' extended resource.
pub(super) fn class(object: &Value, site: &Site, found: &mut Found<'_>) {
    let resource = site.resource(&site.values.sriov.pods.resource);
    if object["spec"]["extendedResourceName"] != resource.as_str() || site.by_claim() && name(object) == CLASS
    {
        return;
    }
    if site.by_claim() {
        found.warnings.push(format!(
            "DeviceClass {} is for {resource} already: of two classes the scheduler takes the newer one",
            name(object)
        ));
    } else {
        found.faults.push(Fault::new(
            format!(
                "DeviceClass {} has a driver give {resource}, which the device plugin serves too: one VF would be given twice",
                name(object)
            ),
            format!("set sriov.allocation: dra, or remove it: {} delete deviceclass {}", site.client(), name(object)),
        ));
    }
}

/// What a node offers is a device plugin's.
pub(super) fn node(object: &Value, site: &Site, found: &mut Found<'_>) {
    let resource = site.resource(&site.values.sriov.pods.resource);
    let offered = object["status"]["allocatable"][&resource].as_str().filter(|count| *count != "0");
    if let (Cluster::Tenant, true, Some(count)) = (site.cluster, site.by_claim(), offered) {
        found.faults.push(Fault::new(
            format!(
                "sriov.allocation is dra, and a device plugin on node {} offers {count} of {resource}: one VF would be given twice",
                name(object)
            ),
            "take the pool out of the device plugin's configuration first",
        ));
    }
}
