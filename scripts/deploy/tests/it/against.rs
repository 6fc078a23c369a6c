//! `render --against`: what the cluster has already and a rendering would get into the way of.

use serde_json::{Value, json};

use crate::support::{Place, Ran, TENANT};

const SRIOV: &str = "openshift-sriov-network-operator";

fn against(cluster: &str, values: &str, objects: &Value) -> Ran {
    let place = Place::new();
    place.write("cluster.json", json!({ "kind": "List", "items": objects }).to_string());
    place.render(cluster, values, &["--against", "cluster.json"])
}

/// Each of the objects must be refused by these words alone, and nothing said of it with the mended object.
fn refused(values: &str, objects: &Value, words: &str) {
    let ran = against("tenant", values, objects);
    let said: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("refused: ")).collect();
    assert_eq!((ran.code, said.len()), (2, 1), "{objects}: {}", ran.err);
    assert!(said[0].contains(words), "'{words}' is not in: {}", ran.err);
}

fn taken(values: &str, objects: &Value) -> String {
    let ran = against("tenant", values, objects).ok();
    let about_size = |line: &&str| !line.contains("pod VFs and a kubelet that takes");
    ran.err.lines().filter(about_size).collect::<Vec<_>>().join("\n")
}

fn policy(more: Value) -> Value {
    let mut policy = json!({
        "apiVersion": "sriovnetwork.openshift.io/v1", "kind": "SriovNetworkNodePolicy",
        "metadata": { "name": "telco", "namespace": SRIOV },
        "spec": {
            "resourceName": "telco", "numVfs": 16, "nodeSelector": { "node-role.kubernetes.io/worker": "" },
            "nicSelector": { "pfNames": ["ens1f0#16-17"] },
        },
    });
    policy["spec"].as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
    policy
}

fn pf(name: &str) -> Value {
    json!({ "pfNames": [name] })
}

fn worker(name: &str, labels: Value) -> Value {
    let mut node = json!({ "kind": "Node", "metadata": { "name": name, "labels": { "node-role.kubernetes.io/worker": "" } } });
    node["metadata"]["labels"]
        .as_object_mut()
        .expect("a map")
        .extend(labels.as_object().expect("a map").clone());
    node
}

fn pool(name: &str, role: &str) -> Value {
    let selector = json!({ "matchExpressions": [{ "key": "machineconfiguration.openshift.io/role", "operator": "In", "values": ["worker", name] }] });
    json!({
        "kind": "MachineConfigPool",
        "metadata": { "name": name, "labels": { format!("pools.operator.machineconfiguration.openshift.io/{name}"): "" } },
        "spec": { "machineConfigSelector": selector, "nodeSelector": { "matchLabels": { role: "" } } },
    })
}

#[test]
fn policies_that_want_the_same_vfs() {
    let cases = [
        (json!({ "nicSelector": pf("ens1f0#1-3") }), "takes VFs 1-3 of ens1f0, and sriov.pods.vfs is 1-15"),
        (
            json!({ "nicSelector": pf("ens1f0#0-0") }),
            "takes VFs 0-0 of ens1f0, and sriov.management.vfs is 0-0",
        ),
        (json!({ "numVfs": 18 }), "makes 18 VFs on ens1f0, and sriov.numVfs is 16"),
        (json!({ "externallyManaged": true }), "do not agree on who makes the VFs"),
        (json!({ "eSwitchMode": "switchdev" }), "sets ens1f0 to eSwitchMode \"switchdev\""),
        (
            json!({ "resourceName": "dpuvf" }),
            "puts VFs into the device pool dpuvf too: give sriov.pods.resource another name",
        ),
        (json!({ "resourceName": "mgmtvf" }), "give sriov.management.resource another name"),
    ];
    for (more, words) in cases {
        refused(TENANT, &json!([policy(more)]), words);
    }
    assert_eq!(taken(TENANT, &json!([policy(json!({}))])), "", "other VFs of the same port");
    assert_eq!(taken(TENANT, &json!([policy(json!({ "nicSelector": pf("ens2f0") }))])), "", "another port");
    let old = policy(json!({ "numVfs": 0, "nicSelector": pf("ens1f0") }));
    assert_eq!(taken(TENANT, &json!([old])), "", "the operator's own default policy");
    let mut ours = policy(json!({ "resourceName": "dpuvf", "nicSelector": pf("ens1f0#1-15") }));
    ours["metadata"]["name"] = json!("dpu-pods");
    assert_eq!(taken(TENANT, &json!([ours])), "", "ours of last time");
}

#[test]
fn policies_that_do_not_say_the_ports_name() {
    let all = policy(json!({ "nicSelector": { "vendor": "15b3" } }));
    let port = policy(json!({ "nicSelector": { "rootDevices": ["0000:03:00.0#1-2"] } }));
    for policy in [&all, &port] {
        let said = taken(TENANT, &json!([policy]));
        assert!(said.contains("warning: SriovNetworkNodePolicy telco may choose ens1f0 too"), "{said}");
    }
    let state = |address: &str, vendor: &str| {
        json!({ "kind": "SriovNetworkNodeState", "status": { "interfaces": [
            { "name": "ens1f0", "pciAddress": address, "vendor": vendor, "deviceID": "a2dc" }] } })
    };
    refused(TENANT, &json!([port, state("0000:03:00.0", "15b3")]), "takes VFs 1-2 of ens1f0");
    assert_eq!(taken(TENANT, &json!([port, state("0000:04:00.0", "15b3")])), "");
    assert_eq!(taken(TENANT, &json!([all, state("0000:03:00.0", "8086")])), "");
    let values = "sriov: { physicalFunctions: [ens1f0], vendor: 15b3 }\n";
    assert_eq!(
        taken(
            values,
            &json!([policy(json!({ "nicSelector": { "vendor": "8086", "pfNames": ["ens1f0"] } }))])
        ),
        ""
    );
}

#[test]
fn policies_of_other_nodes() {
    let on = |selector: Value| policy(json!({ "nicSelector": pf("ens1f0#1-15"), "nodeSelector": selector }));
    let role = json!({ "node-role.kubernetes.io/telco": "" });
    assert_eq!(taken(TENANT, &json!([on(role)])), "", "no node is of two roles");
    let capable = json!({ "feature.node.kubernetes.io/network-sriov.capable": "true" });
    refused(TENANT, &json!([on(capable.clone())]), "takes VFs 1-15");
    let ours = json!({ "network.operator.openshift.io/dpu-host": "" });
    assert_eq!(
        taken(TENANT, &json!([on(capable.clone()), worker("w1", ours.clone())])),
        "",
        "ours have no such label"
    );
    let mut both = ours.as_object().expect("a map").clone();
    both.extend(capable.as_object().expect("a map").clone());
    refused(TENANT, &json!([on(capable), worker("w1", Value::Object(both))]), "takes VFs 1-15");
    let said = taken(
        TENANT,
        &json!([policy(json!({
        "resourceName": "dpuvf", "nodeSelector": { "node-role.kubernetes.io/telco": "" } }))]),
    );
    assert!(said.contains("dpuvf too, on other nodes"), "{said}");
}

#[test]
fn where_the_sriov_daemon_runs() {
    let config = |selector: Value| json!({ "kind": "SriovOperatorConfig", "metadata": { "name": "default", "namespace": SRIOV }, "spec": { "configDaemonNodeSelector": selector } });
    refused(TENANT, &json!([config(json!({ "node-role.kubernetes.io/telco": "" }))]), "DPU hosts are none");
    assert_eq!(taken(TENANT, &json!([config(json!({}))])), "");
    assert_eq!(taken(TENANT, &json!([config(json!({ "node-role.kubernetes.io/worker": "" }))])), "");
    assert!(
        taken(TENANT, &json!([config(json!({ "sriov": "yes" }))])).contains("DPU hosts need these labels")
    );
}

#[test]
fn a_pool_of_that_name_and_nodes_of_two() {
    let role = "node-role.kubernetes.io/dpu-host";
    let place = Place::new();
    place.render("tenant", TENANT, &[]).ok();
    assert_eq!(taken(TENANT, &json!([place.yaml("out/10-machineconfigpool.yaml")])), "", "ours of last time");
    refused(
        TENANT,
        &json!([pool("dpu-host", "node-role.kubernetes.io/other")]),
        "MachineConfigPool dpu-host is there already, with another nodeSelector",
    );
    let node = worker("w1", json!({ role: "", "node-role.kubernetes.io/telco": "" }));
    let telco = pool("telco", "node-role.kubernetes.io/telco");
    refused(TENANT, &json!([node, telco]), "node w1 is in the pool telco too");
    assert_eq!(
        taken(TENANT, &json!([node, pool("worker", "node-role.kubernetes.io/worker")])),
        "",
        "no pool has that role"
    );
    assert_eq!(
        taken(TENANT, &json!([worker("w2", json!({ "node-role.kubernetes.io/telco": "" })), telco])),
        "",
        "none of ours"
    );
}

#[test]
fn settings_of_the_kubelet_that_would_be_lost() {
    let ours = format!("{TENANT}kubeletConfig: {{ maxPods: 100 }}\n");
    let config = |label: &str, settings: Value| {
        json!({ "kind": "KubeletConfig", "metadata": { "name": "site" }, "spec": { "kubeletConfig": settings,
            "machineConfigPoolSelector": { "matchLabels": { label: "" } } } })
    };
    let dpu = "pools.operator.machineconfiguration.openshift.io/dpu-host";
    let workers = "pools.operator.machineconfiguration.openshift.io/worker";
    let settings = json!({ "maxPods": 500, "systemReserved": {} });
    refused(&ours, &json!([config(dpu, json!({}))]), "KubeletConfig site is for the pool dpu-host too");
    refused(
        &ours,
        &json!([config(workers, settings.clone())]),
        "KubeletConfig site gives workers systemReserved, which",
    );
    assert_eq!(
        taken(&ours, &json!([config(workers, json!({ "maxPods": 500 }))])),
        "",
        "the site gives it anew"
    );
    assert_eq!(taken(&ours, &json!([config("custom", settings.clone())])), "", "another pool's");
    let mut labelled = pool("worker", "node-role.kubernetes.io/worker");
    labelled["metadata"]["labels"]["custom"] = json!("");
    refused(&ours, &json!([labelled, config("custom", settings.clone())]), "gives workers systemReserved");
    let profile = json!({ "kind": "PerformanceProfile", "metadata": { "name": "fast" }, "spec": { "nodeSelector": { "node-role.kubernetes.io/worker": "" } } });
    refused(
        &ours,
        &json!([profile]),
        "PerformanceProfile fast gives workers cpuManagerPolicy, reservedSystemCPUs",
    );
    assert_eq!(
        taken(TENANT, &json!([profile, config(dpu, settings)])),
        "",
        "without one of ours nothing is lost"
    );
}

#[test]
fn where_dns_runs() {
    let dns = |placement: Value| json!({ "apiVersion": "operator.openshift.io/v1", "kind": "DNS", "metadata": { "name": "default" }, "spec": { "nodePlacement": placement } });
    let everything = json!([{ "operator": "Exists" }]);
    refused(
        TENANT,
        &json!([dns(json!({ "tolerations": everything }))]),
        "DNS default tolerates network.operator.openshift.io/dpu-host=true:NoSchedule",
    );
    let infra = json!({ "node-role.kubernetes.io/infra": "" });
    assert_eq!(taken(TENANT, &json!([dns(json!({ "tolerations": everything, "nodeSelector": infra }))])), "");
    assert_eq!(
        taken(TENANT, &json!([dns(json!({ "tolerations": [{ "key": "other", "operator": "Exists" }] }))])),
        ""
    );
    let values = format!("{TENANT}dns: {{ nodeSelector: {{ kubernetes.io/os: linux }} }}\n");
    let objects =
        json!([dns(json!({ "nodeSelector": infra })), worker("w1", json!({ "kubernetes.io/os": "linux" }))]);
    refused(&values, &objects, "with dns.nodeSelector no node is left for it");
}

#[test]
fn the_cards_cluster_has_no_vfs() {
    let ran = against("infra", "", &json!([policy(json!({ "resourceName": "dpuvf" }))]));
    assert_eq!(ran.ok().err, "");
}
