//! Objects of a cluster: labels, taints, pools, the operator's ConfigMap. From `oc get -o json`, or a must-gather.

mod config_map;
mod dra;
mod node;
mod objects;
mod pool;

use std::path::{Path, PathBuf};

use serde_json::Value;

use self::objects::{Cluster, Node, Pool};
use super::finding::Findings;
use crate::known::{DPU_HOST_MODE, DPU_MODE};

/// The third mode of the cluster network operator.
const SMART_NIC_MODE: &str = "network.operator.openshift.io/smart-nic";
/// Where a must-gather keeps what is read here, below its root.
const GATHERED: [&str; 5] = [
    "cluster-scoped-resources/core/nodes",
    "cluster-scoped-resources/machineconfiguration.openshift.io/machineconfigpools",
    "namespaces/openshift-network-operator/core",
    "cluster-scoped-resources/resource.k8s.io/deviceclasses",
    "cluster-scoped-resources/resource.k8s.io/resourceslices",
];

/// The root of a must-gather: the directory itself, or the one image's folder in it.
pub(crate) fn must_gather(directory: &Path) -> Option<PathBuf> {
    let is = |path: &Path| path.join(GATHERED[0]).is_dir();
    if is(directory) {
        return Some(directory.to_owned());
    }
    let entries = std::fs::read_dir(directory).ok()?;
    let mut folders: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is(path)).collect();
    folders.sort();
    folders.into_iter().next()
}

/// The files of a must-gather that matter here.
pub(crate) fn gathered(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in GATHERED {
        let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        files.extend(
            entries
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|ext| ext == "yaml")),
        );
    }
    files.sort();
    files
}

/// Judges them.
pub(crate) fn check(objects: &[Value], findings: &mut Findings) {
    let kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
    let config = kind("ConfigMap").find(|map| map["metadata"]["name"] == "hardware-offload-config");
    let key = |name: &str, usual: &str| {
        let label = config.and_then(|map| map["data"][name].as_str()).unwrap_or(usual);
        label.split_once('=').map_or(label, |(key, _)| key).to_owned()
    };
    let cluster = Cluster {
        modes: [
            key("dpu-host-mode-label", DPU_HOST_MODE),
            key("dpu-mode-label", DPU_MODE),
            key("smart-nic-mode-label", SMART_NIC_MODE),
        ],
        management: config.and_then(|map| map["data"]["mgmt-port-resource-name"].as_str()),
        nodes: kind("Node").map(Node).collect(),
        pools: kind("MachineConfigPool").map(Pool).collect(),
        by_claim: kind("DeviceClass").any(|class| class["spec"]["extendedResourceName"].is_string()),
    };
    if let Some(map) = config {
        config_map::check(map, findings);
    }
    cluster.nodes.iter().for_each(|node| node.check(&cluster, findings));
    if !cluster.nodes.is_empty() && !cluster.nodes.iter().any(|node| node.mode(&cluster).is_some()) {
        findings.warning(
            "cluster",
            "no node has a mode label",
            format!("oc label node NODE {DPU_HOST_MODE}= (or {DPU_MODE}= on a card)"),
        );
    }
    cluster.pools.iter().for_each(|pool| pool.check(findings));
    cluster.drivers(objects, findings);
}
