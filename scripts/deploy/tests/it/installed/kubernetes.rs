//! By `STEPS` as it is: `ssh` and `scp` lead to the node's root; the client says of the node what the steps wait for.

use node::Node;
use runtimes::{Cnitool, Kind, Runtime};

use super::*;

const TENANT: &str = "profile: kubernetes\nsriov: { physicalFunctions: [ens1f0] }";
/// `ssh NODE sudo install -D -m MODE FROM TO`, and the like: every absolute path is one of the node, any other one of
/// the login's home there.
const SSH: &str = r#"#!/bin/bash
mkdir -p "$ROOT/root" && cd "$ROOT/root" || exit
shift
[[ $1 != sudo ]] || shift
words=()
for word; do [[ $word != /* ]] || word=$ROOT$word; words+=("$word"); done
exec "${words[@]}"
"#;
/// `scp -r FROM NODE:TO`, which copies into TO where that is there already.
const SCP: &str = "#!/bin/bash\nto=$ROOT/root/${3#NODE:}\nexec cp -r \"$2\" \"$to\"\n";
/// The node's, not this machine's: told of new units, and of nothing else.
const SYSTEMCTL: &str = "#!/bin/sh\n[ \"$*\" = daemon-reload ]\n";
/// One that has a kube-proxy, VFs, and no SR-IOV operator.
const CLIENT: &str = r#"#!/bin/sh
case "$*" in
*'conditions[?'*) echo True ;;
*allocatable*) echo '1 15' ;;
*phase*) echo Running ;;
esac
"#;

/// Runs the steps of a rendering, as often as an administrator does: an upgrade is another run.
pub(super) fn follow(place: &Place, root: &Path) {
    for (name, text) in [("ssh", SSH), ("scp", SCP), ("systemctl", SYSTEMCTL), ("kubectl", CLIENT)] {
        let path = place.write(&format!("bin/{name}"), text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["out/STEPS", "NODE"]).current_dir(place.path("")).env("PATH", path).env("ROOT", root);
    let ran: Ran = shell.output().expect("bash").into();
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

fn a_host_attaches_pods(kind: Kind) {
    if kind.skipped() {
        return;
    }
    let node = Node::builder().start().unwrap();
    let before = at_home(&node);
    follow(&render("tenant", TENANT), node.root());

    let setup = setup(node.root(), "opt/cni/bin", "etc/cni/net.d").reference_plugin("loopback").unwrap();
    let runtime = Runtime::start(kind, setup, Some(node.host().netns())).unwrap();
    serves(&node, &runtime);
    let pods = ["web-0", "web-1"].map(|name| {
        let known = node.pod("shop", name).unwrap();
        let pod = runtime.pod("shop", name).with_uid(&known.uid);
        (known, pod)
    });
    for ((known, _), vf) in pods.iter().zip(node.vfs()) {
        node.allocate(known, RESOURCE, &[vf.device_id()]);
    }
    let sandboxes = pods.each_ref().map(|(_, pod)| runtime.cri().run_sandbox(pod).unwrap());
    let container = runtime.cri().run_container(&sandboxes[0], &pods[0].1).unwrap();
    let other = runtime.cri().address(&sandboxes[1]).unwrap();
    runtime.cri().exec(&container, &["ping", "-c", "1", "-W", "5", &other]).unwrap();

    // An upgrade under running pods.
    let newer = render("tenant", &format!("{TENANT}\ndpuHost: {{ logLevel: debug }}"));
    follow(&newer, node.root());
    let conf = fs::read_to_string(node.root().join("etc/cni/net.d/05-dpu-host.conflist")).unwrap();
    assert!(conf.contains("debug"), "the second run has copied nothing: {conf}");
    for sandbox in &sandboxes {
        runtime.cri().remove_sandbox(sandbox).unwrap();
    }
    assert_eq!(at_home(&node), before);
    assert!(deploy(&node, &["uninstall", "node"]).ok().out.ends_with("nothing of ours is left\n"));
}

#[test]
#[ignore = "of plugins as shipped: scripts/test release-tests"]
fn a_host_with_containerd_attaches_pods() {
    a_host_attaches_pods(Kind::Containerd);
}

#[test]
#[ignore = "of plugins as shipped: scripts/test release-tests"]
fn a_host_with_crio_attaches_pods() {
    a_host_attaches_pods(Kind::Crio);
}

#[test]
#[ignore = "of plugins as shipped: scripts/test release-tests"]
fn a_card_refuses_pods() {
    let root = tempfile::tempdir().unwrap();
    follow(&render("infra", "profile: kubernetes"), root.path());
    let cnitool = Cnitool::new(setup(root.path(), "opt/cni/bin", "etc/cni/net.d"), None).unwrap();
    let sandbox = cnitool.sandbox("pod").unwrap();
    let names = [("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0")];
    let call = |verb| cnitool.call(verb, "dpu-nic-placeholder", &sandbox, &names).unwrap();
    call("status").ok().unwrap();
    let refused = call("add");
    assert!(!refused.success && refused.stderr.contains("pod shop/web-0 refused"), "{}", refused.stderr);
    call("del").ok().unwrap();
}
