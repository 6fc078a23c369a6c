//! Away with it, while VFs are with pods, lost in transit, or at home under another name.

use node::{Node, Pod, Verb};

use super::kubernetes::follow;
use super::*;
use crate::support::TENANT;

/// A node with an installation and as many pods, each attached to a VF; what was there before us; and how the VFs were.
struct Installed {
    node: Node,
    pods: Vec<Pod>,
    files: Vec<String>,
    homes: Vec<Option<LinkState>>,
}

impl Installed {
    fn with_pods(count: u32) -> Installed {
        let node = Node::builder().vfs(count).privileged(false).start().unwrap();
        let (files, homes) = (files(&node), at_home(&node));
        follow(&render("tenant", "profile: kubernetes\nsriov: { physicalFunctions: [ens1f0] }"), node.root());
        let attach = |vf: usize| {
            let pod = node.pod("shop", &format!("web-{}", node.vfs()[vf].index)).unwrap();
            node.run("dpu-host", Verb::Add, &pod, &node.conf_for(&node.vfs()[vf])).unwrap().ok().unwrap();
            pod
        };
        let pods = (0..count as usize).map(attach).collect();
        Installed { node, pods, files, homes }
    }

    fn detach(&self, at: usize) {
        let conf = self.node.conf_for(&self.node.vfs()[at]);
        self.node.run("dpu-host", Verb::Del, &self.pods[at], &conf).unwrap().ok().unwrap();
    }

    fn uninstall(&self, more: &[&str]) -> Ran {
        deploy(&self.node, &[&["uninstall", "node"], more].concat())
    }

    /// Nothing of ours, every VF as it was.
    fn is_as_before(&self) {
        assert_eq!(at_home(&self.node), self.homes);
        assert_eq!(super::files(&self.node), self.files);
    }
}

#[test]
#[ignore = "of plugins as shipped: scripts/test release-tests"]
fn running_pods_are_in_the_way() {
    let installed = Installed::with_pods(2);
    installed.detach(0);
    let ran = installed.uninstall(&[]);
    assert_eq!(ran.code, 2);
    let device = installed.node.vfs()[1].device_id();
    let said =
        format!("refused: pod shop/web-1 still has its VF {device}: drain the node, or say --detach-pods\n");
    assert_eq!(ran.err, said);
    assert!(installed.pods[1].link("eth0").unwrap().is_some());

    installed.detach(1);
    installed.uninstall(&[]).ok();
    installed.is_as_before();
}

#[test]
#[ignore = "of plugins as shipped: scripts/test release-tests"]
fn told_to_it_takes_them_from_pods() {
    let installed = Installed::with_pods(2);
    let ran = installed.uninstall(&["--detach-pods"]).ok();
    assert!(ran.out.contains("2 records swept, every VF is at home"), "{}", ran.out);
    installed.is_as_before();
    assert!(installed.pods.iter().all(|pod| pod.links().unwrap().is_empty()));
}

/// The VF of one pod came back as `eth0` when its namespace died; that of another waits for its name.
#[test]
#[ignore = "of plugins as shipped: scripts/test release-tests"]
fn leaked_and_misnamed_vfs_come_home() {
    let installed = Installed::with_pods(2);
    let node = &installed.node;
    let name = &node.vfs()[1].name;
    node.change_host(&format!("link add dev {name} type bridge")).unwrap();
    installed.detach(1);
    node.lose_netns(&installed.pods[0]).unwrap();

    // No pod is left that would have to be drained.
    let ran = installed.uninstall(&[]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    let device = node.vfs()[1].device_id();
    assert!(ran.err.contains(&format!("not at home: {device} (waiting)")), "{}", ran.err);
    assert!(node.root().join("opt/cni/bin/dpu-host").exists(), "who else should bring it home?");

    node.change_host(&format!("link del {name}")).unwrap();
    installed.uninstall(&[]).ok();
    installed.is_as_before();
}

#[test]
#[ignore = "of plugins as shipped: scripts/test release-tests"]
fn what_a_machine_config_manages_stays() {
    let installed = Installed::with_pods(1);
    let rendered = render("tenant", TENANT);
    boot(&rendered, installed.node.root());
    let current = rendered.yaml("out/90-machineconfig-configuration.yaml");
    write(&installed.node.root().join("etc/machine-config-daemon/currentconfig"), current.to_string());
    let before = super::files(&installed.node);
    let ran = installed.uninstall(&["--detach-pods"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("/etc/dpu-cni/05-dpu-host.conflist is managed by a MachineConfig"),
        "{}",
        ran.err
    );
    assert_eq!(super::files(&installed.node), before);
    assert!(installed.pods[0].link("eth0").unwrap().is_some());
}
