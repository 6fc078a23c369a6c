//! What is replaced while pods run: the plugin, and the runtime.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use node::{Card, Node};
use rstest::rstest;
use runtimes::{Kind, Runtime};
use testkit::binaries;

use super::cri::{RESOURCE, pod, start};
use super::{records, vfs_at_home};

/// Puts the plugin's file in place as the machine config daemon does: written beside it, renamed over it.
fn replace_plugin(runtime: &Runtime) {
    let installed = runtime.setup().plugins().join("dpu-host");
    let draft = installed.with_file_name(".dpu-host.new");
    fs::copy(binaries::plugin("dpu-host").unwrap(), &draft).unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(draft, installed).unwrap();
}

/// One pod runs and another one's ADD waits for the card when the plugin is replaced and then the runtime; a third one
/// comes afterwards. All of them reach each other, and their VFs come home.
#[rstest]
#[case::containerd(Kind::Containerd)]
#[case::crio(Kind::Crio)]
fn pods_outlive_the_plugin_and_the_runtime(#[case] kind: Kind) {
    if kind.skipped() {
        return;
    }
    let node = Node::builder().vfs(3).privileged(false).start().unwrap();
    let before = vfs_at_home(&node);
    let mut runtime = start(kind, &node);
    let pods = ["web-0", "web-1", "web-2"].map(|name| pod(&node, &runtime, name));
    for ((known, _), vf) in pods.iter().zip(node.vfs()) {
        node.allocate(known, RESOURCE, &[vf.device_id()]);
    }
    let first = runtime.cri().run_sandbox(&pods[0].1).unwrap();
    let container = runtime.cri().run_container(&first, &pods[0].1).unwrap();

    node.behave(|behaviour| behaviour.card = Card::Never);
    let heard = node.received().len();
    let second = thread::scope(|scope| {
        let waiting = scope.spawn(|| runtime.cri().run_sandbox(&pods[1].1));
        node.wait_received(heard + 1).unwrap();
        replace_plugin(&runtime);
        node.behave(|behaviour| behaviour.card = Card::Ready);
        waiting.join().unwrap().unwrap()
    });
    runtime.restart().unwrap();

    let cri = runtime.cri();
    let third = cri.run_sandbox(&pods[2].1).unwrap();
    for other in [&second, &third] {
        let address = cri.address(other).unwrap();
        cri.exec(&container, &["ping", "-c", "1", "-W", "5", &address]).unwrap();
    }
    for sandbox in [&first, &second, &third] {
        cri.remove_sandbox(sandbox).unwrap();
    }
    assert_eq!(vfs_at_home(&node), before);
    assert_eq!(runtime.leftovers().unwrap(), Vec::<String>::new());
    assert_eq!(records(&node), Vec::<String>::new());
}
