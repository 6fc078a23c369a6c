//! The SR-IOV operator's objects of others: policies that want VFs of our ports or put others into our pools, and where
//! its daemon runs.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::super::site::Site;
use super::found::{Found, name};
use super::hosts::Hosts;
use crate::fault::Fault;

/// What a policy takes of a physical function.
enum Taken {
    Nothing,
    /// Its selector says no name, and no SriovNetworkNodeState tells more.
    Unknown,
    Vfs(RangeInclusive<u64>),
}

/// A policy that is not ours. The webhook refuses overlapping ranges and mixed management by name only; the operator
/// drops one of two groups that overlap, and takes the larger `numVfs` (`pkg/webhook/validate.go`, `api/v1/helper.go`).
pub(super) fn policy(
    object: &Value,
    site: &Site,
    hosts: &Hosts<'_>,
    objects: &[Value],
    found: &mut Found<'_>,
) {
    let ours = ["dpu-management", "dpu-pods"].contains(&name(object));
    let spec = &object["spec"];
    if (ours && object["metadata"]["namespace"] == site.sriov_namespace()) || spec["numVfs"] == 0 {
        return;
    }
    let chosen = hosts.chosen(&spec["nodeSelector"]);
    resource(object, site, chosen, found);
    if chosen == Some(false) {
        return;
    }
    for function in &site.values.sriov.physical_functions {
        match taken(spec, function, site, objects) {
            Taken::Nothing => {}
            Taken::Unknown => found.warnings.push(format!(
                "SriovNetworkNodePolicy {} may choose {function} too, which its nicSelector does not name: compare the node's SriovNetworkNodeState",
                name(object)
            )),
            Taken::Vfs(range) => function_shared(object, function, &range, site, found),
        }
    }
}

/// One device pool, two policies: a pod is given a VF of either.
fn resource(object: &Value, site: &Site, chosen: Option<bool>, found: &mut Found<'_>) {
    let sriov = &site.values.sriov;
    let pools = [(&sriov.management, "sriov.management.resource"), (&sriov.pods, "sriov.pods.resource")];
    for (pool, key) in
        pools.into_iter().filter(|(pool, _)| object["spec"]["resourceName"] == pool.resource.as_str())
    {
        let why = format!(
            "SriovNetworkNodePolicy {} puts VFs into the device pool {} too",
            name(object),
            pool.resource
        );
        let remedy = format!("give {key} another name");
        if chosen == Some(false) {
            found.warnings.push(format!(
                "{why}, on other nodes: pods without a node selector may be scheduled there; {remedy}"
            ));
        } else {
            found.faults.push(Fault::new(why, remedy));
        }
    }
}

fn function_shared(
    object: &Value,
    function: &str,
    range: &RangeInclusive<u64>,
    site: &Site,
    found: &mut Found<'_>,
) {
    let sriov = &site.values.sriov;
    let (policy, spec) = (name(object), &object["spec"]);
    let mut fault = |why: String, remedy: String| {
        found.faults.push(Fault::new(format!("SriovNetworkNodePolicy {policy} {why}"), remedy));
    };
    for (pool, key) in [(&sriov.management, "sriov.management.vfs"), (&sriov.pods, "sriov.pods.vfs")] {
        let overlaps =
            span(&pool.vfs).is_some_and(|ours| ours.start() <= range.end() && range.start() <= ours.end());
        if overlaps {
            fault(
                format!(
                    "takes VFs {}-{} of {function}, and {key} is {}",
                    range.start(),
                    range.end(),
                    pool.vfs
                ),
                "share them out with ranges that do not overlap, or remove that policy".to_owned(),
            );
        }
    }
    if spec["numVfs"] != sriov.num_vfs {
        fault(
            format!("makes {} VFs on {function}, and sriov.numVfs is {}", spec["numVfs"], sriov.num_vfs),
            "policies of one physical function need the same number: the operator takes the larger one"
                .to_owned(),
        );
    }
    if spec["externallyManaged"].as_bool().unwrap_or(false) != sriov.externally_managed {
        fault(
            format!("and sriov.externallyManaged do not agree on who makes the VFs of {function}"),
            "set them alike: the operator's webhook refuses the two together".to_owned(),
        );
    }
    if spec["eSwitchMode"].as_str().is_some_and(|mode| !mode.is_empty() && mode != "legacy") {
        fault(
            format!("sets {function} to eSwitchMode {}, and the switch is the card's", spec["eSwitchMode"]),
            "leave the key out there".to_owned(),
        );
    }
}

/// The operator's nicSelector: every key that is given must fit.
fn taken(spec: &Value, function: &str, site: &Site, objects: &[Value]) -> Taken {
    let selector = &spec["nicSelector"];
    let all = 0..=spec["numVfs"].as_u64().unwrap_or(1).saturating_sub(1);
    let card = [("vendor", &site.values.sriov.vendor), ("deviceID", &site.values.sriov.device_id)];
    if card.iter().any(|(key, ours)| {
        ours.is_some() && selector[key].is_string() && selector[key].as_str() != ours.as_deref()
    }) {
        return Taken::Nothing;
    }
    let given = |key: &str| selector[key].as_array().filter(|list| !list.is_empty());
    let in_list = |list: &[Value], wanted: &str| {
        let entry =
            list.iter().filter_map(Value::as_str).find(|entry| entry.split('#').next() == Some(wanted))?;
        Some(entry.split_once('#').and_then(|(_, vfs)| span(vfs)).unwrap_or(all.clone()))
    };
    if let Some(names) = given("pfNames") {
        return in_list(names, function).map_or(Taken::Nothing, Taken::Vfs);
    }
    let ports: Vec<&Value> = objects
        .iter()
        .filter(|object| object["kind"] == "SriovNetworkNodeState")
        .filter_map(|state| state["status"]["interfaces"].as_array())
        .flatten()
        .filter(|port| port["name"] == function)
        .collect();
    let fits = |port: &&&Value| {
        ["vendor", "deviceID"].iter().all(|key| !selector[key].is_string() || selector[key] == port[key])
    };
    let range = |port: &Value| match given("rootDevices") {
        Some(addresses) => port["pciAddress"].as_str().and_then(|address| in_list(addresses, address)),
        None => Some(all.clone()),
    };
    match ports.iter().filter(fits).find_map(|port| range(port)) {
        Some(range) => Taken::Vfs(range),
        None if ports.is_empty() => Taken::Unknown,
        None => Taken::Nothing,
    }
}

/// `first-last`.
fn span(vfs: &str) -> Option<RangeInclusive<u64>> {
    let (first, last) = vfs.split_once('-')?;
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// The operator's daemon makes the VFs, and must run on our nodes for that.
pub(super) fn operator(object: &Value, site: &Site, hosts: &Hosts<'_>, found: &mut Found<'_>) {
    let selector = &object["spec"]["configDaemonNodeSelector"];
    if name(object) != "default" || object["metadata"]["namespace"] != site.sriov_namespace() {
        return;
    }
    match hosts.chosen(selector) {
        Some(true) => {}
        Some(false) => found.faults.push(Fault::new(
            format!("SriovOperatorConfig default runs the daemon on nodes with {selector} only, and DPU hosts are none"),
            "take the selector out, or label the DPU hosts so: without the daemon no VF is made",
        )),
        None => found.warnings.push(format!(
            "SriovOperatorConfig default runs the daemon on nodes with {selector} only: DPU hosts need these labels"
        )),
    }
}
