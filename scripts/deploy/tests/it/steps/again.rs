//! Stopped anywhere, and run again: on nodes that are half done, and on nodes that have everything.

use serde_json::{Value, json};

use super::{installed, tenant};

/// After any command that changes something, the run is killed; another one ends as if nothing had been.
#[test]
fn it_can_be_stopped_anywhere_and_run_again() {
    let whole = tenant(&["worker-1"]);
    whole.steps(&["worker-1"]).ok();
    let calls = whole.calls().len();
    let every = std::env::var("STEPS_EVERY").ok().and_then(|every| every.parse().ok()).unwrap_or(3);
    for kill_after in (1..calls).step_by(every) {
        let cluster = tenant(&["worker-1"]);
        cluster.change(|state| state["killAfter"] = json!(kill_after));
        let ran = cluster.steps(&["worker-1"]);
        assert_eq!(ran.code, -1, "it was killed: {}{}", ran.out, ran.err);
        cluster.steps(&["worker-1"]).ok();
        installed(&cluster, "worker-1");
    }
}

#[test]
fn once_more_disturbs_no_pod() {
    let cluster = tenant(&["worker-1"]);
    cluster.steps(&["worker-1"]).ok();
    let before = cluster.calls().len();
    let ran = cluster.steps(&["worker-1"]).ok();
    assert!(ran.out.contains("worker-1 has everything"), "{}", ran.out);
    let again = cluster.calls().split_off(before);
    for verb in ["cordon", "drain", "label"] {
        assert!(!again.iter().any(|call| call.contains(verb)), "{again:#?}");
    }
    installed(&cluster, "worker-1");
}

/// A newer rendering: the operator brings it to the nodes, and the run waits for that.
#[test]
fn what_is_new_is_awaited_on_complete_nodes() {
    let cluster = tenant(&["worker-1"]);
    cluster.steps(&["worker-1"]).ok();
    cluster.change_manifest("30-machineconfig-plugin.yaml", |config| {
        config["spec"]["config"]["storage"]["files"][0]["contents"]["source"] = json!("data:,newer");
    });
    let ran = cluster.steps(&["worker-1"]).ok();
    assert!(
        ran.out.contains("waiting for the machine config operator to bring worker-1 up to date"),
        "{}",
        ran.out
    );
    installed(&cluster, "worker-1");
}

/// VFs too, and the SR-IOV operator is waited for.
#[test]
fn newer_policies_reach_complete_nodes() {
    let cluster = tenant(&["worker-1"]);
    cluster.steps(&["worker-1"]).ok();
    cluster.change_manifest("62-sriovnetworknodepolicy-pods.yaml", |policy| {
        policy["spec"]["nicSelector"]["pfNames"] = json!(["ens1f0#1-11"]);
    });
    // It begins at once, and the run finds it at work.
    cluster.change(|state| {
        state["somebody"] = json!({ "after": "62-", "calls": ["get", "nodes"], "seconds": 20 });
    });
    let ran = cluster.steps(&["worker-1"]).ok();
    assert!(ran.out.contains("waiting for what worker-1 needs besides"), "{}", ran.out);
    let node = cluster.object("Node", "worker-1").expect("the node");
    assert_eq!(node["status"]["allocatable"]["openshift.io/dpuvf"], "11");
    assert_eq!(node["spec"]["unschedulable"], Value::Null);
}
