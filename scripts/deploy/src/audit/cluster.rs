//! Objects of a cluster: labels, taints, pools, the operator's ConfigMap. From `oc get -o json`, or a must-gather.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::finding::Findings;
use crate::known::{DPU_HOST_MODE, DPU_MODE};

/// The third mode of the cluster network operator.
const SMART_NIC_MODE: &str = "network.operator.openshift.io/smart-nic";
/// Where a must-gather keeps what is read here, below its root.
const GATHERED: [&str; 3] = [
    "cluster-scoped-resources/core/nodes",
    "cluster-scoped-resources/machineconfiguration.openshift.io/machineconfigpools",
    "namespaces/openshift-network-operator/core",
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
    let modes = [
        key("dpu-host-mode-label", DPU_HOST_MODE),
        key("dpu-mode-label", DPU_MODE),
        key("smart-nic-mode-label", SMART_NIC_MODE),
    ];
    if let Some(map) = config {
        config_map(map, findings);
    }
    let mut nodes = 0;
    for node in kind("Node") {
        nodes += usize::from(self::node(node, &modes, findings));
    }
    if nodes == 0 && kind("Node").next().is_some() {
        findings.warning(
            "cluster",
            "no node has a mode label",
            format!("oc label node NODE {DPU_HOST_MODE}= (or {DPU_MODE}= on a card)"),
        );
    }
    kind("MachineConfigPool").for_each(|pool| self::pool(pool, findings));
}

fn config_map(map: &Value, findings: &mut Findings) {
    let label = |name: &str| map["data"][name].as_str().filter(|label| !label.ends_with('='));
    for (name, label) in
        ["dpu-host-mode-label", "dpu-mode-label"].iter().filter_map(|name| Some((name, label(name)?)))
    {
        let text = format!("hardware-offload-config has {name}: {label}");
        findings.error("cluster", text, "write it as key= with an empty value, and label the nodes so: others of that key get no ovnkube-node");
    }
}

/// Whether the node is one of ours, and what is wrong with it.
fn node(node: &Value, modes: &[String; 3], findings: &mut Findings) -> bool {
    let name = node["metadata"]["name"].as_str().unwrap_or_default();
    let labels = &node["metadata"]["labels"];
    let set: Vec<&String> = modes.iter().filter(|key| labels[key.as_str()].is_string()).collect();
    let Some(mode) = set.first() else { return false };
    let before = findings.list().len();
    if let Some(value) = labels[mode.as_str()].as_str().filter(|value| !value.is_empty()) {
        let text = format!(
            "{name} is labelled {mode}={value}: the operator does not count it, and it gets no ovnkube-node"
        );
        findings.error("node", text, format!("oc label node {name} --overwrite {mode}="));
    }
    if set.len() > 1 {
        let text =
            format!("{name} has {} mode labels, which degrades the cluster network operator", set.len());
        findings.error("node", text, format!("oc label node {name} {}-", set[1]));
    }
    if !labels["node-role.kubernetes.io/worker"].is_string() {
        let text = format!("{name} is no worker: the SR-IOV daemon does not run there");
        findings.warning("node", text, format!("oc label node {name} node-role.kubernetes.io/worker="));
    }
    let taints = node["spec"]["taints"].as_array();
    if !taints.into_iter().flatten().any(|taint| taint["key"] == mode.as_str()) {
        let text = format!("{name} has no taint {mode}: pods that do not mean to be there will be, and fail");
        findings.warning("node", text, format!("oc adm taint node {name} {mode}=true:NoSchedule"));
    }
    ready(node, name, findings);
    if findings.list().len() == before {
        findings.ok("node", format!("{name} is labelled and tainted with {mode}{}", devices(node)));
    }
    true
}

fn ready(node: &Value, name: &str, findings: &mut Findings) {
    let conditions = node["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    if let Some(condition) = ready.filter(|condition| condition["status"] != "True") {
        let message = condition["message"].as_str().unwrap_or("no message");
        findings.error("node", format!("{name} is not Ready ({message})"), "run this audit on the node");
    }
}

/// Extended resources that look like VFs.
fn devices(node: &Value) -> String {
    let allocatable = node["status"]["allocatable"].as_object();
    let vfs = allocatable.into_iter().flatten().filter(|(name, _)| name.contains('/') && name.contains("vf"));
    vfs.map(|(name, count)| format!(", {name} {}", count.as_str().unwrap_or("?"))).collect()
}

fn pool(pool: &Value, findings: &mut Findings) {
    let name = pool["metadata"]["name"].as_str().unwrap_or_default();
    if pool["spec"]["paused"] == true {
        findings.warning(
            "cluster",
            format!("machineconfigpool {name} is paused: nothing reaches its nodes"),
            format!("oc patch mcp {name} --type=merge -p '{{\"spec\":{{\"paused\":false}}}}'"),
        );
    }
    let conditions = pool["status"]["conditions"].as_array();
    let degraded = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "Degraded" && condition["status"] == "True");
    if let Some(condition) = degraded {
        let message = condition["message"].as_str().unwrap_or("no message");
        findings.error(
            "cluster",
            format!("machineconfigpool {name} is degraded ({message})"),
            "run this audit on the node that it names",
        );
    }
}
