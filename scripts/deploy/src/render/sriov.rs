//! The SR-IOV operator's objects: two policies, and our fields of its configuration.

use serde::Serialize;

use super::site::Site;
use super::values::VfPool;
use super::vfs::selectors;
use crate::manifest::{Map, Meta, Object, Spec, object, one};

const API: &str = "sriovnetwork.openshift.io/v1";

/// Our fields of `SriovOperatorConfig`: the daemon runs on DPU hosts.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OperatorConfig {
    config_daemon_node_selector: Map,
}

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

/// The operator's one object: it exists once per cluster, and only this field is ours.
pub(crate) fn operator_config(site: &Site) -> Object<Spec<OperatorConfig>> {
    let spec = OperatorConfig { config_daemon_node_selector: one(site.mode_key(), "") };
    object(API, "SriovOperatorConfig", Meta::namespaced(site.sriov_namespace(), "default"), spec)
}

/// A policy for one of the two pools. The switch is the card's, so the host's side stays `legacy`.
pub(crate) fn policy(site: &Site, name: &str, pool: &VfPool, mtu: Option<u32>) -> Object<Spec<Policy>> {
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
            pf_names: selectors(site, pool),
        },
    };
    object(API, "SriovNetworkNodePolicy", Meta::namespaced(site.sriov_namespace(), name), spec)
}
