//! VFs by dynamic resource allocation: a class of them. For pods that ask for its extended resource the scheduler makes
//! claims (KEP-5004), so that they stay as they are; others have claims of their own.

use serde::Serialize;

use super::site::Site;
use crate::known::{CLASS, SRIOV_DRIVER};
use crate::manifest::{Map, Meta, Object, Spec, object, one};

/// Served from Kubernetes 1.34 on.
const API: &str = "resource.k8s.io/v1";
/// The sample's file: no pod, and not tried by itself.
pub(super) const SAMPLE: &str = "resourceclaimtemplate";

/// A class's spec.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Class {
    extended_resource_name: String,
    selectors: [Selector; 1],
}

#[derive(Clone, Debug, Serialize)]
struct Selector {
    cel: Map,
}

/// A template's spec: that of the claims which are made from it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Template {
    spec: Claim,
}

#[derive(Clone, Debug, Serialize)]
struct Claim {
    devices: Devices,
}

#[derive(Clone, Debug, Serialize)]
struct Devices {
    requests: [Request; 1],
}

#[derive(Clone, Debug, Serialize)]
struct Request {
    name: &'static str,
    exactly: Map,
}

/// The class of the pods' VFs: those of the range on each physical function, and no management port's.
pub(crate) fn class(site: &Site) -> Object<Spec<Class>> {
    let sriov = &site.values.sriov;
    let functions: Vec<String> = sriov.physical_functions.iter().map(|name| format!("'{name}'")).collect();
    // A range that is none has been refused.
    let (first, last) = sriov.pods.vfs.split_once('-').unwrap_or_default();
    let attributes = format!("device.attributes['{SRIOV_DRIVER}']");
    let expression = format!(
        "device.driver == '{SRIOV_DRIVER}' && {attributes}.PFName in [{}] && {attributes}.vfID >= {first} && {attributes}.vfID <= {last}",
        functions.join(", ")
    );
    let spec = Class {
        extended_resource_name: site.resource(&sriov.pods.resource),
        selectors: [Selector { cel: one("expression", expression) }],
    };
    object(API, "DeviceClass", Meta::cluster(CLASS), spec)
}

/// For a pod that has its VF by a claim of its own.
pub(crate) fn sample() -> Object<Spec<Template>> {
    let request = Request { name: "vf", exactly: one("deviceClassName", CLASS) };
    let spec = Template { spec: Claim { devices: Devices { requests: [request] } } };
    object(API, "ResourceClaimTemplate", Meta::namespaced("default", CLASS), spec)
}
