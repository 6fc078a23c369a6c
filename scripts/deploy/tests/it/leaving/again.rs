//! A run that stops leaves nodes as open as they were, and another one goes on from there.

use serde_json::json;

use super::{Installed, ROLE};

#[test]
fn a_stopped_run_leaves_nodes_as_open() {
    let cluster = Installed::on(&["a"]);
    cluster.change(|state| state["undrainable"] = json!(["a"]));
    let ran = cluster.uninstall();
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("a cannot be drained"), "{}", ran.err);
    assert!(!cluster.cordoned("a"));
    assert!(!cluster.objects("SriovNetworkNodePolicy").is_empty());

    // It was somebody's before, and stays so, though both operators open it on their way.
    cluster.change_object("Node", "a", |node| node["spec"]["unschedulable"] = json!(true));
    assert_eq!(cluster.uninstall().code, 1);
    assert!(cluster.cordoned("a"), "somebody had closed it");
    cluster.change(|state| state["undrainable"] = json!([]));
    cluster.uninstall().ok();
    cluster.is_as_before(&["a"]);
}

/// Ended from outside after a number of commands that change something; then run again.
fn ended_after(commands: u64, signal: i32) {
    let cluster = Installed::on(&["a"]);
    cluster.change(|state| {
        state["killAfter"] = json!(commands);
        state["killWith"] = json!(signal);
    });
    let ran = cluster.uninstall();
    assert_ne!(ran.code, 0, "{}", ran.out);
    let annotated = cluster.node("a")["metadata"]["annotations"]["dpu-cni/was-cordoned"].is_string();
    assert_eq!(
        (cluster.cordoned("a"), annotated),
        (signal == KILL, signal == KILL),
        "{}{}",
        ran.out,
        ran.err
    );
    cluster.change(|state| state["killAfter"] = json!(null));
    cluster.uninstall().ok();
    cluster.is_as_before(&[]);
}

const KILL: i32 = 9;
const TERMINATE: i32 = 15;

/// After any command that changes something. Somebody had cordoned the node.
#[test]
fn it_can_be_stopped_anywhere_and_run_again() {
    let new = || {
        let cluster = Installed::on(&["a"]);
        cluster.change_object("Node", "a", |node| node["spec"]["unschedulable"] = json!(true));
        cluster
    };
    let whole = new();
    whole.uninstall().ok();
    whole.is_as_before(&["a"]);
    let calls = whole.state()["calls"].as_array().map_or(0, Vec::len);
    let every = std::env::var("STEPS_EVERY").ok().and_then(|every| every.parse().ok()).unwrap_or(3);
    for (kill_after, signal) in (6..calls).step_by(every).zip([KILL, TERMINATE].into_iter().cycle()) {
        let cluster = new();
        cluster.change(|state| {
            state["killAfter"] = json!(kill_after);
            state["killWith"] = json!(signal);
        });
        assert_ne!(cluster.uninstall().code, 0, "it was ended");
        cluster.change(|state| state["killAfter"] = json!(null));
        cluster.uninstall().ok();
        cluster.is_as_before(&["a"]);
    }
}

/// While the node is being drained: it is open again at once.
#[test]
fn it_can_be_ended_early_and_run_again() {
    ended_after(7, TERMINATE);
}

/// The node tells the next run how it was.
#[test]
fn it_can_be_killed_and_run_again() {
    ended_after(6, KILL);
}

/// Its configuration would go with the pool, and it would be Degraded for good.
#[test]
fn a_node_that_comes_meanwhile_keeps_the_pool() {
    let cluster = Installed::beside(&["a"], &["b"]);
    let calls = json!(["label", "node", "b", format!("{ROLE}=")]);
    cluster.change(|state| state["somebody"] = json!({ "after": "label node a", "calls": calls }));
    let ran = cluster.uninstall();
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("b came to us meanwhile: run this again"), "{}", ran.err);
    cluster.uninstall().ok();
    cluster.is_as_before(&[]);
}
