//! A cluster gives back what was rendered for it: the script of `uninstall cluster`, among operators that do by
//! themselves what theirs do.

mod again;
mod order;
mod stops;

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
    cluster.run("sh", &["-c", script, env!("CARGO_BIN_EXE_dpu-cni"), &path("bin"), &path("out")])
}

/// A cluster with some hosts, as an installation leaves them.
struct Installed {
    cluster: Cluster,
    nodes: &'static [&'static str],
}

impl Installed {
    fn on(nodes: &'static [&'static str]) -> Self {
        Installed::beside(nodes, &[])
    }

    /// Beside other workers.
    fn beside(nodes: &'static [&'static str], others: &[&str]) -> Self {
        let cluster = Cluster::new("tenant", TENANT, &[nodes, others].concat());
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
