//! Through MachineConfigs.

use std::fs;

use node::Node;
use runtimes::{Cnitool, Kind, Runtime, place};
use serde_json::json;

use super::*;
use crate::support::TENANT;

/// What is on a node of OpenShift before us, and what its operators write meanwhile.
fn red_hat(root: &Path) {
    write(
        &root.join("etc/crio/crio.conf.d/00-default"),
        "[crio.network]\nnetwork_dir = \"/etc/kubernetes/cni/net.d/\"\nplugin_dirs = [\"/var/lib/cni/bin\"]\n",
    );
    let multus = root.join("var/lib/cni/bin/multus-shim");
    write(&multus, "a program");
    fs::set_permissions(&multus, fs::Permissions::from_mode(0o755)).expect("a mode");
    let conf = json!({
        "cniVersion": "1.1.0", "name": "multus-cni-network", "type": "multus-shim",
        "readinessindicatorfile": "/host/run/multus/cni/net.d/10-ovn-kubernetes.conf",
    });
    write(&root.join("etc/kubernetes/cni/net.d/00-multus.conf"), conf.to_string());
    let conf = json!({ "cniVersion": "1.1.0", "name": "ovn-kubernetes", "type": "ovn-k8s-cni-overlay" });
    write(&root.join("run/multus/cni/net.d/10-ovn-kubernetes.conf"), conf.to_string());
}

/// The conflist that Multus takes for the default network, called as its library does it.
#[test]
#[ignore = "of plugins as shipped: scripts/test release-tests"]
fn a_host_attaches_pods() {
    let node = Node::builder().start().unwrap();
    let before = at_home(&node);
    let place = render("tenant", TENANT);
    red_hat(node.root());
    boot(&place, node.root());

    let setup = setup(node.root(), "var/lib/cni/bin", "run/multus/cni/net.d");
    let cnitool = Cnitool::new(setup, Some(node.host().netns())).unwrap();
    node.behave(|behaviour| behaviour.runtime_root = cnitool.place().path("/"));
    let sandbox = cnitool.sandbox("pod").unwrap();
    let pod = node.pod("shop", "web-0").unwrap();
    node.allocate(&pod, RESOURCE, &[node.vfs()[0].device_id()]);
    let names = format!("IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_UID={}", pod.uid);
    let call = |verb| cnitool.call(verb, "ovn-kubernetes", &sandbox, &[("CNI_ARGS", &names)]).unwrap();

    call("status").ok().unwrap();
    let result = call("add").result().unwrap();
    assert_eq!(result["cniVersion"], "1.1.0");
    assert_eq!(result["ips"].as_array().unwrap().len(), 2, "{result}");
    assert_eq!(at_home(&node), [None, before[1].clone()]);
    call("check").ok().unwrap();
    assert!(fs::read_to_string(node.root().join("var/log/dpu-host.log")).unwrap().contains("shop/web-0"));

    let audit = deploy(&node, &["audit", "--vfs", &inventory(&node, &cnitool, &place)]);
    assert_eq!(audit.code, 0, "{}{}", audit.out, audit.err);
    assert!(
        audit.out.contains("pods' default network is ours") && audit.out.contains("1 used"),
        "{}",
        audit.out
    );
    call("del").ok().unwrap();
    assert_eq!(at_home(&node), before);
}

/// Where `dpu-host vfs --json` of the installed plugin has been written to, run where sandboxes can be seen.
fn inventory(node: &Node, cnitool: &Cnitool, place: &Place) -> String {
    let mut command = Command::new(node.root().join("var/lib/cni/bin/dpu-host"));
    command.args(["vfs", "--json"]).env("DPU_CNI_ROOT", node.root());
    place.write("vfs.json", place::run(cnitool.place(), &mut command).unwrap()).display().to_string()
}

/// The runtime takes the placeholder's file before Multus': Ready at once, whatever becomes of Multus.
fn a_card_is_ready_and_refuses(kind: Kind) {
    if kind.skipped() {
        return;
    }
    let place = render("infra", "");
    let root = tempfile::tempdir().unwrap();
    red_hat(root.path());
    boot(&place, root.path());

    let setup = setup(root.path(), "var/lib/cni/bin", "etc/kubernetes/cni/net.d");
    let runtime = Runtime::start(kind, setup.reference_plugin("loopback").unwrap(), None).unwrap();
    assert!(runtime.cri().network().unwrap().status);
    let refused = runtime.cri().run_sandbox(&runtime.pod("shop", "web-0")).unwrap_err().to_string();
    let sentence = "plugin type=\"dpu-nic-placeholder\" failed (add): pod shop/web-0 refused: this DPU NIC node has no \
                    pod network; set hostNetwork: true";
    assert!(refused.contains(sentence), "{refused}");
    assert_eq!(runtime.leftovers().unwrap(), Vec::<String>::new());
    let pod = runtime.pod("shop", "agent").on_host_network();
    let sandbox = runtime.cri().run_sandbox(&pod).unwrap();
    runtime.cri().remove_sandbox(&sandbox).unwrap();
}

#[test]
#[ignore = "of plugins as shipped: scripts/test release-tests"]
fn a_card_with_containerd_is_ready_and_refuses() {
    a_card_is_ready_and_refuses(Kind::Containerd);
}

#[test]
#[ignore = "of plugins as shipped: scripts/test release-tests"]
fn a_card_with_crio_is_ready_and_refuses() {
    a_card_is_ready_and_refuses(Kind::Crio);
}
