//! A cluster to try commands on, without one: `oc`, `kubectl` and `sleep` in front of operators that behave as the real
//! ones are known to (`standin/`). Its time passes only with its calls, so nothing here waits.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::{Place, Ran, TENANT};

/// What came along `ssh` and `scp`, and what was taken off a node: noted.
const SSH: &str = "#!/bin/sh\necho \"${0##*/} $*\" >>\"$CLUSTER.ssh\"\n";

/// A rendering, and the cluster that it is for.
pub(crate) struct Cluster {
    pub(crate) place: Place,
    server: Child,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.server.stdin.take());
        let _ended = self.server.wait();
    }
}

impl Cluster {
    /// With workers of these names, long up and full of pods; each has a card, and everything that an installation needs.
    pub(crate) fn new(cluster: &str, values: &str, nodes: &[&str]) -> Self {
        let place = Place::new();
        place.render(cluster, values, &["--kubernetes-version", "1.36"]).ok();
        let upstream = values.contains("profile: kubernetes");
        for file in place.list("out").iter().filter(|file| file.ends_with(".yaml") && !file.contains("55-")) {
            let name = file.rsplit('/').next().expect("a name");
            if !file.starts_with("release/") {
                let manifest = light(place.yaml(&format!("out/{file}")));
                place.write(&format!("manifests/{name}.json"), manifest.to_string());
            }
        }
        for name in ["oc", "kubectl", "sleep"] {
            program(&place, name, include_str!("standin/client.sh"));
        }
        for name in ["ssh", "scp", "uninstall"] {
            program(&place, name, SSH);
        }
        let state = place.write("cluster.json", objects(&place, cluster, upstream, nodes).to_string());
        Cluster { place, server: serve(&state) }
    }

    /// All of it.
    pub(crate) fn state(&self) -> Value {
        serde_json::from_str(&self.place.read("cluster.json")).expect("JSON")
    }

    /// Somebody else, or chance, changes something.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut state = self.state();
        change(&mut state);
        self.place.write("cluster.json", state.to_string());
    }

    /// An object by kind and name.
    pub(crate) fn object(&self, kind: &str, name: &str) -> Option<Value> {
        let state = self.state();
        let objects = state["objects"].as_array()?;
        objects.iter().find(|item| item["kind"] == kind && item["metadata"]["name"] == name).cloned()
    }

    /// Changes one object.
    pub(crate) fn change_object(&self, kind: &str, name: &str, change: impl FnOnce(&mut Value)) {
        self.change(|state| {
            let objects = state["objects"].as_array_mut().expect("objects");
            let found =
                objects.iter_mut().find(|item| item["kind"] == kind && item["metadata"]["name"] == name);
            change(found.unwrap_or_else(|| panic!("no {kind} {name}")));
        });
    }

    /// Somebody renders anew.
    pub(crate) fn change_manifest(&self, file: &str, change: impl FnOnce(&mut Value)) {
        let path = format!("manifests/{file}.json");
        let mut manifest = serde_json::from_str(&self.place.read(&path)).expect("JSON");
        change(&mut manifest);
        self.place.write(&path, manifest.to_string());
    }

    /// The commands so far that may have changed something, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        let state = self.state();
        let calls = state["calls"].as_array().expect("calls");
        calls.iter().map(|call| call.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// All commands so far but `sleep`, each once.
    pub(crate) fn asked(&self) -> Vec<String> {
        let state = self.state();
        let asked = state["asked"].as_array().expect("calls");
        asked.iter().map(|call| call.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Runs a command where these clients are found first.
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Ran {
        let path =
            format!("{}:{}", self.place.path("bin").display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new(program);
        command.args(args).current_dir(self.place.path("")).env("PATH", path);
        command.env("CLUSTER", self.place.path("cluster.json")).output().expect("it runs").into()
    }

    /// Follows the printed steps.
    pub(crate) fn steps(&self, args: &[&str]) -> Ran {
        self.run("sh", &[&["out/STEPS"], args].concat())
    }
}

/// Without the bytes of a plugin, which every call would read and write.
fn light(mut manifest: Value) -> Value {
    if manifest["kind"] != "MachineConfig" {
        return manifest;
    }
    let files = manifest["spec"]["config"]["storage"]["files"].as_array_mut();
    for file in files.into_iter().flatten() {
        let length = file["contents"]["source"].as_str().map_or(0, str::len);
        file["contents"]["source"] = json!(format!("data:,{length}"));
    }
    manifest
}

/// Whoever answers the clients' calls, once it can be asked.
fn serve(state: &Path) -> Child {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/standin/server.py");
    let mut command = Command::new(python());
    command.args(["-BS".as_ref(), program.as_os_str(), state.as_os_str()]);
    let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut line).expect("it starts");
    assert_eq!(line, "ready\n");
    server
}

/// Python itself, not a script that looks for one at each start.
fn python() -> &'static str {
    static FOUND: OnceLock<String> = OnceLock::new();
    FOUND.get_or_init(|| {
        let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
        let asked: Ran = asked.expect("python3").into();
        asked.ok().out.trim().to_owned()
    })
}

fn program(place: &Place, name: &str, text: &str) {
    let path = place.write(&format!("bin/{name}"), text);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}

fn objects(place: &Place, cluster: &str, upstream: bool, nodes: &[&str]) -> Value {
    let settings = place.read("out/STEPS");
    let mode = settings.lines().find_map(|line| line.strip_prefix("mode='")).expect("the mode label");
    let mut objects: Vec<Value> = nodes.iter().map(|name| node(name)).collect();
    objects.extend(nodes.iter().map(|name| {
        json!({ "kind": "Pod", "metadata": { "name": format!("web-of-{name}"), "namespace": "shop" },
            "spec": { "nodeName": name }, "status": { "phase": "Running" } })
    }));
    let cards: serde_json::Map<String, Value> =
        nodes.iter().map(|name| ((*name).to_owned(), card())).collect();
    if !upstream {
        objects.push(json!({ "kind": "ClusterVersion", "metadata": { "name": "version" }, "status": { "desired": { "version": "4.23.1" } } }));
        objects.push(json!({ "kind": "MachineConfigPool", "metadata": { "name": "worker" },
            "spec": { "nodeSelector": { "matchLabels": { "node-role.kubernetes.io/worker": "" } } } }));
    }
    if cluster == "tenant" {
        objects.push(json!({ "kind": "CustomResourceDefinition", "metadata": { "name": "sriovnetworknodepolicies.sriovnetwork.openshift.io" } }));
        let namespace = if upstream { "sriov-network-operator" } else { "openshift-sriov-network-operator" };
        objects.push(json!({ "kind": "SriovOperatorConfig", "metadata": { "name": "default", "namespace": namespace }, "spec": {} }));
    }
    let resources = json!({ "resources": [{ "name": "mutatingadmissionpolicies" }, { "name": "validatingadmissionpolicies" }] });
    json!({
        "now": 0, "fresh": !upstream, "upstream": upstream, "cluster": cluster, "mode": mode.trim_end_matches("='"),
        "asked": [], "calls": [], "applied": [], "violations": [], "nics": cards, "objects": objects,
        "manifests": place.path("manifests"), "debug": {}, "degrading": {}, "undrainable": [],
        "raw": { "/apis/admissionregistration.k8s.io/v1": resources, "/version": { "gitVersion": "v1.36.2+more" } },
    })
}

fn node(name: &str) -> Value {
    json!({
        "kind": "Node",
        "metadata": { "name": name, "labels": { "node-role.kubernetes.io/worker": "" }, "annotations": {} },
        "spec": {},
        "status": { "conditions": [{ "type": "Ready", "status": "True" }], "allocatable": {} },
    })
}

fn card() -> Value {
    let port = |name: &str| json!({ "name": name, "vendor": "15b3", "deviceID": "a2dc", "totalvfs": 16 });
    json!([port("ens1f0"), port("ens1f1")])
}

/// The cluster is one that the order of before could not be followed on.
#[test]
fn the_stand_in_refuses_what_a_cluster_refuses() {
    let cluster = Cluster::new("tenant", TENANT, &["worker-1"]);
    let oc = |args: &[&str]| cluster.run("oc", args);
    let apply = ["apply", "-f", "61-sriovnetworknodepolicy-management.yaml"];
    assert!(oc(&apply).err.contains("no matched node is selected by the nodeSelector in CR dpu-management"));
    oc(&["label", "node", "worker-1", "network.operator.openshift.io/dpu-host="]).ok();
    assert!(oc(&apply).err.contains("no supported NIC is selected by the nicSelector in CR dpu-management"));
    assert_eq!(cluster.state()["violations"].as_array().map(Vec::len), Some(1), "full of pods");
    assert!(
        oc(&["label", "node", "worker-1", "network.operator.openshift.io/dpu-host=x"])
            .err
            .contains("already has a value")
    );
    let cluster = Cluster::new("tenant", TENANT, &["worker-1"]);
    let oc = |args: &[&str]| cluster.run("oc", args);
    for manifest in ["10-machineconfigpool", "30-machineconfig-plugin"] {
        oc(&["apply", "-f", &format!("{manifest}.yaml")]).ok();
    }
    oc(&["adm", "cordon", "worker-1"]).ok();
    oc(&["label", "node", "worker-1", "node-role.kubernetes.io/dpu-host="]).ok();
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
