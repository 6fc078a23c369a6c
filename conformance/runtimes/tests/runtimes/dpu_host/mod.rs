//! `dpu-host`: runtimes run in the host namespace of a simulated node, a pod's `eth0` is a VF of the node, pods reach
//! each other through the card, and with the pod the VF comes home.

mod cnitool;
mod cri;
mod podman;
mod upgrading;

use std::fs;

use node::{LinkState, Node};
use runtimes::Setup;
use testkit::binaries;

/// `dpu-host` installed beside `loopback`, which containerd attaches too, and told where the node's files are.
fn setup(node: &Node) -> Setup {
    let setup = Setup::new().unwrap().reference_plugin("loopback").unwrap();
    setup.plugin(&binaries::plugin("dpu-host").unwrap()).unwrap().env("DPU_CNI_ROOT", node.root())
}

/// The node's VFs as they are on its host: nothing for one that is away.
fn vfs_at_home(node: &Node) -> Vec<Option<LinkState>> {
    node.vfs().iter().map(|vf| node.host_link(&vf.name).unwrap()).collect()
}

/// What the plugin still keeps of attachments. Locks stay for good.
fn records(node: &Node) -> Vec<String> {
    let dirs = ["attachments", "devices", "untold"].map(|dir| node.root().join("run/dpu-cni").join(dir));
    let entries = dirs.iter().flat_map(|dir| fs::read_dir(dir).into_iter().flatten().flatten());
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !name.ends_with(".lock")).collect()
}
