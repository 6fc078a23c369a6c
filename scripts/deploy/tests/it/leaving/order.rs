//! Node by node, and what they all need last.

use serde_json::{Value, json};

use super::{Installed, things, uninstall};
use crate::standin::Cluster;
use crate::support::TENANT;

#[test]
fn nodes_leave_one_by_one_then_the_pool() {
    let cluster = Installed::on(&["a", "b"]);
    cluster.uninstall().ok();
    cluster.is_as_before(&[]);
    let state = cluster.state();
    let calls: Vec<&str> =
        state["calls"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(calls.last().is_some_and(|call| call.ends_with("machineconfigpool dpu-host")), "{calls:#?}");
    let at = |words: &str| {
        calls.iter().position(|call| call.contains(words)).unwrap_or_else(|| panic!("{words}: {calls:#?}"))
    };
    assert!(at("uncordon a") < at("cordon b"), "{calls:#?}");
    assert_eq!(calls.iter().filter(|call| call.contains("drain")).count(), 2, "each once: {calls:#?}");
    assert!(
        at("annotate node b dpu-cni/was-cordoned-") < at("90-machineconfig-configuration.yaml"),
        "{calls:#?}"
    );
    let again = cluster.uninstall().ok();
    assert!(again.out.ends_with("nothing of ours is left\n"), "{}", again.out);
    cluster.is_as_before(&[]);
}

/// By `STEPS`, and away again, on each kind of cluster: nothing is left of what was brought.
#[test]
fn what_steps_bring_goes_again() {
    for (kind, values) in [
        ("tenant", TENANT),
        ("infra", ""),
        ("tenant", "profile: kubernetes\nsriov: { physicalFunctions: [ens1f0] }\n"),
        ("infra", "profile: kubernetes\n"),
    ] {
        let cluster = Cluster::new(kind, values, &["a"]);
        // The operators' own.
        cluster.change(|state| {
            let objects = state["objects"].as_array_mut().expect("a list");
            objects.push(
                json!({ "kind": "MachineConfiguration", "metadata": { "name": "cluster" }, "spec": {} }),
            );
        });
        cluster.run("sh", &["-c", "sleep 30"]).ok();
        let before = things(&cluster);
        cluster.steps(&["a"]).ok();
        assert_ne!(things(&cluster), before);
        uninstall(&cluster).ok();
        assert_eq!(things(&cluster), before, "{kind} {values}");
        assert_eq!(cluster.state()["violations"], json!([]));
    }
}
