//! What others say of a pair, and what is told to them.

use serde_json::{Value, json};

use super::nodes::{card, host};
use super::{A, C, matched};
use crate::support::Place;

/// A ConfigMap of the cards' cluster and one of the hosts', and a node with DPF's label.
fn objects(overrides: &str, label: &str) -> String {
    let of = |namespace: &str, data: Value| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "env-overrides", "namespace": namespace }, "data": data });
    let items = [
        of(
            "dpu",
            json!({ "bf-1": format!("# ours\nDPU_IP=192.168.111.57\nexport TENANT_K8S_NODE=\"{overrides}\"\n"), "bf-9": "TENANT_K8S_NODE=worker-9" }),
        ),
        of("openshift-ovn-kubernetes", json!({ "worker-1": "OVNKUBE_NODE_MGMT_PORT_NETDEV=ens1f0v0\n" })),
        json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "bf-1", "labels": { "provisioning.dpu.nvidia.com/host": label } } }),
    ];
    json!({ "kind": "List", "items": items }).to_string()
}

#[test]
fn what_others_say_is_held_against_a_pair() {
    let place = Place::new();
    let nodes = |named| [host("worker-1", None, &[A]), card("bf-1", None, &[A], Some(named))];
    place.write("objects.json", objects("worker-1", "worker-1"));
    let ran = matched(&place, &nodes("worker-1"), &["--objects", "objects.json"]).ok();
    assert!(
        ran.out.contains("host-k8s-nodename, env-overrides, label\n"),
        "in the order of the objects: {}",
        ran.out
    );
    place.write("objects.json", objects("worker-2", "worker-3"));
    let ran = matched(&place, &nodes("worker-4"), &["--objects", "objects.json"]);
    assert_eq!(ran.code, 1);
    for line in [
        "odd: bf-1 is in worker-1, but external_ids:host-k8s-nodename of its Open vSwitch names worker-4: mend it, see --as ovs\n",
        "odd: bf-1 is in worker-1, but the ConfigMap dpu/env-overrides names worker-2: mend it, see --as env-overrides\n",
        "odd: bf-1 is in worker-1, but the label provisioning.dpu.nvidia.com/host of its node names worker-3: mend it, see --as dpf\n",
        "verdict: 1 pair, 3 things are odd\n",
    ] {
        assert!(ran.out.contains(line), "{line}{}", ran.out);
    }
    assert!(ran.out.contains("worker-1  bf-1  MAC  ens1f0=pf0hpf  -\n"), "{}", ran.out);
}

/// To tell the card the other of two names would have it wait for a node that never comes.
#[test]
fn a_name_with_and_without_its_domain_is_unclear() {
    let place = Place::new();
    let nodes = [host("worker-1", None, &[A]), card("bf-1", None, &[A], Some("worker-1.example.com"))];
    let ran = matched(&place, &nodes, &["--as", "ovs"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(
        ran.err.ends_with("only one of the two is the node's name: make its inventory with --node\n"),
        "{}",
        ran.err
    );
    let nodes =
        [host("worker-1.example.org", None, &[A]), card("bf-1", None, &[A], Some("worker-1.example.com"))];
    assert!(matched(&place, &nodes, &[]).out.contains("mend it, see --as ovs"));
}

#[test]
fn sure_pairs_are_told_and_doubtful_ones_are_not() {
    let place = Place::new();
    let nodes = [
        host("worker-1", None, &[A]),
        card("bf-1", None, &[A], None),
        host("worker-2", Some("S1"), &[C]),
        card("bf-2", Some("S2"), &[C], None),
    ];
    let told = |more: &[&str], text: &str| {
        let ran = matched(&place, &nodes, more);
        assert_eq!((ran.code, ran.out.as_str()), (1, text));
        assert!(ran.err.starts_with("odd: worker-2 and bf-2 have an address in common"), "{}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    };
    told(
        &["--as", "ovs"],
        "ssh bf-1 sudo ovs-vsctl set Open_vSwitch . external_ids:host-k8s-nodename=worker-1\n",
    );
    told(&["--as", "dpf"], "kubectl label --overwrite node bf-1 provisioning.dpu.nvidia.com/host=worker-1\n");
    let map = |namespace: &str, file: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: env-overrides\n  namespace: {namespace}\ndata:\n  bf-1: |\n{file}    TENANT_K8S_NODE=worker-1\n"
        )
    };
    told(&["--as", "env-overrides"], &map("openshift-dpu-network-operator", ""));
    // Where it is already, with what else is in it, and nothing of other cards: applied on the server, they stay.
    place.write("objects.json", objects("worker-1", "worker-1"));
    told(
        &["--as", "env-overrides", "--objects", "objects.json"],
        &map("dpu", "    # ours\n    DPU_IP=192.168.111.57\n"),
    );
}
