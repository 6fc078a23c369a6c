//! Each step when the one before is done, and what was there before stays.

use serde_json::{Value, json};

use super::{MODE, ROLE, installed, tenant};
use crate::standin::Cluster;

#[test]
fn hosts_are_installed_one_after_the_other() {
    let cluster = tenant(&["worker-1", "worker-2", "worker-3"]);
    let ran = cluster.steps(&["worker-1", "worker-2"]).ok();
    installed(&cluster, "worker-1");
    installed(&cluster, "worker-2");
    assert!(ran.out.contains("waiting for machineconfigpool dpu-host to take up our files"), "{}", ran.out);
    assert!(ran.out.contains("waiting for the machine config operator to drain worker-1"), "{}", ran.out);
    assert!(ran.out.ends_with("done: worker-1 worker-2\n"), "{}", ran.out);
    let other = cluster.object("Node", "worker-3").expect("the node");
    assert_eq!(other["spec"], json!({}), "none of ours");
    let calls = cluster.calls();
    let at = |words: &str| {
        calls.iter().position(|call| call.contains(words)).unwrap_or_else(|| panic!("no {words}"))
    };
    let (first, second) = (at("worker-1 dpu-cni/was-cordoned-"), at("cordon worker-2"));
    assert!(first < second, "the second begins when the first has ended: {calls:#?}");
    let of_first: Vec<&str> = calls[..=first].iter().map(String::as_str).collect();
    let manager = "oc apply --server-side --field-manager=dpu-cni -f ";
    let mut expected: Vec<String> = [
        "10-machineconfigpool",
        "20-machineconfiguration",
        "30-machineconfig-plugin",
        "50-hardware-offload-config",
        "80-mutatingadmissionpolicy",
        "81-mutatingadmissionpolicybinding",
        "82-validatingadmissionpolicy",
        "83-validatingadmissionpolicybinding",
        "90-machineconfig-configuration",
    ]
    .map(|file| format!("{manager}{file}.yaml"))
    .into();
    let drain = "oc adm drain worker-1 --ignore-daemonsets --delete-emptydir-data --timeout=30m";
    expected.extend(
        [
            "oc annotate node worker-1 --overwrite dpu-cni/was-cordoned=false",
            "oc adm cordon worker-1",
            &format!("oc adm taint node worker-1 --overwrite {MODE}=true:NoSchedule"),
            drain,
            &format!("oc label node worker-1 --overwrite {ROLE}="),
            "oc adm uncordon worker-1",
            "oc adm cordon worker-1",
            drain,
            &format!("oc label node worker-1 --overwrite {MODE}="),
            &format!("{manager}61-sriovnetworknodepolicy-management.yaml"),
            &format!("{manager}62-sriovnetworknodepolicy-pods.yaml"),
            "oc adm cordon worker-1",
            "oc adm uncordon worker-1",
            "oc annotate node worker-1 dpu-cni/was-cordoned-",
        ]
        .map(str::to_owned),
    );
    assert_eq!(of_first, expected);
}

#[test]
fn what_somebody_else_cordoned_stays_so() {
    for kill_after in [None, Some(16), Some(22)] {
        let cluster = tenant(&["worker-1"]);
        cluster.change_object("Node", "worker-1", |node| node["spec"]["unschedulable"] = json!(true));
        cluster.change(|state| state["killAfter"] = json!(kill_after));
        if kill_after.is_some() {
            assert_eq!(cluster.steps(&["worker-1"]).code, -1);
        }
        let ran = cluster.steps(&["worker-1"]);
        assert!(
            ran.out.contains("worker-1 stays cordoned: it was before"),
            "{kill_after:?}: {}{}",
            ran.out,
            ran.err
        );
        let node = cluster.object("Node", "worker-1").expect("the node");
        assert_eq!(node["spec"]["unschedulable"], true);
        assert_eq!(node["metadata"]["annotations"]["dpu-cni/was-cordoned"], Value::Null);
    }
}

#[test]
fn wrong_labels_and_taints_are_set_right() {
    let cluster = tenant(&["worker-1"]);
    cluster.change_object("Node", "worker-1", |node| {
        node["metadata"]["labels"][ROLE] = json!("yes");
        node["spec"]["taints"] = json!([{ "key": MODE, "value": "no", "effect": "NoSchedule" }]);
    });
    cluster.steps(&["worker-1"]).ok();
    let node = cluster.object("Node", "worker-1").expect("the node");
    assert_eq!(node["metadata"]["labels"][ROLE], "");
    assert_eq!(node["spec"]["taints"], json!([{ "key": MODE, "value": "true", "effect": "NoSchedule" }]));
}

#[test]
fn cards_are_installed_too() {
    let cluster = Cluster::new("infra", "", &["card-1"]);
    let ran = cluster.steps(&["card-1"]).ok();
    assert!(ran.out.contains("waiting for kube-proxy on card-1"), "{}", ran.out);
    let node = cluster.object("Node", "card-1").expect("the node");
    assert_eq!(node["metadata"]["labels"]["network.operator.openshift.io/dpu"], "");
    assert_eq!(node["spec"]["unschedulable"], Value::Null);
    assert_eq!(cluster.state()["violations"], json!([]));
}
