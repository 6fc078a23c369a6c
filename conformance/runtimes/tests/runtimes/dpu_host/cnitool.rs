//! Called by cnitool, so by the library of every runtime: each protocol version, chains, capability arguments, and the
//! error text. Checks 134 to 138 of the suite's list.

use std::path::{Path, PathBuf};

use node::{Node, Pod};
use rstest::rstest;
use runtimes::cnitool::Done;
use runtimes::{Cnitool, Setup};
use serde_json::{Value, json};
use suite::{LONGEST, MATCHED, NOT_READY};
use testkit::binaries;

use super::{records, vfs_at_home};

/// cnitool on a simulated node, with one pod.
struct Site {
    cnitool: Cnitool,
    node: Node,
    pod: Pod,
    sandbox: PathBuf,
}

impl Site {
    /// With this configuration, whose first `dpu-host` gets the node's first VF unless `capability` asks for it.
    fn new(mut configuration: Value) -> Site {
        let node = Node::builder().privileged(false).start().unwrap();
        for plugin in configuration["plugins"].as_array_mut().unwrap() {
            if plugin["type"] == "dpu-host" && plugin.get("capabilities").is_none() {
                plugin["deviceID"] = json!(node.vfs()[0].device_id());
            }
        }
        let setup = Setup::new().unwrap().stub_plugin("stub").unwrap().env("DPU_CNI_ROOT", node.root());
        let setup = setup.recorded_plugin(&binaries::plugin("dpu-host").unwrap()).unwrap();
        let setup = setup.configuration("05-dpu-host.conflist", &configuration).unwrap();
        let cnitool = Cnitool::new(setup, Some(node.host().netns())).unwrap();
        let sandbox = cnitool.sandbox("pod").unwrap();
        let pod = node.pod("shop", "web-0").unwrap();
        Site { cnitool, node, pod, sandbox }
    }

    fn call(&self, verb: &str) -> Done {
        self.call_with(verb, &[])
    }

    fn call_with(&self, verb: &str, env: &[(&str, &str)]) -> Done {
        let (namespace, name, uid) = (&self.pod.namespace, &self.pod.name, &self.pod.uid);
        let names =
            format!("IgnoreUnknown=1;K8S_POD_NAMESPACE={namespace};K8S_POD_NAME={name};K8S_POD_UID={uid}");
        let env = [&[("CNI_ARGS", names.as_str())], env].concat();
        self.cnitool.call(verb, "ovn-kubernetes", Path::new(&self.sandbox), &env).unwrap()
    }

    /// The plugins and verbs that were called, in order, but for STATUS.
    fn order(&self) -> Vec<(String, String)> {
        let calls = self.cnitool.setup().calls().unwrap().into_iter().map(|call| (call.plugin, call.command));
        calls.filter(|(_, command)| command != "STATUS").collect()
    }
}

fn conflist(version: &str, plugins: &Value) -> Value {
    json!({ "cniVersion": version, "name": "ovn-kubernetes", "plugins": plugins })
}

/// The interface of this name in a result.
fn interface<'a>(result: &'a Value, name: &str) -> &'a Value {
    result["interfaces"].as_array().unwrap().iter().find(|interface| interface["name"] == name).unwrap()
}

/// Check 134: every verb over one plugin, the result in the configuration's version; and nothing is left.
#[rstest]
fn every_verb(#[values("0.4.0", "1.0.0", "1.1.0")] version: &str) {
    let site = Site::new(conflist(version, &json!([{ "type": "dpu-host" }])));
    let before = vfs_at_home(&site.node);
    site.call("status").ok().unwrap();
    let result = site.call("add").result().unwrap();
    assert_eq!(result["cniVersion"], version);
    assert_eq!(interface(&result, "eth0")["sandbox"], site.sandbox.to_str().unwrap());
    assert_eq!(result["ips"][0].get("version").is_some(), version == "0.4.0");
    assert_eq!(vfs_at_home(&site.node)[0], None);
    site.call("check").ok().unwrap();
    site.call("del").ok().unwrap();
    assert_eq!(vfs_at_home(&site.node), before);
    site.call("del").ok().unwrap();
    site.call("gc").ok().unwrap();
    assert!(site.cnitool.remembered().unwrap().is_empty());
    assert_eq!(records(&site.node), Vec::<String>::new());
}

/// Check 134: cnitool's GC keeps nothing, so it brings a VF home that is in use.
#[rstest]
fn gc_brings_vfs_home(#[values("0.4.0", "1.0.0", "1.1.0")] version: &str) {
    let site = Site::new(conflist(version, &json!([{ "type": "dpu-host" }])));
    let before = vfs_at_home(&site.node);
    site.call("add").ok().unwrap();
    site.call("gc").ok().unwrap();
    assert_eq!(vfs_at_home(&site.node), before);
    assert_eq!(records(&site.node), Vec::<String>::new());
}

/// Check 135: of several versions the library takes the highest that it knows.
#[test]
fn the_highest_version_is_taken() {
    let mut configuration = conflist("0.4.0", &json!([{ "type": "dpu-host" }]));
    configuration["cniVersions"] = json!(["0.4.0", "1.0.0", "1.1.0", "9.0.0"]);
    let site = Site::new(configuration);
    assert_eq!(site.call("add").result().unwrap()["cniVersion"], "1.1.0");
    assert_eq!(site.cnitool.setup().calls().unwrap()[0].stdin["cniVersion"], "1.1.0");
}

/// Check 136: before another plugin of a chain, it gets the chain's result with CHECK and DEL.
#[rstest]
fn first_in_a_chain(#[values("0.4.0", "1.0.0", "1.1.0")] version: &str) {
    let site = Site::new(conflist(version, &json!([{ "type": "dpu-host" }, { "type": "stub" }])));
    let before = vfs_at_home(&site.node);
    let result = site.call("add").result().unwrap();
    site.call("check").ok().unwrap();
    site.call("del").ok().unwrap();
    assert_eq!(vfs_at_home(&site.node), before);

    let order: Vec<String> =
        site.order().into_iter().map(|(plugin, verb)| format!("{verb} {plugin}")).collect();
    assert_eq!(
        order,
        ["ADD dpu-host", "ADD stub", "CHECK dpu-host", "CHECK stub", "DEL stub", "DEL dpu-host"]
    );
    let calls = site.cnitool.setup().calls().unwrap();
    for call in &calls[1..] {
        assert_eq!(call.stdin["prevResult"], result, "{} {}", call.command, call.plugin);
    }
}

/// Check 136: after another plugin of a chain it gets that one's result, and refuses: it makes the pod's first
/// interface. A DEL finds it there all the same.
#[rstest]
fn second_in_a_chain(#[values("0.4.0", "1.0.0", "1.1.0")] version: &str) {
    let site = Site::new(conflist(version, &json!([{ "type": "stub" }, { "type": "dpu-host" }])));
    let before = vfs_at_home(&site.node);
    let refused = site.call("add");
    assert!(!refused.success);
    assert!(refused.stderr.contains("dpu-host must be the first plugin of its list"), "{}", refused.stderr);
    site.call("del").ok().unwrap();
    let calls = site.cnitool.setup().calls().unwrap();
    assert_eq!(calls[1].stdin["prevResult"]["interfaces"][0]["name"], "stub0");
    assert_eq!(vfs_at_home(&site.node), before);
    assert_eq!(records(&site.node), Vec::<String>::new());
}

/// Check 137: the device may come as a capability argument, and only where the capability is declared.
#[rstest]
#[case::declared(true)]
#[case::undeclared(false)]
fn the_device_as_a_capability_argument(#[case] declared: bool) {
    let plugins = json!([{ "type": "dpu-host", "capabilities": { "deviceID": declared } }]);
    let site = Site::new(conflist("1.0.0", &plugins));
    let before = vfs_at_home(&site.node);
    let arguments = json!({ "deviceID": site.node.vfs()[0].device_id() }).to_string();
    let arguments = [("CAP_ARGS", arguments.as_str())];
    let added = site.call_with("add", &arguments);
    assert_eq!(added.success, declared, "{}", added.stderr);
    let delivered = site.cnitool.setup().calls().unwrap()[0].stdin.get("runtimeConfig").is_some();
    assert_eq!(delivered, declared);
    site.call_with("del", &arguments).ok().unwrap();
    assert_eq!(vfs_at_home(&site.node), before);
}

/// Check 138: what a person reads is one line, not long, and holds no phrase that kubelet, Multus or containerd take
/// for something else.
#[test]
fn the_sentence_survives_the_runtime() {
    let site = Site::new(conflist("1.1.0", &json!([{ "type": "dpu-host" }])));
    site.node.stop_server();
    let refused = site.call("add");
    let text = refused.stderr.trim_end_matches('\n');
    let sentence = text.strip_prefix("plugin type=\"dpu-host\" failed (add): ").unwrap();
    assert!(sentence.len() <= LONGEST, "{} bytes: {sentence}", sentence.len());
    for phrase in MATCHED.iter().chain([&NOT_READY, &"\n"]) {
        assert!(!sentence.contains(phrase), "{phrase:?} in {sentence}");
    }
    assert_eq!(records(&site.node), Vec::<String>::new());
}
