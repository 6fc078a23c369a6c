//! What an audit finds in a copy of a node's files, and in a must-gather.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::support::{Place, Ran, TENANT};

const BINARY: &str = "root/var/lib/cni/bin/dpu-host";
const MULTUS: &str = "root/etc/kubernetes/cni/net.d/00-multus.conf";
const DIRECTORY: &str = "root/run/multus/cni/net.d";

/// A healthy DPU host of OpenShift.
fn host() -> Place {
    let place = Place::new();
    place.write(
        "root/etc/crio/crio.conf.d/00-default",
        "[crio.network]\nnetwork_dir = \"/etc/kubernetes/cni/net.d/\"\nplugin_dirs = [\"/var/lib/cni/bin\"]\n",
    );
    for binary in [BINARY, "root/var/lib/cni/bin/multus-shim"] {
        let path = place.write(binary, "a program");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    place.write(
        MULTUS,
        json!({
            "cniVersion": "1.1.0", "name": "multus-cni-network", "type": "multus-shim",
            "clusterNetwork": "/host/run/multus/cni/net.d/05-dpu-host.conflist",
            "readinessindicatorfile": "/host/run/multus/cni/net.d/10-ovn-kubernetes.conf",
        })
        .to_string(),
    );
    let ours =
        json!({ "cniVersion": "1.1.0", "name": "ovn-kubernetes", "plugins": [{ "type": "dpu-host" }] });
    place.write(&format!("{DIRECTORY}/05-dpu-host.conflist"), ours.to_string());
    place.write("root/etc/dpu-cni/05-dpu-host.conflist", ours.to_string());
    let ovnkube = json!({ "cniVersion": "1.1.0", "name": "ovn-kubernetes", "type": "ovn-k8s-cni-overlay" });
    place.write(&format!("{DIRECTORY}/10-ovn-kubernetes.conf"), ovnkube.to_string());
    vf(&place, "0000:03:00.2", Some("ens1f0v0"));
    place
}

fn vf(place: &Place, device: &str, name: Option<&str>) {
    let directory = format!("root/sys/bus/pci/devices/{device}");
    place.write(&format!("{directory}/physfn"), "");
    if let Some(name) = name {
        place.write(&format!("{directory}/net/{name}/ifindex"), "7\n");
    }
}

fn record(place: &Place, device: &str, home: &str) {
    let record = json!({
        "format": 1, "attachment": { "network": "ovn-kubernetes", "container": "c1", "ifname": "eth0" },
        "pod": { "namespace": "shop", "name": "web", "uid": "u" }, "netns": "/var/run/netns/x", "stage": "attached",
        "devices": [{ "id": device, "ifname": "eth0", "home": { "index": 7, "name": home, "mac": null, "mtu": 1500 } }],
    });
    place.write(&format!("root/run/dpu-cni/attachments/{device}.json"), record.to_string());
}

fn audit(place: &Place) -> Ran {
    place.run(&["audit", "--root", "root"])
}

/// The audit must find exactly this, besides what is well.
fn finds(place: &Place, code: i32, words: &[&str]) {
    let ran = audit(place);
    let bad: Vec<&str> =
        ran.out.lines().filter(|line| !line.starts_with("ok ") && !line.starts_with("verdict: ")).collect();
    assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
    assert_eq!(bad.len(), words.len(), "{bad:#?}");
    for (line, words) in bad.iter().zip(words) {
        assert!(line.contains(words), "'{words}' is not in: {line}");
        assert!(line.contains(": "), "no remedy: {line}");
    }
}

#[test]
fn a_healthy_host_has_nothing_to_mend() {
    let place = host();
    finds(&place, 0, &[]);
    let ran = audit(&place);
    assert!(
        ran.out.contains("CRI-O reads /etc/kubernetes/cni/net.d and looks for plugins in /var/lib/cni/bin"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("pods' default network is ours"), "{}", ran.out);
    assert!(ran.out.contains("1 virtual functions: 1 free"), "{}", ran.out);
    let json = place.run(&["audit", "--root", "root", "--json"]);
    let list: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(list[0]["topic"], "runtime");
    assert_eq!(list[0]["level"], "ok");
}

#[test]
fn a_binary_where_nobody_looks() {
    let place = host();
    fs::create_dir_all(place.path("root/opt/cni/bin")).expect("a directory");
    fs::rename(place.path(BINARY), place.path("root/opt/cni/bin/dpu-host")).expect("moved");
    finds(&place, 2, &["neither dpu-host nor dpu-nic-placeholder is in /var/lib/cni/bin"]);
    let drop_in = "[crio.network]\nplugin_dirs = [\"/var/lib/cni/bin\", \"/opt/cni/bin\"]\n";
    place.write("root/etc/crio/crio.conf.d/90-dpu-cni.conf", drop_in);
    finds(&place, 0, &[]);
}

#[test]
fn a_default_network_that_is_not_ours() {
    let place = host();
    fs::remove_file(place.path(&format!("{DIRECTORY}/05-dpu-host.conflist"))).expect("removed");
    finds(&place, 2, &["Multus has chosen", "05-dpu-host.conflist is not in /run/multus/cni/net.d"]);
}

#[test]
fn multus_not_ready_too_old_or_with_another_choice() {
    let place = host();
    fs::remove_file(place.path(&format!("{DIRECTORY}/10-ovn-kubernetes.conf"))).expect("removed");
    finds(&place, 2, &["Multus waits for /run/multus/cni/net.d/10-ovn-kubernetes.conf"]);

    let place = host();
    let old = place
        .read(MULTUS)
        .replace("1.1.0", "0.4.0")
        .replace("05-dpu-host.conflist", "10-ovn-kubernetes.conf");
    place.write(MULTUS, old);
    finds(&place, 2, &["speaks 0.4.0: the node stays Ready", "Multus has chosen"]);

    let place = host();
    place.write(&format!("{DIRECTORY}/08-error-cni.conf"), r#"{"type":"error-cni"}"#);
    finds(&place, 1, &["of the cluster network operator's dummy plugin"]);
}

#[test]
fn vfs_leaked_and_misnamed() {
    let place = host();
    vf(&place, "0000:03:00.3", Some("eth5"));
    record(&place, "0000:03:00.3", "ens1f0v1");
    vf(&place, "0000:03:00.4", None);
    record(&place, "0000:03:00.4", "ens1f0v2");
    vf(&place, "0000:03:00.5", Some("ens1f0v3"));
    record(&place, "0000:03:00.5", "ens1f0v3");
    let words = [
        "0000:03:00.3 is at home as eth5",
        "0000:03:00.4 (no device, last of shop/web) is leaked",
        "0000:03:00.5 (ens1f0v3, last of shop/web) is leaked",
    ];
    finds(&place, 2, &words);
    place.write("root/run/netns/x", "");
    assert!(audit(&place).out.contains("1 used"), "its namespace is there");
    let saved = json!([{ "device": "0000:03:00.2", "name": "ens1f0v0", "state": "leaked", "pod": "a/b", "note": "up" }]);
    place.write("vfs.json", saved.to_string());
    let ran = place.run(&["audit", "--root", "root", "--vfs", "vfs.json"]);
    assert!(ran.out.contains("0000:03:00.2 (ens1f0v0, last of a/b) is leaked (up)"), "{}", ran.out);
    let lost = json!([{ "device": "0000:03:00.2", "name": null, "state": "lost", "pod": "a/b" }]);
    place.write("vfs.json", lost.to_string());
    let ran = place.run(&["audit", "--root", "root", "--vfs", "vfs.json"]);
    assert_eq!(ran.code, 2);
    let said = "a/b has lost its VF 0000:03:00.2: `dpu-host vfs --restore` there gives it back, or says what it waits for";
    assert!(ran.out.contains(said), "{}", ran.out);
    let others = json!([
        { "device": "0000:03:00.2", "name": "eth0", "state": "orphaned", "pod": "a/b" },
        { "device": "0000:82:00.2", "name": "ens9v0", "state": "foreign" },
    ]);
    place.write("vfs.json", others.to_string());
    let ran = place.run(&["audit", "--root", "root", "--vfs", "vfs.json"]);
    assert!(ran.out.contains("a pod that is gone: dpu-host vfs --release 0000:03:00.2"), "{}", ran.out);
    assert_eq!(ran.out.matches("0000:82:00.2").count(), 0, "none of ours: {}", ran.out);
}

#[test]
fn files_that_differ_from_their_machine_config() {
    let place = host();
    place.render("tenant", TENANT, &[]).ok();
    let config = place.yaml("out/90-machineconfig-configuration.yaml");
    place.write("root/etc/machine-config-daemon/currentconfig", config.to_string());
    let words = [
        "/etc/dpu-cni/05-dpu-host.conflist has another content",
        "/etc/systemd/system/dpu-host-restore.path is gone",
        "/etc/systemd/system/dpu-host-restore.service is gone",
        "/etc/tmpfiles.d/dpu-cni.conf is gone",
        "/etc/udev/rules.d/85-dpu-cni.rules is gone",
    ];
    finds(&place, 2, &words);
}

#[test]
fn a_card_whose_pods_multus_refuses_itself() {
    let place = host();
    fs::rename(place.path(BINARY), place.path("root/var/lib/cni/bin/dpu-nic-placeholder")).expect("renamed");
    finds(&place, 2, &["Multus wins over the placeholder on this card"]);
    let conf = json!({ "cniVersion": "0.4.0", "name": "p", "plugins": [{ "type": "dpu-nic-placeholder" }] });
    place.write("root/etc/kubernetes/cni/net.d/00-dpu-nic-placeholder.conflist", conf.to_string());
    finds(&place, 0, &[]);
}

#[test]
fn an_assumed_runtime_is_said_to_be() {
    let place = host();
    fs::remove_dir_all(place.path("root/etc/crio")).expect("removed");
    let ran = audit(&place);
    assert!(
        ran.out.contains("no CRI-O or containerd configuration here: CRI-O's defaults are assumed"),
        "{}",
        ran.out
    );
}

#[test]
fn a_copy_does_not_lead_out_of_itself() {
    let place = host();
    let conf = place.path(MULTUS);
    fs::remove_file(&conf).expect("removed");
    place.write("secret", r#"{"type":"multus-shim"}"#);
    std::os::unix::fs::symlink(place.path("secret"), &conf).expect("a link");
    assert!(audit(&place).out.contains("a link that leads out of the directory"));
}

#[test]
fn a_must_gather_tells_about_labels_taints_and_pools() {
    let place = Place::new();
    let gathered = "gather/quay-io-image/cluster-scoped-resources";
    let node = |name: &str, labels: &str, taints: &str| {
        let text = format!(
            "kind: Node\nmetadata:\n  name: {name}\n  labels: {{ node-role.kubernetes.io/worker: '', role: '', {labels} }}\nspec:\n  taints: [{taints}]\nstatus:\n  allocatable: {{ openshift.io/dpuvf: '15' }}\n"
        );
        place.write(&format!("{gathered}/core/nodes/{name}.yaml"), text);
    };
    let taint = "{ key: network.operator.openshift.io/dpu-host, effect: NoSchedule }";
    node("good", "network.operator.openshift.io/dpu-host: ''", taint);
    node("trapped", "network.operator.openshift.io/dpu-host: 'true'", taint);
    node("both", "network.operator.openshift.io/dpu-host: '', network.operator.openshift.io/dpu: ''", taint);
    node("open", "network.operator.openshift.io/dpu-host: ''", "");
    place.write(
        &format!("{gathered}/machineconfiguration.openshift.io/machineconfigpools/dpu-host.yaml"),
        "kind: MachineConfigPool\nmetadata: { name: dpu-host }\nspec: { paused: true, nodeSelector: { matchLabels: { role: '' } } }\nstatus:\n  conditions:\n  - { type: Degraded, status: 'True', message: content mismatch }\n",
    );
    let ran = place.run(&["audit", "--root", "gather"]);
    assert_eq!(ran.code, 2);
    let expected = [
        "error   node     both has 2 mode labels",
        "ok      node     good is labelled and tainted with network.operator.openshift.io/dpu-host, openshift.io/dpuvf 15",
        "warning node     open has no taint",
        "warning node     trapped is labelled network.operator.openshift.io/dpu-host=true",
        "warning cluster  machineconfigpool dpu-host is paused",
        "error   cluster  machineconfigpool dpu-host is degraded (content mismatch)",
        "verdict: it does not work: 2 errors, 3 warnings",
    ];
    assert_eq!(ran.out.lines().count(), expected.len(), "{}", ran.out);
    for (line, start) in ran.out.lines().zip(expected) {
        assert!(line.starts_with(start), "{line}");
    }
}

#[test]
fn a_copy_without_sysfs_proves_no_absence() {
    let place = host();
    fs::remove_dir_all(place.path("root/sys")).expect("removed");
    finds(&place, 1, &["the VFs are not in this copy"]);
}

/// A node of Kubernetes, with containerd or CRI-O as they come.
fn plain(conf: &str) -> Place {
    let place = Place::new();
    place.write("root/etc/crio/crio.conf", "");
    let path = place.write("root/opt/cni/bin/dpu-nic-placeholder", "a program");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    place.write("root/etc/cni/net.d/00-dpu-nic-placeholder.conflist", conf);
    place
}

#[test]
fn a_mistyped_key_of_the_placeholder_is_named() {
    let example =
        include_str!("../../../../plugins/dpu-nic-placeholder/examples/00-dpu-nic-placeholder.conflist");
    finds(&plain(example), 0, &[]);
    let conf = |keys: Value| {
        let mut plugin = json!({ "type": "dpu-nic-placeholder", "message": "x", "logLevel": "info" });
        plugin.as_object_mut().expect("an object").extend(keys.as_object().expect("keys").clone());
        json!({ "cniVersion": "1.0.0", "name": "n", "plugins": [plugin] }).to_string()
    };
    finds(&plain(&conf(json!({ "status": { "code": 50, "message": "y" }, "cni.dev/x": 1 }))), 0, &[]);
    finds(
        &plain(&conf(json!({ "mesage": "z" }))),
        1,
        &[
            "has \"mesage\", which dpu-nic-placeholder does not know and passes over: its own keys are message, status",
        ],
    );
}

#[test]
fn a_mistyped_key_of_dpu_host_is_named() {
    let place = host();
    let conf = |keys: Value| {
        let mut plugin = json!({ "type": "dpu-host", "resourceName": "openshift.io/dpuvf", "mtu": 1400 });
        plugin.as_object_mut().expect("an object").extend(keys.as_object().expect("keys").clone());
        json!({ "cniVersion": "1.1.0", "name": "ovn-kubernetes", "plugins": [plugin] }).to_string()
    };
    let write = |text: String| {
        for directory in [DIRECTORY, "root/etc/dpu-cni"] {
            place.write(&format!("{directory}/05-dpu-host.conflist"), &text);
        }
    };
    write(conf(json!({})));
    finds(&place, 0, &[]);
    write(conf(json!({ "resourcename": "x" })));
    finds(
        &place,
        1,
        &[
            "has \"resourcename\", which dpu-host does not know and only hands on to ovnkube-node: its own keys are socket",
        ],
    );
}

#[test]
fn the_last_line_is_the_verdict() {
    let last = |place: &Place| audit(place).out.lines().last().map(str::to_owned);
    assert_eq!(last(&host()).as_deref(), Some("verdict: all is as it must be"));
    let place = plain("{}");
    assert_eq!(last(&place).as_deref(), Some("verdict: it does not work: 2 errors, 0 warnings"));
    place.write(
        "root/etc/cni/net.d/00-dpu-nic-placeholder.conflist",
        r#"{"cniVersion": "1.0.0", "name": "n", "plugins": [{"type": "dpu-nic-placeholder", "mesage": ""}]}"#,
    );
    assert_eq!(last(&place).as_deref(), Some("verdict: it works, with 1 warning"));
}

#[test]
fn kubernetes_without_openshift_hears_of_no_machine_config() {
    let place = plain("{}");
    fs::remove_file(place.path("root/opt/cni/bin/dpu-nic-placeholder")).expect("removed");
    let ran = audit(&place);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(ran.out.contains("/opt/cni/bin: copy the plugin there, mode 0755"), "{}", ran.out);
    assert!(ran.out.contains("put the configuration there that render wrote"), "{}", ran.out);
    assert!(!ran.out.contains("MachineConfig"), "{}", ran.out);
}
