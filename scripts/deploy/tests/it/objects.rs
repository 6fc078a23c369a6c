//! What an audit says of a cluster's objects, one fault at a time.

use serde_json::{Value, json};

use crate::support::Place;

const MODE: &str = "network.operator.openshift.io/dpu-host";
const WORKER: &str = "node-role.kubernetes.io/worker";
const ROLE: &str = "node-role.kubernetes.io/dpu-host";

/// A host as it should be.
fn node() -> Value {
    json!({
        "kind": "Node",
        "metadata": { "name": "a", "labels": { WORKER: "", ROLE: "", MODE: "" }, "annotations": {} },
        "spec": { "taints": [{ "key": MODE, "value": "true", "effect": "NoSchedule" }] },
        "status": { "allocatable": { "openshift.io/dpuvf": "15", "openshift.io/mgmtvf": "1" } },
    })
}

fn pool(name: &str) -> Value {
    let role = format!("node-role.kubernetes.io/{name}");
    json!({
        "kind": "MachineConfigPool", "metadata": { "name": name, "annotations": {} },
        "spec": { "nodeSelector": { "matchLabels": { role: "" } } },
        "status": { "machineCount": 1, "updatedMachineCount": 1 },
    })
}

fn config() -> Value {
    json!({
        "kind": "ConfigMap", "metadata": { "name": "hardware-offload-config" },
        "data": {
            "dpu-host-mode-label": format!("{MODE}="), "mgmt-port-resource-name": "openshift.io/mgmtvf",
            "mgmt-port-resource-count": "1", "dpu-node-lease-duration": "40", "dpu-node-lease-renew-interval": "10",
        },
    })
}

/// What is wrong with these, of the node, its pool and the configuration, as `change` leaves them.
fn wrong(change: impl FnOnce(&mut [Value; 4])) -> Vec<String> {
    let mut objects = [node(), pool("dpu-host"), config(), pool("worker")];
    change(&mut objects);
    wrong_of(&objects)
}

/// What is wrong with these.
fn wrong_of(objects: &[Value]) -> Vec<String> {
    let place = Place::new();
    place.write("objects.json", json!({ "kind": "List", "items": objects }).to_string());
    place.write("must-gather/cluster-scoped-resources/core/nodes/none.yaml", "");
    let ran = place.run(&["audit", "--root", "must-gather", "--objects", "objects.json"]);
    let bad = ran.out.lines().filter(|line| {
        !line.starts_with("ok ") && !line.starts_with("verdict: ") && !line.contains("none.yaml")
    });
    bad.map(str::to_owned).collect()
}

/// Exactly this.
fn says(change: impl FnOnce(&mut [Value; 4]), words: &[&str]) {
    let lines = wrong(change);
    assert_eq!(lines.len(), words.len(), "{words:?}: {lines:#?}");
    for (line, words) in lines.iter().zip(words) {
        assert!(line.contains(words), "'{words}' is not in {line}");
        assert!(line.contains(": "), "no remedy: {line}");
    }
}

#[test]
fn a_cluster_as_it_should_be() {
    says(|_| {}, &[]);
}

#[test]
fn a_cordoned_node() {
    says(|[node, ..]| node["spec"]["unschedulable"] = json!(true), &["a is cordoned: no pod comes"]);
    says(
        |[node, ..]| {
            node["spec"]["unschedulable"] = json!(true);
            node["metadata"]["annotations"]["dpu-cni/was-cordoned"] = json!("false");
        },
        &["a is cordoned by an installation or a removal that has not ended"],
    );
}

#[test]
fn two_pools_or_one_of_the_two_labels() {
    says(
        |[node, _, _, other]| {
            *other = pool("storage");
            node["metadata"]["labels"]["node-role.kubernetes.io/storage"] = json!("");
        },
        &["a is in the pools dpu-host and storage: the machine config operator serves neither"],
    );
    let without = |label: &'static str| {
        move |objects: &mut [Value; 4]| {
            objects[0]["metadata"]["labels"].as_object_mut().expect("labels").remove(label);
        }
    };
    says(
        without(ROLE),
        &[
            "a is in the mode network.operator.openshift.io/dpu-host and in no pool of its own: it gets no plugin: oc label node a node-role.kubernetes.io/dpu-host=",
        ],
    );
    says(without(MODE), &["a is in the pool dpu-host and in no mode", "no node has a mode label"]);
}

#[test]
fn a_taint_that_keeps_nobody_off() {
    says(
        |[node, ..]| node["spec"]["taints"][0]["effect"] = json!("PreferNoSchedule"),
        &["a is tainted network.operator.openshift.io/dpu-host with PreferNoSchedule only"],
    );
    says(|[node, ..]| node["spec"]["taints"][0]["effect"] = json!("NoExecute"), &[]);
}

#[test]
fn nothing_to_give() {
    says(
        |[node, ..]| node["status"]["allocatable"] = json!({ "cpu": "4" }),
        &["a offers no openshift.io/mgmtvf: ovnkube-node", "a offers no VFs"],
    );
    says(
        |[node, ..]| node["status"]["allocatable"]["openshift.io/mgmtvf"] = json!("0"),
        &["a offers no openshift.io/mgmtvf"],
    );
    says(|[node, ..]| node["status"]["allocatable"]["openshift.io/dpuvf"] = json!("0"), &["a offers no VFs"]);
}

#[test]
fn a_configuration_that_the_operator_does_not_take() {
    for count in ["0", "-1", "many"] {
        says(
            |[_, _, config, _]| config["data"]["mgmt-port-resource-count"] = json!(count),
            &["which degrades the network operator"],
        );
    }
    for (duration, interval, wrong) in
        [("10", "10", true), ("9", "10", true), ("soon", "10", true), ("40", "0", false), ("41", "40", false)]
    {
        let words: &[&str] =
            if wrong { &["the operator takes its defaults, 40 and 10, for both"] } else { &[] };
        says(
            |[_, _, config, _]| {
                config["data"]["dpu-node-lease-duration"] = json!(duration);
                config["data"]["dpu-node-lease-renew-interval"] = json!(interval);
            },
            words,
        );
    }
}

/// A host of another label is as good as one of the usual label to our plugin, but not to pods of the network operator.
#[test]
fn what_the_network_operator_ties_to_its_own_labels() {
    let bound =
        "network-metrics-daemon and network-check-target are kept off by network.operator.openshift.io/dpu";
    says(
        |[node, _, config, _]| {
            config["data"]["dpu-host-mode-label"] = json!("example.com/host=");
            node["metadata"]["labels"] = json!({ WORKER: "", ROLE: "", "example.com/host": "" });
            node["spec"]["taints"][0]["key"] = json!("example.com/host");
        },
        &[&format!("dpu-host-mode-label: example.com/host=; {bound}-host only")],
    );
    says(
        |[_, _, config, _]| config["data"]["dpu-mode-label"] = json!("example.com/card="),
        &[&format!(
            "{bound} only: their pods land on nodes of that label and never start, and error-cni, with Multus' \
             readiness file, does not come there: they degrade nothing"
        )],
    );
}

#[test]
fn a_pool_that_nothing_reaches() {
    says(
        |[_, pool, ..]| pool["status"]["updatedMachineCount"] = json!(0),
        &["none of its 1 nodes has its configuration"],
    );
    says(
        |[_, pool, ..]| pool["spec"]["paused"] = json!(true),
        &["machineconfigpool dpu-host is paused: nothing reaches"],
    );
    says(
        |[_, pool, ..]| {
            pool["spec"]["paused"] = json!(true);
            pool["metadata"]["managedFields"] =
                json!([{ "manager": "kubectl-patch", "fieldsV1": { "f:spec": { "f:paused": {} } } }]);
        },
        &["machineconfigpool dpu-host is paused by kubectl-patch: nothing reaches"],
    );
    says(
        |[_, pool, ..]| {
            pool["spec"]["paused"] = json!(true);
            pool["metadata"]["annotations"]["sriovnetwork.openshift.io/state"] = json!("Paused");
        },
        &["is paused by the SR-IOV operator, while it drains a node: wait"],
    );
}

#[test]
fn a_label_with_a_value_is_no_label() {
    says(
        |[node, ..]| node["metadata"]["labels"][MODE] = json!("true"),
        &[
            "error   node     a is labelled network.operator.openshift.io/dpu-host=true: the operator does not count it, and it gets no ovnkube-node",
        ],
    );
    says(
        |[a, _, _, b]| {
            *b = node();
            b["metadata"]["name"] = json!("b");
            a["metadata"]["labels"][MODE] = json!("true");
        },
        &[
            "warning node     a is labelled network.operator.openshift.io/dpu-host=true: the operator does not count it, and it gets ovnkube-node only while another",
        ],
    );
}

/// Objects of dynamic resource allocation beside the healthy ones.
fn with_more(more: &Value) -> Vec<String> {
    wrong_of(&[node(), pool("dpu-host"), config(), pool("worker"), more.clone()])
}

#[test]
fn vfs_of_a_device_plugin_and_a_driver() {
    let class = |resource: &str| json!({ "kind": "DeviceClass", "metadata": { "name": "vfs" }, "spec": { "extendedResourceName": resource } });
    let slice = |node: &str, resource: &str, basic: bool| {
        let attributes = json!({ "attributes": { "k8s.cni.cncf.io/resourceName": { "string": resource } } });
        let device = if basic { json!({ "name": "x", "basic": attributes }) } else { attributes };
        json!({ "kind": "ResourceSlice", "metadata": { "name": "s" },
            "spec": { "driver": "sriovnetwork.k8snetworkplumbingwg.io", "nodeName": node, "devices": [device, device] } })
    };
    for more in [
        class("openshift.io/dpuvf"),
        slice("a", "openshift.io/dpuvf", false),
        slice("a", "openshift.io/dpuvf", true),
    ] {
        let lines = with_more(&more);
        let [line] = lines.as_slice() else { panic!("{more}: {lines:#?}") };
        assert!(line.contains("openshift.io/dpuvf on a is given by a device plugin, and by"), "{line}");
        assert!(line.contains("given twice: take the pool out of one of the two"), "{line}");
    }
    for more in [
        class("openshift.io/other"),
        slice("b", "openshift.io/dpuvf", false),
        slice("a", "openshift.io/other", false),
    ] {
        assert_eq!(with_more(&more), [] as [&str; 0], "{more}");
    }
}

#[test]
fn a_node_whose_vfs_are_given_by_claim_offers_none() {
    let class = json!({ "kind": "DeviceClass", "metadata": { "name": "vfs" }, "spec": { "extendedResourceName": "openshift.io/dpuvf" } });
    says(
        |[node, _, _, last]| {
            node["status"]["allocatable"] = json!({ "openshift.io/mgmtvf": "1" });
            *last = class;
        },
        &[],
    );
}

#[test]
fn a_driver_that_moves_vfs_itself() {
    let driver = |image: &str, mode: &str| {
        let container = json!({ "image": image, "env": [{ "name": "CONFIGURATION_MODE", "value": mode }] });
        json!({ "kind": "DaemonSet", "metadata": { "name": "d", "namespace": "sriov" },
            "spec": { "template": { "spec": { "containers": [container] } } } })
    };
    let lines = with_more(&driver("ghcr.io/k8snetworkplumbingwg/dra-driver-sriov:v1", "STANDALONE"));
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };
    assert!(line.starts_with("error") && line.contains("sriov/d runs in STANDALONE mode"), "{line}");
    assert_eq!(
        with_more(&driver("ghcr.io/k8snetworkplumbingwg/dra-driver-sriov:v1", "MULTUS")),
        [] as [&str; 0]
    );
    let lines = with_more(&driver("registry.k8s.io/networking/dranet:v1.0.0", ""));
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };
    assert!(line.starts_with("warning") && line.contains("DraNet (sriov/d) moves"), "{line}");
}
