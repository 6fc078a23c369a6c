//! The ConfigMap by which the cluster network operator puts nodes into a mode, under that operator's own rules.

use super::site::{Cluster, Site};
use super::values::HardwareOffload;
use crate::fault::{Fault, Faults};
use crate::manifest::{Data, Map, Meta, Object};

/// Where the operator reads it (`pkg/network/ovn_kubernetes.go: bootstrapOVNConfig`).
pub(crate) fn config_map(site: &Site) -> Object<Data> {
    let mut data = Map::new();
    let mut set = |key: &str, value: String| data.insert(key.to_owned(), value);
    match site.cluster {
        Cluster::Infra => {
            set("dpu-mode-label", site.mode_label());
        }
        Cluster::Tenant => {
            let values = &site.values.hardware_offload;
            set("dpu-host-mode-label", site.mode_label());
            set("mgmt-port-resource-name", site.resource(&site.values.sriov.management.resource));
            set("mgmt-port-resource-count", values.management_port_count.to_string());
            set("dpu-node-lease-renew-interval", values.lease_renew_interval.to_string());
            set("dpu-node-lease-duration", values.lease_duration.to_string());
        }
    }
    let metadata = Meta::namespaced("openshift-network-operator", "hardware-offload-config");
    Object { api_version: "v1", kind: "ConfigMap", metadata, body: Data { data } }
}

/// What the operator answers with an error, or silently replaces by its default.
pub(crate) fn check(values: &HardwareOffload, faults: &mut Faults) {
    let HardwareOffload {
        management_port_count: count,
        lease_renew_interval: renew,
        lease_duration: duration,
    } = *values;
    if count <= 0 {
        let why = format!(
            "hardwareOffload.managementPortCount is {count}, which degrades the cluster network operator"
        );
        faults.push(Fault::new(why, "give 1 or more"));
    }
    if renew < 0 {
        let why = format!("hardwareOffload.leaseRenewInterval is {renew}, which the operator replaces by 10");
        faults.push(Fault::new(why, "give seconds, or 0 to turn the card's health check off"));
    }
    if duration <= 0 || (renew > 0 && duration <= renew) {
        let why = format!(
            "hardwareOffload.leaseDuration is {duration} with a renewal every {renew} s, which the operator replaces by 40 and 10"
        );
        faults.push(Fault::new(why, "make it longer than leaseRenewInterval; 40 and 10 are the defaults"));
    }
}
