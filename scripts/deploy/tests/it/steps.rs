//! What `STEPS` does with a cluster: in which order, what it waits for, where it stops, and that it can be run again.

use serde_json::{Value, json};

use crate::standin::Cluster;
use crate::support::{Ran, TENANT};

const MODE: &str = "network.operator.openshift.io/dpu-host";
const ROLE: &str = "node-role.kubernetes.io/dpu-host";
const KUBERNETES: &str = "profile: kubernetes\nsriov: { physicalFunctions: [ens1f0] }\n";

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
    let mut config: Value =
        serde_json::from_str(&cluster.place.read("manifests/30-machineconfig-plugin.yaml.json"))
            .expect("JSON");
    config["spec"]["config"]["storage"]["files"][0]["contents"]["source"] = json!("data:,newer");
    cluster.place.write("manifests/30-machineconfig-plugin.yaml.json", config.to_string());
    let ran = cluster.steps(&["worker-1"]).ok();
    assert!(
        ran.out.contains("waiting for the machine config operator to bring worker-1 up to date"),
        "{}",
        ran.out
    );
    installed(&cluster, "worker-1");
}

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

fn without_openshift(cluster: &Cluster, name: &str) -> Ran {
    let ran = cluster.steps(&[name]).ok();
    let node = cluster.object("Node", name).expect("the node");
    assert_eq!(node["spec"]["unschedulable"], Value::Null, "{node}");
    assert_eq!(cluster.state()["violations"], json!([]));
    let calls = cluster.calls();
    assert!(calls.iter().all(|call| call.starts_with("kubectl ") && !call.contains(" adm ")), "{calls:#?}");
    ran
}

#[test]
fn without_openshift_files_come_by_ssh_and_policies_last() {
    let cluster = Cluster::new("tenant", KUBERNETES, &["worker-1"]);
    without_openshift(&cluster, "worker-1");
    let node = cluster.object("Node", "worker-1").expect("the node");
    assert_eq!(node["metadata"]["labels"]["k8s.ovn.org/dpu-host"], "");
    assert_eq!(node["status"]["allocatable"]["openshift.io/dpuvf"], "15");
    let ssh = cluster.place.read("cluster.json.ssh");
    let lines: Vec<&str> = ssh.lines().collect();
    assert_eq!(
        lines,
        [
            "ssh worker-1 true",
            "ssh worker-1 rm -rf dpu-cni",
            "scp -r node worker-1:dpu-cni",
            "ssh worker-1 sudo install -D -m 0755 dpu-cni/opt/cni/bin/dpu-host /opt/cni/bin/dpu-host",
            "ssh worker-1 sudo install -D -m 0644 dpu-cni/etc/cni/net.d/05-dpu-host.conflist /etc/cni/net.d/05-dpu-host.conflist",
            "ssh worker-1 sudo install -D -m 0644 dpu-cni/etc/udev/rules.d/85-dpu-cni.rules /etc/udev/rules.d/85-dpu-cni.rules",
            "ssh worker-1 rm -rf dpu-cni",
            "ssh worker-1 /opt/cni/bin/dpu-host",
        ]
    );
}

/// VFs and device plugin of the site's own.
#[test]
fn without_the_sriov_operator_its_objects_are_left_out() {
    let cluster = Cluster::new("tenant", KUBERNETES, &["worker-1"]);
    cluster.change(|state| {
        state["objects"].as_array_mut().expect("objects").retain(|item| {
            !["CustomResourceDefinition", "SriovOperatorConfig"]
                .contains(&item["kind"].as_str().unwrap_or_default())
        });
    });
    cluster.change_object("Node", "worker-1", |node| {
        node["status"]["allocatable"] = json!({ "openshift.io/mgmtvf": "1", "openshift.io/dpuvf": "3" });
    });
    let ran = without_openshift(&cluster, "worker-1");
    assert!(ran.out.contains("no SR-IOV operator is here"), "{}", ran.out);
    assert!(!cluster.calls().iter().any(|call| call.contains("sriov")), "{:#?}", cluster.calls());
}

#[test]
fn without_openshift_cards_get_a_kube_proxy() {
    let cluster = Cluster::new("infra", "profile: kubernetes\n", &["card-1", "card-2"]);
    without_openshift(&cluster, "card-1");
    let applied = cluster.state()["stdin"].as_str().expect("a manifest").to_owned();
    assert!(applied.contains("image: registry.k8s.io/kube-proxy:v1.36.2\n"), "{applied}");
    for words in ["value: \"192.0.2.1\"\n", "value: \"6443\"\n"] {
        assert!(applied.contains(words), "{applied}");
    }

    let cluster = Cluster::new("infra", "profile: kubernetes\n", &["card-1"]);
    cluster.change(|state| {
        let proxy = json!({ "kind": "Pod", "daemon": true, "metadata": { "name": "kube-proxy-x", "namespace": "kube-system", "labels": { "k8s-app": "kube-proxy" } },
            "spec": { "nodeName": "card-1" }, "status": { "phase": "Running" } });
        state["objects"].as_array_mut().expect("objects").push(proxy);
    });
    without_openshift(&cluster, "card-1");
    assert_eq!(cluster.state()["stdin"], Value::Null);

    let given = "profile: kubernetes\nkubeProxy: { image: mirror.example/kube-proxy:v1.35.1, server: 'https://[2001:db8::1]:8443' }\n";
    let cluster = Cluster::new("infra", given, &["card-1"]);
    cluster.change(|state| state["server"] = json!("https://127.0.0.1:6443"));
    without_openshift(&cluster, "card-1");
    let applied = cluster.state()["stdin"].as_str().expect("a manifest").to_owned();
    for words in ["image: mirror.example/kube-proxy:v1.35.1\n", "2001:db8::1", "8443"] {
        assert!(applied.contains(words), "{applied}");
    }
    let cluster = Cluster::new("infra", "profile: kubernetes\n", &["card-1"]);
    cluster.change(|state| state["server"] = json!("https://127.0.0.1:6443"));
    assert!(cluster.steps(&["card-1"]).err.contains("give kubeProxy.image and kubeProxy.server"));
}

/// The cluster is one that the order of before could not be followed on.
#[test]
fn the_stand_in_refuses_what_a_cluster_refuses() {
    let cluster = tenant(&["worker-1"]);
    let oc = |args: &[&str]| cluster.run("oc", args);
    let apply = ["apply", "-f", "61-sriovnetworknodepolicy-management.yaml"];
    assert!(oc(&apply).err.contains("no matched node is selected by the nodeSelector in CR dpu-management"));
    oc(&["label", "node", "worker-1", &format!("{MODE}=")]).ok();
    assert!(oc(&apply).err.contains("no supported NIC is selected by the nicSelector in CR dpu-management"));
    assert_eq!(cluster.state()["violations"].as_array().map(Vec::len), Some(1), "full of pods");
    assert!(oc(&["label", "node", "worker-1", &format!("{MODE}=x")]).err.contains("already has a value"));
    let cluster = tenant(&["worker-1"]);
    let oc = |args: &[&str]| cluster.run("oc", args);
    for manifest in ["10-machineconfigpool", "30-machineconfig-plugin"] {
        oc(&["apply", "-f", &format!("{manifest}.yaml")]).ok();
    }
    oc(&["adm", "cordon", "worker-1"]).ok();
    oc(&["label", "node", "worker-1", &format!("{ROLE}=")]).ok();
    cluster.run("sleep", &["60"]).ok();
    let desired = "jsonpath={.metadata.annotations.machineconfiguration\\.openshift\\.io/desiredConfig}";
    assert!(
        oc(&["get", "node", "worker-1", "-o", desired]).out.starts_with("rendered-worker-"),
        "cordoned: passed over"
    );
    oc(&["adm", "uncordon", "worker-1"]).ok();
    cluster.run("sleep", &["12"]).ok();
    assert!(oc(&["get", "node", "worker-1", "-o", desired]).out.starts_with("rendered-dpu-host-"));
}
