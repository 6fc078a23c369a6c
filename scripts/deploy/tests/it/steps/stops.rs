//! What is in the way is said, before anything is changed where it can be told then, and never waited for in vain.

use serde_json::{Value, json};

use super::{MODE, installed, refused, tenant};

#[test]
fn without_a_node_it_prints_its_usage() {
    let cluster = tenant(&["worker-1"]);
    for arguments in [[].as_slice(), &["--help"], &["--check"]] {
        let ran = cluster.steps(arguments);
        assert_eq!(ran.code, 2);
        assert!(ran.out.contains("  sh out/STEPS --check NODE...    says what is in the way"), "{}", ran.out);
        assert!(!ran.out.contains("mode="), "only what concerns the caller: {}", ran.out);
    }
    let ran = cluster.steps(&["--check", "worker-1"]).ok();
    assert_eq!(ran.out, "nothing is in the way\n");
    assert_eq!(cluster.calls(), Vec::<String>::new());
}

#[test]
fn what_it_needs_is_looked_for_first() {
    let without = |kind: &str| {
        let cluster = tenant(&["worker-1"]);
        cluster.change(|state| {
            state["objects"].as_array_mut().expect("objects").retain(|item| item["kind"] != kind);
        });
        cluster
    };
    refused(&without("CustomResourceDefinition"), "the SR-IOV operator is not installed");
    refused(&without("SriovOperatorConfig"), "SriovOperatorConfig default is missing");
    refused(&without("SriovOperatorConfig"), "  namespace: openshift-sriov-network-operator\nspec:\n");
    refused(&without("ClusterVersion"), "this is no OpenShift cluster");
    let cluster = tenant(&["worker-1"]);
    cluster.change_object("ClusterVersion", "version", |version| {
        version["status"]["desired"]["version"] = json!("4.16.40");
    });
    refused(&cluster, "OpenShift is 4.16.40; 4.17 is the first");
    let cluster = tenant(&["worker-1"]);
    cluster.change(|state| state["raw"] = json!({}));
    refused(&cluster, "does not serve v1/mutatingadmissionpolicies");
    refused(&tenant(&["worker-2"]), "worker-1 is no worker of this cluster");
    let cluster = tenant(&["worker-1"]);
    cluster.change_object("Node", "worker-1", |node| {
        node["metadata"]["labels"]["node-role.kubernetes.io/infra"] = json!("");
    });
    cluster.change(|state| {
        let pool = json!({ "kind": "MachineConfigPool", "metadata": { "name": "infra" },
            "spec": { "nodeSelector": { "matchLabels": { "node-role.kubernetes.io/infra": "" } } } });
        state["objects"].as_array_mut().expect("objects").push(pool);
    });
    refused(&cluster, "worker-1 is in the pool infra");
}

#[test]
fn a_degraded_or_paused_pool_stops_it() {
    let degraded = json!({ "conditions": [{ "type": "Degraded", "status": "True", "message": "Node x is reporting: y" }] });
    let cluster = tenant(&["worker-1"]);
    cluster.change_object("MachineConfigPool", "worker", |pool| pool["status"] = degraded.clone());
    refused(&cluster, "machineconfigpool worker is Degraded: Node x is reporting: y");
    let cluster = tenant(&["worker-1"]);
    cluster.change_object("MachineConfigPool", "worker", |pool| {
        pool["spec"]["paused"] = json!(true);
        pool["metadata"]["managedFields"] = json!([
            { "manager": "machine-config-operator", "fieldsV1": { "f:spec": { "f:configuration": {} } } },
            { "manager": "kubectl-patch", "fieldsV1": { "f:spec": { "f:paused": {} } } },
        ]);
    });
    refused(&cluster, "machineconfigpool worker is paused, by kubectl-patch");
}

#[test]
fn a_node_that_degrades_stops_it_and_stays_closed() {
    let cluster = tenant(&["worker-1"]);
    cluster.change(|state| state["degrading"] = json!({ "worker-1": "content mismatch for file /etc/x" }));
    let ran = cluster.steps(&["worker-1"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("content mismatch for file /etc/x"), "{}", ran.err);
    assert!(
        ran.err.ends_with("worker-1 stays cordoned and tainted until this is run again\n"),
        "{}",
        ran.err
    );
    assert!(cluster.state()["now"].as_u64() < Some(200), "early: {}", cluster.state()["now"]);
    let labels = &cluster.object("Node", "worker-1").expect("the node")["metadata"]["labels"];
    assert_eq!(labels[MODE], Value::Null, "not in the mode");
}

/// The SR-IOV operator pauses the pool while it drains one node; that passes by itself.
#[test]
fn the_sriov_operators_own_pause_is_waited_for() {
    let cluster = tenant(&["worker-1", "worker-2"]);
    cluster.steps(&["worker-1"]).ok();
    cluster.change_object("MachineConfigPool", "dpu-host", |pool| {
        pool["spec"]["paused"] = json!(true);
        pool["metadata"]["annotations"] = json!({ "sriovnetwork.openshift.io/state": "Paused" });
    });
    cluster.change_object("SriovNetworkNodeState", "worker-1", |state| {
        state["policies"] = json!([]);
    });
    let ran = cluster.steps(&["worker-2"]).ok();
    assert!(ran.out.contains("is paused by the SR-IOV operator, while it drains a node"), "{}", ran.out);
    installed(&cluster, "worker-2");
}

#[test]
fn a_node_that_cannot_be_drained_is_not_labelled() {
    let cluster = tenant(&["worker-1"]);
    cluster.change(|state| state["undrainable"] = json!(["worker-1"]));
    let ran = cluster.steps(&["worker-1"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("worker-1 cannot be drained"), "{}", ran.err);
    assert!(!cluster.calls().iter().any(|call| call.contains("label")), "{:#?}", cluster.calls());
    cluster.change(|state| state["undrainable"] = json!([]));
    cluster.steps(&["worker-1"]).ok();
    installed(&cluster, "worker-1");
}

#[test]
fn too_many_vfs_for_the_firmware_are_told() {
    let cluster = tenant(&["worker-1"]);
    cluster.change(|state| state["nics"]["worker-1"][0]["totalvfs"] = json!(8));
    let ran = cluster.steps(&["worker-1"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("ens1f0 of worker-1 has 8 VFs, and sriov.numVfs is 16"), "{}", ran.err);
    assert!(!cluster.calls().iter().any(|call| call.contains("61-")));
}

#[test]
fn a_missing_card_is_awaited_with_a_bound() {
    let cluster = tenant(&["worker-1"]);
    cluster.change_object("SriovOperatorConfig", "default", |config| {
        config["spec"]["configDaemonNodeSelector"] = json!({ "elsewhere": "" });
    });
    let ran = cluster.steps(&["worker-1"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("does configDaemonNodeSelector of SriovOperatorConfig default choose it?"),
        "{}",
        ran.err
    );
}

/// The pool is told of it by another object, which may not be there.
#[test]
fn a_degraded_node_of_a_silent_pool_stops_it() {
    let cluster = tenant(&["worker-1"]);
    cluster.change(|state| {
        state["silent"] = json!(true);
        state["degrading"] = json!({ "worker-1": "content mismatch for file /etc/x" });
    });
    let ran = cluster.steps(&["worker-1"]);
    assert!(ran.err.contains("worker-1 is Degraded: content mismatch for file /etc/x"), "{}", ran.err);
}

#[test]
fn vfs_that_cannot_be_made_stop_it() {
    let cluster = tenant(&["worker-1"]);
    cluster.change(|state| state["failingVfs"] = json!({ "worker-1": "no such device" }));
    let ran = cluster.steps(&["worker-1"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("the SR-IOV operator failed on worker-1: no such device"), "{}", ran.err);
    cluster.change(|state| state["failingVfs"] = json!({}));
    cluster.steps(&["worker-1"]).ok();
    installed(&cluster, "worker-1");
}

/// The operator has written it, says its annotation; the node has it, says the node.
#[test]
fn a_node_without_plugin_stays_out_of_the_mode() {
    let cluster = tenant(&["worker-1"]);
    cluster.change(|state| state["debug"] = json!({ "worker-1": null }));
    let ran = cluster.steps(&["worker-1"]);
    assert!(ran.err.contains("/var/lib/cni/bin/dpu-host is not on worker-1"), "{}", ran.err);
    let labels = &cluster.object("Node", "worker-1").expect("the node")["metadata"]["labels"];
    assert_eq!(labels[MODE], Value::Null);
}
