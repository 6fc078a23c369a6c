//! What is rendered: its order, its bytes, and what the machine config daemon makes of it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::ignition::{Written, decode};
use crate::support::{BY_CLAIM, Place, TENANT};

/// Every way in, and policies.
const EVERYTHING: &str = "
sriov:
  physicalFunctions: [ens1f0, ens1f1]
  vendor: 15b3
  deviceID: a2dc
  mtu: 1500
  multusResources: [secondaryvf]
attachments:
- { name: dpu-extra, namespace: openshift-ovn-kubernetes, resource: extravf }
crio:
  statusGracePeriod: 30s
admission:
  validation: deny
  skipNamespaces: [multus]
";

fn text(files: &[(String, Written)], path: &str) -> String {
    let (_, file) = files.iter().find(|(name, _)| name == path).unwrap_or_else(|| panic!("no {path}"));
    assert_eq!(file.mode, 0o644);
    String::from_utf8(file.content.clone()).expect("text")
}

#[test]
fn the_plugin_arrives_byte_for_byte() {
    for (cluster, values, plugin) in
        [("tenant", TENANT, "dist/x86_64/dpu-host"), ("infra", "", "dist/aarch64/dpu-nic-placeholder")]
    {
        let place = Place::new();
        place.render(cluster, values, &[]).ok();
        let files = decode(&place.yaml("out/30-machineconfig-plugin.yaml"));
        let [(path, file)] = files.as_slice() else { panic!("one file") };
        assert_eq!(path, &format!("/var/lib/cni/bin/{}", plugin.rsplit('/').next().expect("a name")));
        assert_eq!(file.mode, 0o755);
        assert!(file.content == fs::read(place.path(plugin)).expect("the plugin"), "another content");
    }
}

#[test]
fn a_host_boots_with_its_configuration() {
    let place = Place::new();
    place.render("tenant", EVERYTHING, &[]).ok();
    let files = decode(&place.yaml("out/90-machineconfig-configuration.yaml"));
    let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/etc/crio/crio.conf.d/90-dpu-cni.conf",
            "/etc/dpu-cni/05-dpu-host.conflist",
            "/etc/systemd/system/dpu-host-restore.path",
            "/etc/systemd/system/dpu-host-restore.service",
            "/etc/tmpfiles.d/dpu-cni.conf",
            "/etc/udev/rules.d/85-dpu-cni.rules",
        ]
    );
    assert_eq!(
        text(&files, "/etc/tmpfiles.d/dpu-cni.conf"),
        "C /run/multus/cni/net.d/05-dpu-host.conflist 0644 root root - /etc/dpu-cni/05-dpu-host.conflist\n"
    );
    let conf: Value = serde_json::from_str(&text(&files, "/etc/dpu-cni/05-dpu-host.conflist")).expect("JSON");
    assert_eq!(conf["cniVersion"], "1.1.0");
    assert_eq!(conf["loadOnlyInlinedPlugins"], true);
    assert_eq!(conf["plugins"][0]["type"], "dpu-host");
    assert_eq!(conf["plugins"][0]["resourceName"], "openshift.io/dpuvf");
    let rules = text(&files, "/etc/udev/rules.d/85-dpu-cni.rules");
    assert!(rules.contains("TEST==\"device/physfn/net/ens1f1\", ENV{NM_UNMANAGED}=\"1\""), "{rules}");
    let policy = place.yaml("out/20-machineconfiguration.yaml");
    let files: Vec<(&str, &str)> = policy["spec"]["nodeDisruptionPolicy"]["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| {
            (file["path"].as_str().expect("a path"), file["actions"][0]["type"].as_str().expect("a type"))
        })
        .collect();
    assert_eq!(
        files[1..],
        [
            ("/etc/udev/rules.d/85-dpu-cni.rules", "None"),
            ("/etc/systemd/system/dpu-host-restore.path", "DaemonReload"),
            ("/etc/systemd/system/dpu-host-restore.service", "DaemonReload")
        ]
    );
    let files = decode(&place.yaml("out/90-machineconfig-configuration.yaml"));
    let drop_in = text(&files, "/etc/crio/crio.conf.d/90-dpu-cni.conf");
    assert_eq!(drop_in, "[crio.network]\ncni_status_grace_period = \"30s\"\n");
}

/// The flag is set by each event and away before the look: what comes during that has it done once more.
#[test]
fn no_function_comes_back_unnoticed() {
    let place = Place::new();
    place.render("tenant", TENANT, &[]).ok();
    let files = decode(&place.yaml("out/90-machineconfig-configuration.yaml"));
    let rules = text(&files, "/etc/udev/rules.d/85-dpu-cni.rules");
    let triggers: Vec<&str> = rules.lines().filter(|line| line.contains("ACTION==")).collect();
    assert_eq!(triggers.len(), 2, "a network device, and one for a virtual machine: {rules}");
    for trigger in triggers {
        assert!(
            trigger.contains("RUN+=\"/usr/bin/touch /run/dpu-cni.restore\", TAG+=\"systemd\""),
            "{trigger}"
        );
        assert!(trigger.ends_with("ENV{SYSTEMD_WANTS}+=\"dpu-host-restore.path\""), "{trigger}");
    }
    let path = text(&files, "/etc/systemd/system/dpu-host-restore.path");
    assert!(path.ends_with("[Path]\nPathExists=/run/dpu-cni.restore\n"), "{path}");
    let service = text(&files, "/etc/systemd/system/dpu-host-restore.service");
    assert!(service.contains("\nSuccessExitStatus=3\n"), "what a VF waits for starts it again: {service}");
    let commands: Vec<&str> = service.lines().filter(|line| line.starts_with("Exec")).collect();
    assert_eq!(
        commands,
        [
            "ExecStartPre=/bin/rm -f /run/dpu-cni.restore",
            "ExecStart=/bin/sh -c 'udevadm settle --timeout=10; exec /var/lib/cni/bin/dpu-host vfs --restore --wait'",
        ]
    );
}

#[test]
fn a_card_bypasses_multus_and_supplies_missing_readiness() {
    let place = Place::new();
    place.render("infra", "", &[]).ok();
    let files = decode(&place.yaml("out/90-machineconfig-configuration.yaml"));
    let [(path, _)] = files.as_slice() else {
        panic!("the operator's dummy plugin writes the readiness file")
    };
    assert_eq!(path, "/etc/kubernetes/cni/net.d/00-dpu-nic-placeholder.conflist");
    assert!(
        path.as_str() < "/etc/kubernetes/cni/net.d/00-multus.conf",
        "the runtime takes the first by name"
    );

    place.render("infra", "modeLabel: example.com/card=\n", &[]).ok();
    let files = decode(&place.yaml("out/90-machineconfig-configuration.yaml"));
    let readiness = text(&files, "/etc/dpu-cni/10-ovn-kubernetes.conf");
    let readiness: Value =
        serde_json::from_str(&readiness).expect("JSON: Multus may take it for the default network");
    assert_eq!(readiness["type"], "dpu-nic-placeholder");
    assert_eq!(readiness["cniVersion"], "0.4.0", "Multus refuses one below, or none");
    assert!(
        text(&files, "/etc/tmpfiles.d/dpu-cni.conf")
            .starts_with("C /run/multus/cni/net.d/10-ovn-kubernetes.conf ")
    );
}

#[test]
fn crio_is_told_of_an_unusual_directory() {
    let place = Place::new();
    place.render("infra", "directories: { binaries: /opt/cni/bin }\n", &[]).ok();
    let files = decode(&place.yaml("out/30-machineconfig-plugin.yaml"));
    assert_eq!(files[0].0, "/var/opt/cni/bin/dpu-nic-placeholder", "/opt is a link");
    let files = decode(&place.yaml("out/90-machineconfig-configuration.yaml"));
    let drop_in = text(&files, "/etc/crio/crio.conf.d/90-dpu-cni.conf");
    assert_eq!(drop_in, "[crio.network]\nplugin_dirs = [\"/var/lib/cni/bin\", \"/opt/cni/bin\"]\n");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let place = Place::new();
    let began = Instant::now();
    place.render("tenant", EVERYTHING, &["--kubernetes-version", "1.36"]).ok();
    let first: Vec<_> = place.list("out").iter().map(|name| place.read(&format!("out/{name}"))).collect();
    place.render("tenant", EVERYTHING, &["--kubernetes-version", "1.36"]).ok();
    let second: Vec<_> = place.list("out").iter().map(|name| place.read(&format!("out/{name}"))).collect();
    assert!(first == second);
    // Four of them would take less; an unoptimised build on a busy machine is given ten times as long.
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn without_openshift_a_node_gets_plain_files() {
    let place = Place::new();
    place.render("tenant", "profile: kubernetes\nsriov: { physicalFunctions: [ens1f0] }\n", &[]).ok();
    let expected = [
        "61-sriovnetworknodepolicy-management.yaml",
        "62-sriovnetworknodepolicy-pods.yaml",
        "STEPS",
        "node/etc/cni/net.d/05-dpu-host.conflist",
        "node/etc/systemd/system/dpu-host-restore.path",
        "node/etc/systemd/system/dpu-host-restore.service",
        "node/etc/udev/rules.d/85-dpu-cni.rules",
        "node/opt/cni/bin/dpu-host",
        "samples/default-network.yaml",
    ];
    assert_eq!(place.list("out"), expected);
    let steps = place.read("out/STEPS");
    let binary = steps.find("install -D -m 0755 dpu-cni/opt/cni/bin/dpu-host").expect("the binary");
    let configuration = steps.find("05-dpu-host.conflist").expect("its configuration");
    assert!(binary < configuration, "CRI-O validates a configuration by running its plugin");
    assert!(!steps.contains("/tmp"), "where anybody may put a file that is then installed as root: {steps}");
    place.render("infra", "profile: kubernetes\n", &[]).ok();
    assert!(place.list("out").contains(&"node/etc/cni/net.d/00-dpu-nic-placeholder.conflist".to_owned()));
}

/// A page of the repository.
fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)).expect(name)
}

/// What is printed is what is run, and how that is called stands on the page.
#[test]
fn the_script_printed_is_the_pages() {
    let page = page("scripts/README.md");
    for (cluster, profile) in
        [("tenant", "openshift"), ("infra", "openshift"), ("tenant", "kubernetes"), ("infra", "kubernetes")]
    {
        let place = Place::new();
        place.write("values.yaml", format!("profile: {profile}\n{TENANT}"));
        let files = ["--values", "values.yaml", "--out", cluster, "--binaries", "dist"];
        let ran = place.run(&[&["render", "--cluster", cluster], files.as_slice()].concat()).ok();
        let steps = place.read(&format!("{cluster}/STEPS"));
        assert_eq!(ran.out, steps);
        for arguments in ["--check NODE...", "NODE..."] {
            let call = format!("sh {cluster}/STEPS {arguments}");
            assert!(steps.contains(&call) && page.contains(&call), "{call}");
        }
        for token in ["CLIENT", "ADMIN", "@manager@", "@copy@", "@without_sriov@", "@policies_hint@"] {
            assert!(!steps.contains(token), "{token} was not filled in: {steps}");
        }
    }
}

/// A field of ours in what the whole cluster shares would change nodes that are none of ours.
#[test]
fn the_clusters_and_workers_objects_are_left_alone() {
    let place = Place::new();
    for (cluster, values) in [("tenant", TENANT), ("infra", "")] {
        place.render(cluster, values, &[]).ok();
        let names = place.list("out");
        let others = ["kubeletconfig", "sriovoperatorconfig", "dns"];
        let found = names.iter().find(|name| others.iter().any(|other| name.contains(other)));
        assert_eq!(found, None, "{cluster}");
        assert!(names.contains(&"release/20-machineconfiguration.yaml".to_owned()));
    }
}

#[test]
fn a_kubeletconfig_is_rendered_only_with_settings() {
    let place = Place::new();
    let settings = "kubeletConfig: { maxPods: 40, systemReserved: { cpu: 500m }, registerWithTaints: [{ key: a, effect: NoExecute }] }\n";
    place.render("tenant", &format!("{TENANT}{settings}"), &[]).ok();
    let spec = place.yaml("out/40-kubeletconfig.yaml")["spec"].clone();
    assert_eq!(
        spec["machineConfigPoolSelector"]["matchLabels"]["pools.operator.machineconfiguration.openshift.io/dpu-host"],
        ""
    );
    let taint =
        json!({ "key": "network.operator.openshift.io/dpu-host", "value": "true", "effect": "NoSchedule" });
    let wanted = json!({
        "maxPods": 40,
        "systemReserved": { "cpu": "500m" },
        "registerWithTaints": [{ "key": "a", "effect": "NoExecute" }, taint],
    });
    assert_eq!(spec["kubeletConfig"], wanted);
}

/// ovnkube-node takes the gateway to be the card's port that its management VF is of.
#[test]
fn the_management_port_is_of_the_first_physical_function() {
    let place = Place::new();
    place.render("tenant", "sriov: { physicalFunctions: [ens1f1, ens1f0] }\n", &[]).ok();
    let names = |file: &str| place.yaml(file)["spec"]["nicSelector"]["pfNames"].clone();
    assert_eq!(names("out/61-sriovnetworknodepolicy-management.yaml"), json!(["ens1f1#0-0"]));
    assert_eq!(names("out/62-sriovnetworknodepolicy-pods.yaml"), json!(["ens1f1#1-15", "ens1f0#1-15"]));
}

#[test]
fn without_openshift_labels_are_ovn_kubernetes_own() {
    let place = Place::new();
    for (cluster, values, label) in
        [("tenant", TENANT, "k8s.ovn.org/dpu-host="), ("infra", "", "k8s.ovn.org/dpu=")]
    {
        place.render(cluster, &format!("profile: kubernetes\n{values}"), &[]).ok();
        let mode = format!("\nmode='{label}'\n");
        assert!(place.read("out/STEPS").contains(&mode), "{}", place.read("out/STEPS"));
    }
    let conflist = place.read("out/node/etc/cni/net.d/00-dpu-nic-placeholder.conflist");
    let shown: Value = serde_json::from_str(&conflist).expect("JSON");
    let page = page("plugins/dpu-nic-placeholder/README.md");
    let (_, rest) = page.split_once("```json\n").expect("the placeholder's configuration");
    let (wanted, _) = rest.split_once("```").expect("its end");
    assert_eq!(shown, serde_json::from_str::<Value>(wanted).expect("JSON"), "as the page shows it");
}

#[test]
fn only_an_earlier_rendering_is_replaced() {
    let place = Place::new();
    place.render("tenant", EVERYTHING, &["--kubernetes-version", "1.36"]).ok();
    place.render("infra", "", &[]).ok();
    assert!(!place.list("out").iter().any(|name| name.contains("sriov") || name.contains("admission")));
    place.write("out/notes.txt", "mine");
    let ran = place.render("infra", "", &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("out holds notes.txt, which is no part of a rendering"), "{}", ran.err);
}

/// Checked by hand, and by a real API server with the operators' definitions.
#[test]
fn manifests_are_as_their_golden_files() {
    for (cluster, values) in [("tenant", EVERYTHING), ("infra", "")] {
        let place = Place::new();
        place.render(cluster, values, &["--kubernetes-version", "1.36"]).ok();
        for name in place.list("out").into_iter().filter(|name| !name.contains("machineconfig-")) {
            is_golden(&place, cluster, &name);
        }
    }
    let place = Place::new();
    place.render("tenant", BY_CLAIM, &[]).ok();
    for name in ["63-deviceclass-pods.yaml", "samples/resourceclaimtemplate.yaml"] {
        is_golden(&place, "by-claim", name);
    }
}

fn is_golden(place: &Place, folder: &str, name: &str) {
    let text = place.read(&format!("out/{name}"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder).join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(file.parent().expect("a parent")).expect("directories");
        fs::write(&file, &text).expect("a golden file");
    }
    let wanted = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert_eq!(text, wanted, "{}", file.display());
}
