//! What `STEPS` does with a cluster: in which order, what it waits for, where it stops, and that it can be run again.

mod again;
mod kubernetes;
mod order;
mod stops;

use serde_json::{Value, json};

use crate::standin::Cluster;
use crate::support::TENANT;

const MODE: &str = "network.operator.openshift.io/dpu-host";
const ROLE: &str = "node-role.kubernetes.io/dpu-host";

fn tenant(nodes: &[&str]) -> Cluster {
    Cluster::new("tenant", TENANT, nodes)
}

/// In the mode and the pool, tainted, open, with VFs; nothing of the installation itself is left.
fn installed(cluster: &Cluster, name: &str) {
    let node = cluster.object("Node", name).expect("the node");
    let labels = &node["metadata"]["labels"];
    assert_eq!((labels[MODE].as_str(), labels[ROLE].as_str()), (Some(""), Some("")), "{node}");
    assert_eq!(node["spec"]["taints"], json!([{ "key": MODE, "value": "true", "effect": "NoSchedule" }]));
    assert_eq!(node["spec"]["unschedulable"], Value::Null, "{node}");
    assert_eq!(
        node["status"]["allocatable"],
        json!({ "openshift.io/mgmtvf": "1", "openshift.io/dpuvf": "15" })
    );
    assert_eq!(node["metadata"]["annotations"]["dpu-cni/was-cordoned"], Value::Null);
    assert_eq!(cluster.state()["violations"], json!([]));
    assert_eq!(cluster.object("Pod", "on-dpu-host"), None, "the sample is still there");
}

/// It stopped, said this, and changed nothing.
fn refused(cluster: &Cluster, words: &str) {
    let ran = cluster.steps(&["worker-1"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(words), "{words} is not in: {}", ran.err);
    assert_eq!(cluster.calls(), Vec::<String>::new());
}
