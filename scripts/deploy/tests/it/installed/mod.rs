//! Renderings on a node: decoded as the machine config daemon does it, or copied by the commands that render printed;
//! run from there by real runtimes; audited; and taken away again. The node is simulated, the plugins are those that
//! are shipped: unoptimised ones do not fit into a MachineConfig. `scripts/test release-tests` runs these.

mod kubernetes;
mod openshift;
mod removal;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use node::{LinkState, Node};
use runtimes::{Runtime, Setup};
use testkit::binaries;

use crate::ignition::decode;
use crate::support::{Place, Ran};

/// The resource that pods of a rendering ask for.
const RESOURCE: &str = "openshift.io/dpuvf";

/// A place with the plugins as shipped for this machine, rendered by values that say so.
fn render(cluster: &str, values: &str) -> Place {
    let arch = std::env::consts::ARCH;
    let place = Place::new();
    for plugin in ["dpu-host", "dpu-nic-placeholder"] {
        let bytes = fs::read(binaries::plugin(plugin).expect("built")).expect("the plugin");
        place.write(&format!("dist/{arch}/{plugin}"), bytes);
    }
    place.render(cluster, &format!("{values}\npool: {{ architecture: {arch} }}\n"), &[]).ok();
    place
}

/// Writes what the MachineConfigs of a rendering have, in the order of their names, and copies what a boot copies.
fn boot(place: &Place, root: &Path) {
    for name in place.list("out").iter().filter(|name| name.contains("-machineconfig-")) {
        for (path, file) in decode(&place.yaml(&format!("out/{name}"))) {
            let path = below(root, &path);
            write(&path, &file.content);
            fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).expect("a mode");
        }
    }
    let lines = fs::read_to_string(root.join("etc/tmpfiles.d/dpu-cni.conf")).unwrap_or_default();
    for line in lines.lines() {
        // tmpfiles.d(5): type, path, mode, user, group, age, argument. `C` copies what is not there yet.
        let [kind, path, .., source] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!(kind, "C");
        write(&below(root, path), fs::read(below(root, source)).expect("the source"));
    }
}

fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.strip_prefix('/').expect("an absolute path"))
}

fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
    fs::write(path, content).expect("a file");
}

/// What a runtime is given by the installation below `root`.
fn setup(root: &Path, plugins: &str, configurations: &str) -> Setup {
    Setup::installed(root.join(plugins), root.join(configurations))
        .expect("directories")
        .env("DPU_CNI_ROOT", root)
}

/// Has the simulated server find the sandboxes of a runtime, which has a mount namespace of its own.
fn serves(node: &Node, runtime: &Runtime) {
    node.behave(|behaviour| behaviour.runtime_root = runtime.place().path("/"));
}

/// The node's VFs as they are on its host; nothing for one that is away.
fn at_home(node: &Node) -> Vec<Option<LinkState>> {
    node.vfs().iter().map(|vf| node.host_link(&vf.name).expect("links")).collect()
}

/// Runs the program on the node, among its links.
fn deploy(node: &Node, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpu-cni"));
    command.args(args).arg("--root").arg(node.root());
    node.host().netns().run(|| command.output()).expect("its namespace").expect("the program runs").into()
}

/// The files below a node's root that are not the node's own: those of the kernel, the server and the kubelet.
fn files(node: &Node) -> Vec<String> {
    let all = Place::files_of(node.root());
    let theirs = ["sys/", "run/ovn-kubernetes/", "var/lib/kubelet/"];
    all.into_iter().filter(|path| !theirs.iter().any(|theirs| path.starts_with(theirs))).collect()
}
