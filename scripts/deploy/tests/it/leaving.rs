//! A cluster gives back what was rendered for it: the script of `uninstall cluster`, among operators that do by
//! themselves what theirs do.

use serde_json::{Value, json};

use crate::standin::Cluster;
use crate::support::{Ran, TENANT};

const ROLE: &str = "node-role.kubernetes.io/dpu-host";
const MODE: &str = "network.operator.openshift.io/dpu-host";
const CONFIG: &str = "machineconfiguration.openshift.io/currentConfig";

/// From another directory than the one that the rendering was named from.
pub(crate) fn uninstall(cluster: &Cluster) -> Ran {
    let path = |name: &str| cluster.place.path(name).display().to_string();
    let script = "cd / && DPU_CNI_SCRIPTS=$1 exec \"$0\" uninstall cluster --run \"$2\"";
    cluster.run("sh", &["-c", script, env!("CARGO_BIN_EXE_deploy"), &path("bin"), &path("out")])
}

/// A cluster with some hosts, as an installation leaves them.
struct Installed {
    cluster: Cluster,
    nodes: &'static [&'static str],
}

impl Installed {
    fn on(nodes: &'static [&'static str]) -> Self {
        let cluster = Cluster::new("tenant", TENANT, nodes);
        let files = cluster.place.list("manifests");
        let manifests = files.iter().filter(|file| !file.contains("sample"));
        let manifests: Vec<Value> = manifests
            .map(|file| {
                serde_json::from_str(&cluster.place.read(&format!("manifests/{file}"))).expect("JSON")
            })
            .filter(|manifest: &Value| manifest["kind"] != "Pod")
            .collect();
        cluster.change(|state| state["objects"].as_array_mut().expect("a list").extend(manifests));
        for name in nodes {
            cluster.change_object("Node", name, |node| {
                node["metadata"]["labels"][ROLE] = json!("");
                node["metadata"]["labels"][MODE] = json!("");
                node["spec"]["taints"] = json!([{ "key": MODE, "value": "true", "effect": "NoSchedule" }]);
                node["inMode"] = json!(true);
            });
        }
        // The operators bring it about.
        cluster.run("sh", &["-c", "sleep 90"]).ok();
        cluster.change(|state| state["calls"] = json!([]));
        let installed = Installed { cluster, nodes };
        assert_eq!(installed.pod_vfs(nodes[0]), json!("15"), "as installed");
        installed
    }

    fn uninstall(&self) -> Ran {
        uninstall(&self.cluster)
    }

    fn state(&self) -> Value {
        self.cluster.state()
    }

    fn change(&self, change: impl FnOnce(&mut Value)) {
        self.cluster.change(change);
    }

    fn change_object(&self, kind: &str, name: &str, change: impl FnOnce(&mut Value)) {
        self.cluster.change_object(kind, name, change);
    }

    fn remove(&self, kind: &str) {
        self.change(|state| {
            state["objects"].as_array_mut().expect("a list").retain(|object| object["kind"] != kind);
        });
    }

    fn objects(&self, kind: &str) -> Vec<Value> {
        let state = self.state();
        let objects = state["objects"].as_array().expect("a list").iter();
        objects.filter(|object| object["kind"] == kind).cloned().collect()
    }

    fn node(&self, name: &str) -> Value {
        self.objects("Node").into_iter().find(|node| node["metadata"]["name"] == name).expect("the node")
    }

    fn pod_vfs(&self, node: &str) -> Value {
        self.node(node)["status"]["allocatable"]["openshift.io/dpuvf"].clone()
    }

    fn cordoned(&self, node: &str) -> bool {
        self.node(node)["spec"]["unschedulable"] == true
    }

    /// Nothing of ours, and nodes that are plain workers, closed only where `cordoned` says so.
    fn is_as_before(&self, cordoned: &[&str]) {
        for name in self.nodes {
            let node = self.node(name);
            let metadata = &node["metadata"];
            assert_eq!(metadata["labels"], json!({ "node-role.kubernetes.io/worker": "" }), "{node}");
            let config = metadata["annotations"][CONFIG].as_str().expect("a configuration");
            assert!(config.starts_with("rendered-worker-"), "{node}");
            assert_eq!(metadata["annotations"]["machineconfiguration.openshift.io/state"], "Done");
            assert_eq!(metadata["annotations"].as_object().map(serde_json::Map::len), Some(3), "{node}");
            assert_eq!(node["spec"]["taints"].as_array().map_or(0, Vec::len), 0, "{node}");
            assert_eq!(self.cordoned(name), cordoned.contains(name), "{node}");
            assert_eq!(self.pod_vfs(name), Value::Null);
        }
        assert!(self.objects("SriovNetworkNodePolicy").is_empty() && self.objects("ConfigMap").is_empty());
        let names = |kind| {
            self.objects(kind).iter().map(|object| object["metadata"]["name"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(names("MachineConfigPool"), ["worker"]);
        assert!(
            names("MachineConfig")
                .iter()
                .all(|name| name.as_str().is_some_and(|name| name.starts_with("rendered-worker")))
        );
        assert_eq!(self.state()["violations"], json!([]));
    }
}

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
    assert!(
        at("annotate node b dpu-cni/was-cordoned-") < at("90-machineconfig-configuration.yaml"),
        "{calls:#?}"
    );
    let again = cluster.uninstall().ok();
    assert!(again.out.ends_with("nothing of ours is left\n"), "{}", again.out);
    cluster.is_as_before(&[]);
}

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

#[test]
fn ordinary_states_do_not_stop_it() {
    let cluster = Installed::on(&["a"]);
    cluster.change_object("Node", "a", |node| node["spec"]["taints"] = json!([]));
    for kind in ["CustomResourceDefinition", "SriovNetworkNodePolicy", "SriovNetworkNodeState", "ConfigMap"] {
        cluster.remove(kind);
    }
    cluster.change_object("Node", "a", |node| node["status"]["allocatable"] = json!({}));
    cluster.uninstall().ok();
    cluster.is_as_before(&[]);
}

#[test]
fn what_would_never_end_is_said_at_once() {
    let pool = |change: fn(&mut Value)| {
        let cluster = Installed::on(&["a"]);
        cluster.change_object("MachineConfigPool", "dpu-host", change);
        cluster.uninstall().err
    };
    let said = pool(|pool| pool["spec"]["paused"] = json!(true));
    assert!(
        said.contains("machineconfigpool dpu-host is paused, by somebody: nothing reaches its nodes"),
        "{said}"
    );
    let said = pool(|pool| {
        pool["status"]["conditions"] =
            json!([{ "type": "Degraded", "status": "True", "message": "node a says so" }]);
    });
    assert!(said.contains("machineconfigpool dpu-host is Degraded: node a says so"), "{said}");

    let cluster = Installed::on(&["a"]);
    cluster.change(|state| state["degrading"] = json!({ "a": "no space left" }));
    let ran = cluster.uninstall();
    assert!(
        ran.err.contains("machineconfigpool worker is Degraded: Node a is reporting: \"no space left\""),
        "{}",
        ran.err
    );
    assert!(!cluster.objects("MachineConfigPool").iter().all(|pool| pool["metadata"]["name"] != "dpu-host"));
}

#[test]
fn a_vf_away_from_home_keeps_the_node() {
    let cluster = Installed::on(&["a"]);
    let says = |text: &str| {
        let printed = serde_json::to_string_pretty(&serde_json::from_str::<Value>(text).expect("JSON"));
        cluster.change(|state| state["debug"] = json!({ "a": printed.expect("text") }));
    };
    says(
        r#"[{"device":"0000:03:00.2","state":"free","pod":null},{"device":"0000:03:00.3","pf":"x","state":"orphaned","pod":"a/b"},
            {"device":"0000:03:00.4","state":"used","pod":"c/d"},{"device":"0000:82:00.2","state":"foreign"}]"#,
    );
    let ran = cluster.uninstall();
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let why = "every VF of a to be at home: not within the time given (0000:03:00.3 is orphaned: \
               /var/lib/cni/bin/dpu-host vfs --release 0000:03:00.3 there, 0000:03:00.4 is used)";
    assert!(ran.err.contains(why), "{}", ran.err);
    assert!(!cluster.cordoned("a"));
    assert_eq!(cluster.node("a")["metadata"]["labels"][MODE], "");
    says(r#"[{"device":"0000:03:00.2","state":"free"},{"device":"0000:82:00.2","state":"foreign"}]"#);
    cluster.uninstall().ok();
    cluster.is_as_before(&[]);
}

/// Objects by kind and name, and nodes as they are, but for what comes and goes by itself.
pub(crate) fn things(cluster: &Cluster) -> Vec<String> {
    let state = cluster.state();
    let objects = state["objects"].as_array().expect("a list").iter();
    let lasting = |object: &&Value| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        object["kind"] != "Pod" && !name.starts_with("rendered-dpu")
    };
    let objects = objects.filter(lasting).map(|object| {
        let metadata = &object["metadata"];
        let ours = object["kind"] == "Node";
        let node =
            ours.then(|| format!(" {} {} {}", metadata["labels"], metadata["annotations"], object["spec"]));
        format!("{} {}{}", object["kind"], metadata["name"], node.unwrap_or_default())
    });
    let mut things: Vec<String> = objects.collect();
    things.sort();
    things
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
