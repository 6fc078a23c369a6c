//! `dpu-nic-placeholder` on a card's node.

use cluster::{Role, objects};
use serde_json::json;

use super::support::start;

/// What kubelet and runtime write before and after a plugin's sentence.
fn sentence(event: &str) -> &str {
    event.split_once("plugin type=\"dpu-nic-placeholder\" failed (add): ").expect(event).1
}

#[test]
fn a_card_is_ready_runs_host_network_pods_and_refuses_every_other_one() {
    let cluster = start(Role::Card { keys: json!({}) });
    cluster.until_node_ready("True").unwrap();

    let mut host = objects::pod_without_vf("host");
    host["spec"]["hostNetwork"] = json!(true);
    cluster.apply(&[host, objects::pod_without_vf("web")]).unwrap();
    let host = cluster.until_runs("host").unwrap();
    assert_eq!(host["status"]["podIP"], cluster::ADDRESS);

    let event = cluster.until_event("web", "FailedCreatePodSandBox").unwrap();
    assert_eq!(
        sentence(&event),
        "pod default/web refused: this DPU NIC node has no pod network; set hostNetwork: true in the pod spec, or keep the \
         pod off DPU NIC nodes (nodeSelector, affinity or taint)"
    );
    cluster.kubectl(&["delete", "pod", "web", "host", "--wait=false"]).unwrap();
    cluster.until_gone("web").unwrap();
    cluster.until_gone("host").unwrap();
}

#[test]
fn a_card_that_its_administrator_declares_not_ready_is_not() {
    let status = json!({"status": {"code": 50, "message": "firmware update until noon"}});
    let cluster = start(Role::Card { keys: status });
    let why = cluster.until_node_ready("False").unwrap();
    assert!(why.contains("firmware update until noon"), "{why}");
}
