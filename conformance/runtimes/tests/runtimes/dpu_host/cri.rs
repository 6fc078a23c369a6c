//! Under runtimes that serve CRI.

use node::{self, Node};
use rstest::rstest;
use runtimes::{Kind, Pod, Runtime};
use serde_json::{Value, json};

use super::{records, setup, vfs_at_home};

pub(super) const RESOURCE: &str = "openshift.io/dpuvf";

/// Protocol 1.0.0, for containerd 1.6 refuses a result of 1.1.0.
fn configuration() -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "ovn-kubernetes",
        "plugins": [{ "type": "dpu-host", "resourceName": RESOURCE, "logFile": "/var/log/dpu-host.log" }],
    })
}

/// The runtime of this node.
pub(super) fn start(kind: Kind, node: &Node) -> Runtime {
    let setup = setup(node).configuration("05-dpu-host.conflist", &configuration()).unwrap();
    let runtime = Runtime::start(kind, setup, Some(node.host().netns())).unwrap();
    node.behave(|behaviour| behaviour.runtime_root = runtime.place().path("/"));
    runtime
}

/// A pod as the node's API server and the runtime know it.
pub(super) fn pod(node: &Node, runtime: &Runtime, name: &str) -> (node::Pod, Pod) {
    let known = node.pod("shop", name).unwrap();
    let pod = runtime.pod("shop", name).with_uid(&known.uid);
    (known, pod)
}

/// A pod on a node of its own, and what the kubelet gave it.
struct Stage {
    node: Node,
    before: Vec<Option<node::LinkState>>,
    runtime: Runtime,
    pod: Pod,
}

impl Stage {
    /// One that was given the first VF, or none.
    fn new(kind: Kind, given: bool) -> Stage {
        let node = Node::builder().start().unwrap();
        let before = vfs_at_home(&node);
        let runtime = start(kind, &node);
        let (known, pod) = pod(&node, &runtime, "web-0");
        let devices: Vec<&str> =
            node.vfs().iter().take(usize::from(given)).map(node::Vf::device_id).collect();
        node.allocate(&known, RESOURCE, &devices);
        Stage { node, before, runtime, pod }
    }

    /// The event of the pod, which is refused and leaves nothing.
    fn refused(&self) -> String {
        let refused = self.runtime.cri().run_sandbox(&self.pod).unwrap_err().to_string();
        assert_eq!(vfs_at_home(&self.node), self.before);
        assert_eq!(self.runtime.leftovers().unwrap(), Vec::<String>::new());
        refused
    }
}

/// Two pods, each with a VF that the kubelet gave it, whether the server plugs it in or leaves that to the plugin.
#[rstest]
#[case::containerd(Kind::Containerd)]
#[case::crio(Kind::Crio)]
fn pods_get_vfs_and_give_them_back(#[case] kind: Kind, #[values(true, false)] privileged: bool) {
    if kind.skipped() {
        return;
    }
    let node = Node::builder().privileged(privileged).start().unwrap();
    let before = vfs_at_home(&node);
    let runtime = start(kind, &node);
    let cri = runtime.cri();
    assert!(cri.network().unwrap().status);

    let pods = ["web-0", "web-1"].map(|name| pod(&node, &runtime, name));
    for ((known, _), vf) in pods.iter().zip(node.vfs()) {
        node.allocate(known, RESOURCE, &[vf.device_id()]);
    }
    let sandboxes = pods.each_ref().map(|(_, pod)| cri.run_sandbox(pod).unwrap());
    let container = cri.run_container(&sandboxes[0], &pods[0].1).unwrap();

    let index = cri.exec(&container, &["cat", "/sys/class/net/eth0/ifindex"]).unwrap();
    assert_eq!(index.trim(), before[0].as_ref().unwrap().index.to_string(), "eth0 is not the pod's VF");
    let given = &node.pod_object(&pods[0].0).unwrap().interfaces["eth0"];
    assert_eq!(cri.address(&sandboxes[0]).unwrap(), given.ips[0].ip().to_string());
    assert_eq!(vfs_at_home(&node), [None, None]);
    let other = cri.address(&sandboxes[1]).unwrap();
    cri.exec(&container, &["ping", "-c", "1", "-W", "5", &other]).unwrap();

    for sandbox in &sandboxes {
        cri.remove_sandbox(sandbox).unwrap();
    }
    assert_eq!(vfs_at_home(&node), before);
    assert_eq!(runtime.leftovers().unwrap(), Vec::<String>::new());
    assert_eq!(records(&node), Vec::<String>::new());
}

/// Kubelet gave it none: the event says what to add to the pod's spec, and nothing has moved.
#[rstest]
#[case::containerd(Kind::Containerd)]
#[case::crio(Kind::Crio)]
fn a_pod_without_a_vf_is_told(#[case] kind: Kind) {
    if kind.skipped() {
        return;
    }
    let stage = Stage::new(kind, false);
    let refused = stage.refused();
    let sentence = refused.split_once("plugin type=\"dpu-host\" failed (add): ").unwrap().1;
    assert!(sentence.starts_with("pod shop/web-0 "), "{sentence}");
    assert!(sentence.contains("resources.limits['openshift.io/dpuvf']: '1'"), "{sentence}");
    assert_eq!(records(&stage.node), Vec::<String>::new());
}

/// A card that does not connect the VF: the pod is refused, the VF is home, and the next sandbox gets it.
#[rstest]
#[case::containerd(Kind::Containerd)]
#[case::crio(Kind::Crio)]
fn a_returning_card_gives_the_vf(#[case] kind: Kind) {
    if kind.skipped() {
        return;
    }
    let stage = Stage::new(kind, true);
    let Stage { node, before, runtime, pod } = &stage;
    node.behave(|behaviour| behaviour.card = node::Card::Reports("the representor is missing".to_owned()));

    let refused = stage.refused();
    assert!(refused.contains("the representor is missing"), "{refused}");

    node.behave(|behaviour| behaviour.card = node::Card::Ready);
    let sandbox = runtime.cri().run_sandbox(pod).unwrap();
    assert_eq!(vfs_at_home(node)[0], None);
    runtime.cri().remove_sandbox(&sandbox).unwrap();
    assert_eq!(&vfs_at_home(node), before);
    assert_eq!(records(node), Vec::<String>::new());
}
