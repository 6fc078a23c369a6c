//! What OpenShift has for pools: a pool of our name, nodes of two pools, the kubelet's settings, where DNS runs.

use serde_json::{Map, Value, json};

use super::super::pool::{self, pool_label};
use super::super::site::Site;
use super::found::{Found, name};
use super::hosts::selects;
use crate::fault::Fault;
use crate::need::Taint;

/// The key of a pool's label that the operator sets on its own pools.
const WORKER: &str = "pools.operator.machineconfiguration.openshift.io/worker";
/// What a PerformanceProfile sets in any case (`spec.cpu.reserved` is required), besides what the kubelet has.
const PERFORMANCE: [&str; 3] = ["cpuManagerPolicy", "reservedSystemCPUs", "topologyManagerPolicy"];

/// A pool of the name that ours is to have: applied over another one it would take its nodes.
pub(super) fn of_that_name(object: &Value, site: &Site, found: &mut Found<'_>) {
    if name(object) != site.pool() {
        return;
    }
    let ours = json!(pool::pool(site).body.spec);
    let differs =
        ["machineConfigSelector", "nodeSelector"].into_iter().find(|key| object["spec"][key] != ours[key]);
    if let Some(key) = differs {
        found.faults.push(Fault::new(
            format!(
                "MachineConfigPool {} is there already, with another {key} ({})",
                site.pool(),
                object["spec"][key]
            ),
            "give ours another name (pool.name)",
        ));
    }
}

/// The machine config operator stops at a node that belongs to two pools of its own besides `worker`
/// (`pkg/helpers/helpers.go`).
pub(super) fn of_two(node: &Value, site: &Site, objects: &[Value], found: &mut Found<'_>) {
    let labels = &node["metadata"]["labels"];
    if labels[&site.role()].is_null() && labels[&site.mode_key()].is_null() {
        return;
    }
    let pools = objects.iter().filter(|object| object["kind"] == "MachineConfigPool");
    for other in pools.filter(|pool| name(pool) != "worker" && name(pool) != site.pool()) {
        if selects(&other["spec"]["nodeSelector"], labels) {
            found.faults.push(Fault::new(
                format!(
                    "node {} is in the pool {} too, and the operator takes no node of two",
                    name(node),
                    name(other)
                ),
                format!("take it out of one of the two: with {} in the pool {}", site.role(), site.pool()),
            ));
        }
    }
}

/// Another KubeletConfig, or what makes one: of ours and theirs only one counts, and ours replaces the worker pool's.
pub(super) fn kubelet(object: &Value, site: &Site, objects: &[Value], found: &mut Found<'_>) {
    let Some(settings) = &site.values.kubelet_config else { return };
    let spec = &object["spec"];
    let profile = object["kind"] == "PerformanceProfile";
    let chooses = |pool: &str, label: &str| {
        if profile {
            return spec["nodeSelector"].get(format!("node-role.kubernetes.io/{pool}")).is_some();
        }
        let there =
            objects.iter().find(|object| object["kind"] == "MachineConfigPool" && name(object) == pool);
        let mut labels = Map::from_iter([(label.to_owned(), json!(""))]);
        labels.extend(
            there
                .and_then(|pool| pool["metadata"]["labels"].as_object())
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        selects(&spec["machineConfigPoolSelector"], &Value::Object(labels))
    };
    let shown = format!("{} {}", object["kind"].as_str().unwrap_or_default(), name(object));
    if chooses(site.pool(), &pool_label(site)) && name(object) != format!("{}-kubelet", site.pool()) {
        found.faults.push(Fault::new(
            format!("{shown} is for the pool {} too, and the later of two replaces the other", site.pool()),
            "keep all settings in one of them: leave kubeletConfig out, or remove that one",
        ));
    } else if chooses("worker", WORKER) {
        let theirs = spec["kubeletConfig"].as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        let made = PERFORMANCE.into_iter().filter(|_| profile);
        let lost: Vec<&str> = theirs.chain(made).filter(|key| !settings.contains_key(*key)).collect();
        if !lost.is_empty() {
            found.faults.push(Fault::new(
                format!(
                    "{shown} gives workers {}, which ours would take from the pool's nodes",
                    lost.join(", ")
                ),
                "add the keys to kubeletConfig, or leave it out",
            ));
        }
    }
}

/// DNS pods are pod-network pods. Our taint keeps them away unless they tolerate it; a selector of ours is merged with
/// the one that is there.
pub(super) fn dns(object: &Value, site: &Site, objects: &[Value], found: &mut Found<'_>) {
    if name(object) != "default"
        || !object["apiVersion"].as_str().is_some_and(|api| api.starts_with("operator."))
    {
        return;
    }
    let placement = &object["spec"]["nodePlacement"];
    let taint = Taint::of(site);
    let mut selector = placement["nodeSelector"].as_object().cloned().unwrap_or_default();
    if taint.binding() && taint.tolerated(placement) && selector.is_empty() {
        found.faults.push(Fault::new(
            format!(
                "DNS default tolerates {}, so that its pods land on these nodes, and never start",
                taint.text()
            ),
            "take the toleration out of its nodePlacement, or give it a nodeSelector",
        ));
    }
    let ours = &site.values.dns.node_selector;
    if ours.is_empty() || selector.is_empty() {
        return;
    }
    selector.extend(ours.iter().map(|(key, value)| (key.clone(), json!(value))));
    let merged = json!({ "matchLabels": selector });
    let mut nodes = objects.iter().filter(|object| object["kind"] == "Node").peekable();
    if nodes.peek().is_some() && !nodes.any(|node| selects(&merged, &node["metadata"]["labels"])) {
        found.faults.push(Fault::new(
            format!(
                "DNS default has the node selector {}, and with dns.nodeSelector no node is left for it",
                placement["nodeSelector"]
            ),
            "leave dns.nodeSelector out: the taint keeps DNS away already",
        ));
    }
}
