//! Removal: its order, its refusals, and what is left.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::json;

use crate::support::{Place, Ran, TENANT};

/// A plugin's two commands that removal needs, without links: it sweeps records, and has no VF.
const STAND_IN: &str = r#"#!/bin/sh
vfs=$DPU_CNI_ROOT/vfs.json
case "$*" in
"vfs --json") cat "$vfs" 2>/dev/null || echo '[]'; exit ;;
"vfs --release "*" --yes --force") echo "$3" >>"$DPU_CNI_ROOT/released"; echo '[]' >"$vfs"; exit ;;
esac
[ "$CNI_COMMAND" = GC ] && grep -q '"cni.dev/valid-attachments":\[\]' && rm -f "$DPU_CNI_ROOT"/run/dpu-cni*/attachments/*.json
"#;

fn node(files: &[&str]) -> Place {
    let place = Place::new();
    for file in files {
        place.write(&format!("root{file}"), "x");
    }
    place
}

fn host() -> Place {
    let place = node(&[
        "/etc/tmpfiles.d/dpu-cni.conf",
        "/etc/udev/rules.d/85-dpu-cni.rules",
        "/etc/systemd/system/dpu-host-restore.path",
        "/etc/systemd/system/dpu-host-restore.service",
        "/run/dpu-cni.restore",
        "/etc/dpu-cni/05-dpu-host.conflist",
        "/var/log/dpu-host.log",
        "/var/lib/cni/bin/multus-shim",
        "/run/dpu-cni/devices/0000:03:00.2.lock",
    ]);
    let conf =
        json!({ "name": "n", "plugins": [{ "type": "dpu-host", "logFile": "/var/log/dpu-host.log" }] });
    place.write("root/run/multus/cni/net.d/05-dpu-host.conflist", conf.to_string());
    place.write("root/run/multus/cni/net.d/10-ovn-kubernetes.conf", r#"{"type":"ovn-k8s-cni-overlay"}"#);
    let binary = place.write("root/var/lib/cni/bin/dpu-host", STAND_IN);
    fs::set_permissions(binary, fs::Permissions::from_mode(0o755)).expect("a mode");
    place
}

/// A record, and what the plugin says of its VF.
fn attach(place: &Place, state: &str) {
    let record = json!({ "attachment": { "network": "n" }, "pod": { "namespace": "shop", "name": "web" } });
    place.write("root/run/dpu-cni/attachments/a.json", record.to_string());
    says(place, state);
}

fn says(place: &Place, state: &str) {
    let row = json!([
        { "device": "0000:03:00.2", "state": state, "pod": "shop/web" },
        { "device": "0000:03:00.3", "state": "free" },
        { "device": "0000:82:00.2", "state": "foreign" },
    ]);
    place.write("root/vfs.json", row.to_string());
}

#[test]
fn a_node_loses_only_what_is_ours() {
    let place = host();
    attach(&place, "free");
    let ran = place.run(&["uninstall", "node", "--root", "root"]).ok();
    fs::remove_file(place.path("root/vfs.json")).expect("removed");
    assert_eq!(
        place.list("root"),
        ["run/multus/cni/net.d/10-ovn-kubernetes.conf", "var/lib/cni/bin/multus-shim"]
    );
    let at = |words: &str| ran.out.find(words).unwrap_or_else(|| panic!("no {words} in {}", ran.out));
    assert!(at("removed /run/multus/cni/net.d/05-dpu-host.conflist") < at("1 records swept"));
    assert!(
        at("1 records swept, every VF is at home") < at("removed /var/lib/cni/bin/dpu-host"),
        "a DEL needs the binary"
    );
    assert_eq!(place.run(&["uninstall", "node", "--root", "root"]).ok().out, "nothing of ours is here\n");
}

#[test]
fn pods_keep_their_vfs_unless_told() {
    let place = host();
    let refusals = [
        ("used", "pod shop/web still has its VF 0000:03:00.2: drain the node, or say --detach-pods"),
        ("lost", "pod shop/web still has its VF 0000:03:00.2: drain the node, or say --detach-pods"),
        (
            "orphaned",
            "pod shop/web is gone, and a sandbox of it still holds VF 0000:03:00.2: free it with `dpu-host vfs --release \
             0000:03:00.2`, or say --detach-pods",
        ),
    ];
    for (state, refusal) in refusals {
        attach(&place, state);
        let before = place.list("root");
        let ran = place.run(&["uninstall", "node", "--root", "root"]);
        assert_eq!(ran.code, 2);
        assert_eq!(ran.err, format!("refused: {refusal}\n"));
        assert_eq!(place.list("root"), before, "nothing was touched");
    }
    let before = place.list("root");
    let would = place.run(&["uninstall", "node", "--root", "root", "--detach-pods", "--dry-run"]).ok().out;
    assert!(would.contains("would bring the VFs of 1 records home\n"), "{would}");
    assert_eq!(place.list("root"), before);
    let did = place.run(&["uninstall", "node", "--root", "root", "--detach-pods"]).ok().out;
    for removed in did.lines().filter_map(|line| line.strip_prefix("removed ")) {
        assert!(would.contains(&format!("would remove {removed}\n")), "{would}");
    }
    assert_eq!(place.read("root/released"), "0000:03:00.2\n", "what GC leaves to a process is freed by name");
    assert!(!place.path("root/run/dpu-cni").exists());
}

#[test]
fn the_binary_stays_while_a_vf_is_away() {
    let place = host();
    for state in ["leaked", "waiting"] {
        attach(&place, state);
        let ran = place.run(&["uninstall", "node", "--root", "root"]);
        assert!(ran.err.contains(&format!("not at home: 0000:03:00.2 ({state})")), "{}", ran.err);
    }
    attach(&place, "free");
    place.write(
        "root/var/lib/cni/bin/dpu-host",
        "#!/bin/sh\n[ \"$1\" = vfs ] && cat \"$DPU_CNI_ROOT/vfs.json\"\nexit 0\n",
    );
    let ran = place.run(&["uninstall", "node", "--root", "root"]);
    assert!(ran.err.contains("1 records are left in /run/dpu-cni"), "{}", ran.err);
    assert!(place.path("root/var/lib/cni/bin/dpu-host").exists());
    fs::remove_file(place.path("root/var/lib/cni/bin/dpu-host")).expect("removed");
    let ran = place.run(&["uninstall", "node", "--root", "root"]);
    assert!(ran.err.contains("no dpu-host to bring their VFs home"), "{}", ran.err);
}

#[test]
fn a_state_directory_of_a_configurations_own_goes_too() {
    let place = host();
    let record = json!({ "attachment": { "network": "second" }, "pod": { "namespace": "a", "name": "b" } });
    place.write("root/run/dpu-cni-second/attachments/b.json", record.to_string());
    let ran = place.run(&["uninstall", "node", "--root", "root"]).ok();
    assert!(
        ran.out.contains("1 records swept") && !place.path("root/run/dpu-cni-second").exists(),
        "{}",
        ran.out
    );
}

const CARD: &[&str] = &["/opt/cni/bin/dpu-nic-placeholder", "/etc/cni/net.d/99-loopback.conf"];

#[test]
fn a_list_is_known_by_what_it_calls() {
    let list = r#"{"cniVersion":"0.4.0","name":"p","plugins":[{"type":"dpu-nic-placeholder","logFile":"/var/log/p.log"}]}"#;
    let single = r#"{"cniVersion":"0.4.0","name":"p","Type":"dpu-nic-placeholder"}"#;
    let places = [
        ("etc/cni/net.d/00-placeholder.conflist", list),
        ("etc/cni/net.d/00-a.conf", single),
        ("etc/cni/net.d/00-a.json", single),
        ("etc/cni/net.d/old.conflist.bak", list),
        ("etc/cni/net.d/p/10-a.conf", single),
        ("etc/cni/multus/net.d/a.conf", single),
        ("etc/kubernetes/cni/net.d/00-a.conflist", list),
        ("run/multus/cni/net.d/10-ovn-kubernetes.conf", single),
        ("etc/elsewhere/00-a.conflist", list),
    ];
    for (path, text) in places {
        let place = node(CARD);
        place.write(&format!("root/{path}"), text);
        place.write("root/var/log/p.log", "");
        if path.contains("elsewhere") {
            place.write("root/etc/crio/crio.conf", "[crio.network]\nnetwork_dir = \"/etc/elsewhere\"\n");
        }
        place.run(&["uninstall", "node", "--root", "root"]).ok();
        let left = place.list("root");
        assert!(!left.contains(&path.to_owned()), "{path} calls a binary that is gone");
        assert_eq!(left.contains(&"var/log/p.log".to_owned()), text != list, "{path}");
    }
}

#[test]
fn a_binary_that_others_call_stays() {
    let others = [
        ("50-mine.conflist", r#"{"name":"m","plugins":[{"type":"dpu-nic-placeholder"},{"type":"tuning"}]}"#),
        ("50-mine.conf", r#"{"name":"m","type":"meta","delegates":[{"type":"dpu-nic-placeholder"}]}"#),
        ("m/50-mine.conf", r#"{"type":"meta","inner":{"deep":[{"TYPE":"dpu-nic-placeholder"}]}}"#),
    ];
    for (name, text) in others {
        let place = node(CARD);
        place.write(&format!("root/etc/cni/net.d/{name}"), text);
        let before = place.list("root");
        let ran = place.run(&["uninstall", "node", "--root", "root"]);
        assert_eq!(ran.code, 2);
        let why = format!("refused: /etc/cni/net.d/{name} calls our plugin among others, and is not ours");
        assert!(ran.err.starts_with(&why), "{}", ran.err);
        assert_eq!(place.list("root"), before, "nothing was touched");
    }
    let place = node(CARD);
    place.write("root/etc/cni/net.d/50-other.conf", r#"{"name":"dpu-nic-placeholder","type":"other"}"#);
    place.write("root/etc/cni/net.d/50-mine.conflist.bak", others[0].1);
    place.run(&["uninstall", "node", "--root", "root"]).ok();
    assert!(!place.path("root/opt/cni/bin/dpu-nic-placeholder").exists());
}

#[test]
fn multus_chooses_anew_before_the_binary_goes() {
    let place = host();
    let multus = r#"{"name":"multus-cni-network","type":"multus-shim","delegates":[{"name":"n","plugins":[{"type":"dpu-host"}]}]}"#;
    place.write("root/etc/cni/net.d/00-multus.conf", multus);
    let would = place.run(&["uninstall", "node", "--root", "root", "--dry-run"]).ok().out;
    assert!(would.contains("would stop here until Multus is restarted"), "{would}");
    let ran = place.run(&["uninstall", "node", "--root", "root"]);
    assert_eq!(ran.code, 2);
    let why =
        "/etc/cni/net.d/00-multus.conf still calls our plugin, whose binary stays for that: restart Multus";
    assert!(ran.err.contains(why), "{}", ran.err);
    assert!(place.path("root/var/lib/cni/bin/dpu-host").exists());
    assert!(
        !place.path("root/run/multus/cni/net.d/05-dpu-host.conflist").exists(),
        "or it would choose us again"
    );
    place.write("root/etc/cni/net.d/00-multus.conf", r#"{"type":"multus-shim"}"#);
    place.run(&["uninstall", "node", "--root", "root"]).ok();
    assert!(!place.path("root/var/lib/cni/bin/dpu-host").exists());
}

#[test]
fn a_foreign_machine_configs_list_is_not_touched() {
    let place = node(CARD);
    place.write("root/etc/cni/net.d/00-a.conf", r#"{"type":"dpu-nic-placeholder"}"#);
    let file = json!({ "path": "/etc/cni/net.d/00-a.conf", "contents": { "source": "data:," } });
    let config = json!({ "spec": { "config": { "storage": { "files": [file] } } } });
    place.write("root/etc/machine-config-daemon/currentconfig", config.to_string());
    let ran = place.run(&["uninstall", "node", "--root", "root"]);
    assert!(ran.err.contains("/etc/cni/net.d/00-a.conf is managed by a MachineConfig"), "{}", ran.err);
}

#[test]
fn what_a_machine_config_manages_is_not_touched() {
    let place = host();
    place.render("tenant", TENANT, &[]).ok();
    place.write(
        "root/etc/machine-config-daemon/currentconfig",
        place.yaml("out/90-machineconfig-configuration.yaml").to_string(),
    );
    let before = place.list("root");
    let ran = place.run(&["uninstall", "node", "--root", "root"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains(
            "/etc/tmpfiles.d/dpu-cni.conf is managed by a MachineConfig: remove the MachineConfig instead"
        ),
        "{}",
        ran.err
    );
    assert_eq!(place.list("root"), before);
}

#[test]
fn a_card_is_left_clean_too() {
    let place = node(&[
        "/opt/cni/bin/dpu-nic-placeholder",
        "/etc/cni/net.d/00-dpu-nic-placeholder.conflist",
        "/etc/cni/net.d/99-loopback.conf",
    ]);
    place.run(&["uninstall", "node", "--root", "root"]).ok();
    assert_eq!(place.list("root"), ["etc/cni/net.d/99-loopback.conf"]);
}

#[test]
fn a_cluster_is_undone_backwards() {
    let place = Place::new();
    let values = format!("{TENANT}attachments: [{{ name: a, namespace: b, resource: c }}]\n");
    place.render("tenant", &values, &["--kubernetes-version", "1.36"]).ok();
    let ran = place.run(&["uninstall", "cluster", "out"]).ok();
    let set = |name: &str| {
        let start = format!("{name}='");
        let line = ran.out.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix('\''));
        line.unwrap_or_else(|| panic!("no {name}: {}", ran.out)).to_owned()
    };
    assert_eq!(set("rendered"), place.path("out").canonicalize().expect("a path").display().to_string());
    assert_eq!(set("pool"), "dpu-host");
    assert_eq!(set("role"), "node-role.kubernetes.io/dpu-host");
    assert_eq!(set("modes"), "network.operator.openshift.io/dpu-host");
    assert_eq!(set("taint"), "network.operator.openshift.io/dpu-host");
    assert_eq!(set("binary"), "/var/lib/cni/bin/dpu-host");
    assert_eq!(set("resources"), "dpuvf mgmtvf");
    let first = "83-validatingadmissionpolicybinding.yaml 82-validatingadmissionpolicy.yaml \
                 81-mutatingadmissionpolicybinding.yaml 80-mutatingadmissionpolicy.yaml \
                 75-network-attachment-definition-a.yaml";
    assert_eq!(set("first"), first);
    let last = set("last");
    assert!(
        last.starts_with("90-machineconfig-configuration.yaml 62-") && !last.contains("10-machineconfigpool"),
        "{last}"
    );
    for kept in set("releases").split(' ') {
        assert!(!last.contains(kept), "{kept} is the cluster's own");
    }
    assert_eq!(place.run(&["uninstall", "cluster", "dist"]).code, 2, "that is no rendering");
}

/// A cluster without a machine config operator, whose one node is `NODE`; files are taken off it by what `scripts` has.
const KUBECTL: &str = r#"#!/bin/sh
echo "$*" >>calls
case $* in
*'{.metadata.name} :'*) echo "NODE :" ;;
"get nodes -l "*) grep -q "^label node NODE " calls || echo NODE ;;
*'{.spec.taints[*].key}') echo "other example.com/dpu" ;;
"delete "*networkpolicy*|"delete "*62-*) echo 'error: resource mapping not found: no matches for kind "SriovNetworkNodePolicy"' >&2; exit 1 ;;
"get -f "*) exit 1 ;;
esac
"#;

fn kubernetes(uninstall: &str) -> (Place, Ran) {
    let place = Place::new();
    let values = format!("profile: kubernetes\ntaint: {{ key: example.com/dpu }}\n{TENANT}");
    place.render("tenant", &values, &[]).ok();
    let uninstall = format!("#!/bin/sh\necho \"uninstall $*\" >>calls\n{uninstall}\n");
    for (name, text) in [("bin/kubectl", KUBECTL), ("scripts/uninstall", &uninstall)] {
        let path = place.write(name, text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let ran = run_kubernetes(&place);
    (place, ran)
}

fn run_kubernetes(place: &Place) -> Ran {
    let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpu-cni"));
    let command = command.args(["uninstall", "cluster", "--run", "out"]).current_dir(place.path(""));
    let command = command.env("PATH", path).env("DPU_CNI_SCRIPTS", place.path("scripts"));
    command.output().expect("the program runs").into()
}

#[test]
fn nodes_served_by_hand_are_undone_singly() {
    let (place, ran) = kubernetes("");
    ran.ok();
    let calls = place.read("calls");
    let mut rest = calls.as_str();
    let order = [
        "cordon NODE\n",
        "drain NODE ",
        "uninstall --ssh NODE node\n",
        "label node NODE k8s.ovn.org/dpu-host-\n",
        "taint node NODE example.com/dpu-\n",
        "uncordon NODE\n",
        "annotate node NODE dpu-cni/was-cordoned-\n",
        "62-sriovnetworknodepolicy-pods.yaml",
        "61-sriovnetworknodepolicy-management.yaml",
    ];
    for words in order {
        let at = rest.find(words).unwrap_or_else(|| panic!("{words} is not next in {rest}"));
        rest = &rest[at + words.len()..];
    }
}

#[test]
fn a_node_that_keeps_files_is_reopened() {
    let (place, ran) = kubernetes("exit 2");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("the files of NODE are not gone"), "{}", ran.err);
    let calls = place.read("calls");
    assert!(calls.contains("uncordon NODE\n") && !calls.contains("label node NODE"), "{calls}");
}

/// By the printed script, on a machine that has no clone.
#[test]
fn without_its_own_script_nothing_is_changed() {
    let (place, ran) = kubernetes("");
    ran.ok();
    std::fs::remove_file(place.path("scripts/uninstall")).expect("a file");
    std::fs::remove_file(place.path("calls")).expect("a file");
    let ran = run_kubernetes(&place);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("scripts/uninstall is not here, and it takes the files off a node"),
        "{}",
        ran.err
    );
    assert!(!place.path("calls").exists());
}
