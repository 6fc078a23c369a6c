//! Clusters without a machine config operator, of hosts and of cards.

use serde_json::{Value, json};

use crate::standin::Cluster;
use crate::support::Ran;

const KUBERNETES: &str = "profile: kubernetes\nsriov: { physicalFunctions: [ens1f0] }\n";

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
            "ssh worker-1 sudo install -D -m 0644 dpu-cni/etc/systemd/system/dpu-host-restore.path /etc/systemd/system/dpu-host-restore.path",
            "ssh worker-1 sudo install -D -m 0644 dpu-cni/etc/systemd/system/dpu-host-restore.service /etc/systemd/system/dpu-host-restore.service",
            "ssh worker-1 sudo install -D -m 0644 dpu-cni/etc/udev/rules.d/85-dpu-cni.rules /etc/udev/rules.d/85-dpu-cni.rules",
            "ssh worker-1 rm -rf dpu-cni",
            "ssh worker-1 sudo systemctl daemon-reload",
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

#[test]
fn a_pool_without_vfs_is_awaited_with_a_bound() {
    for offered in [("0", "15"), ("1", "0")] {
        let cluster = Cluster::new("tenant", KUBERNETES, &["worker-1"]);
        cluster.change(|state| {
            let objects = state["objects"].as_array_mut().expect("objects");
            objects.retain(|item| item["kind"] != "CustomResourceDefinition");
        });
        cluster.change_object("Node", "worker-1", |node| {
            node["status"]["allocatable"] =
                json!({ "openshift.io/mgmtvf": offered.0, "openshift.io/dpuvf": offered.1 });
        });
        let ran = cluster.steps(&["worker-1"]);
        assert_eq!(ran.code, 1, "{}", ran.out);
        let why =
            "a device plugin to offer VFs on worker-1: not within the time given (the node offers none yet)";
        assert!(ran.err.contains(why), "{}", ran.err);
    }
}
