//! The SR-IOV operator's objects: two policies. Its configuration is the cluster's: a selector of ours in it would take
//! the operator's daemon away from all other nodes.

use serde::Serialize;

use super::site::Site;
use super::values::VfPool;
use crate::fault::Fault;
use crate::manifest::{Map, Meta, Object, Spec, object, one};

const API: &str = "sriovnetwork.openshift.io/v1";

/// A policy's spec.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Policy {
    resource_name: String,
    node_selector: Map,
    priority: u8,
    num_vfs: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
    device_type: &'static str,
    #[serde(rename = "eSwitchMode")]
    eswitch_mode: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    externally_managed: bool,
    nic_selector: NicSelector,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NicSelector {
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<String>,
    #[serde(rename = "deviceID", skip_serializing_if = "Option::is_none")]
    device_id: Option<String>,
    pf_names: Vec<String>,
}

/// The pool of management ports: of one physical function, for ovnkube-node takes the gateway to be that of whichever VF
/// the kubelet hands out.
pub(crate) fn management(site: &Site) -> Object<Spec<Policy>> {
    let sriov = &site.values.sriov;
    let first = &sriov.physical_functions[..sriov.physical_functions.len().min(1)];
    policy(site, "dpu-management", &sriov.management, first, None)
}

/// The pool of pods: of all of them.
pub(crate) fn pods(site: &Site) -> Object<Spec<Policy>> {
    let sriov = &site.values.sriov;
    policy(site, "dpu-pods", &sriov.pods, &sriov.physical_functions, sriov.mtu)
}

/// The refusal of a device pool with two users.
pub(crate) fn shared_pool(resource: &str, user: &str) -> Fault {
    let why = format!(
        "the device pool {resource} serves the pods' default network and {user} too: a pod with both may be given one VF twice"
    );
    Fault::new(why, "make a second SriovNetworkNodePolicy with its own resourceName for Multus networks")
}

/// A policy for one of the two pools. The switch is the card's, so the host's side stays `legacy`.
fn policy(
    site: &Site,
    name: &str,
    pool: &VfPool,
    functions: &[String],
    mtu: Option<u32>,
) -> Object<Spec<Policy>> {
    let sriov = &site.values.sriov;
    let spec = Policy {
        resource_name: pool.resource.clone(),
        node_selector: one(site.mode_key(), ""),
        priority: 10,
        num_vfs: sriov.num_vfs,
        mtu,
        device_type: "netdevice",
        eswitch_mode: "legacy",
        externally_managed: sriov.externally_managed,
        nic_selector: NicSelector {
            vendor: sriov.vendor.clone(),
            device_id: sriov.device_id.clone(),
            // As the operator reads it: `ens1f0#1-15`.
            pf_names: functions.iter().map(|pf| format!("{pf}#{}", pool.vfs)).collect(),
        },
    };
    object(API, "SriovNetworkNodePolicy", Meta::namespaced(site.sriov_namespace(), name), spec)
}
