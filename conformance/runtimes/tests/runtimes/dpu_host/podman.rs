//! Under podman's CNI backend, which takes the pod's names from the environment and converts the result to 0.4.0.

use node::Node;
use runtimes::{Podman, Setup};
use serde_json::json;

use super::{records, setup, vfs_at_home};

#[test]
fn a_container_gets_a_vf_and_gives_it_back() {
    let node = Node::builder().privileged(false).start().unwrap();
    let before = vfs_at_home(&node);
    let device = node.vfs()[0].device_id();
    let configuration = json!({
        "cniVersion": "0.4.0",
        "name": "ovn-kubernetes",
        "plugins": [{ "type": "dpu-host", "deviceID": device }],
    });
    let setup = setup(&node).configuration("05-dpu-host.conflist", &configuration).unwrap();
    knows_its_node(&setup, &node);
    let Some(podman) = Podman::start(setup, Some(node.host().netns())).unwrap() else { return };

    let pod = node.pod("shop", "web-0").unwrap();
    let names = format!("IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_UID={}", pod.uid);
    let command = ["/bin/cat", "/sys/class/net/eth0/ifindex"];
    let ran = podman.container("ovn-kubernetes", &command, &[("CNI_ARGS", &names)]).unwrap();
    assert!(ran.status.success(), "podman said: {}", String::from_utf8_lossy(&ran.stderr));
    let index = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
    assert_eq!(index, before[0].as_ref().unwrap().index.to_string(), "eth0 is not the VF");

    assert_eq!(vfs_at_home(&node), before);
    assert_eq!(podman.leftovers().unwrap(), Vec::<String>::new());
    assert_eq!(records(&node), Vec::<String>::new());
}

/// podman leaves the end of a container to a process without its environment, so that the plugin must bring along
/// where the node's files are.
fn knows_its_node(setup: &Setup, node: &Node) {
    let installed = setup.plugins().join("dpu-host");
    let program = std::fs::read_link(&installed).unwrap();
    std::fs::remove_file(&installed).unwrap();
    let script =
        format!("#!/bin/sh\nDPU_CNI_ROOT='{}' exec '{}'\n", node.root().display(), program.display());
    std::fs::write(&installed, script).unwrap();
    std::fs::set_permissions(&installed, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}
