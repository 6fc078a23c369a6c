//! What is refused, with its reason and its remedy.

use std::os::unix::fs::symlink;

use crate::support::{Place, TENANT, program};

fn refused(cluster: &str, values: &str, expected: &[&str]) {
    let place = Place::new();
    let ran = place.render(cluster, values, &[]);
    assert_eq!(ran.code, 2, "{values} was taken");
    for words in expected {
        assert!(ran.err.contains(words), "'{words}' is not in: {}", ran.err);
    }
    assert!(!place.path("out").exists(), "nothing may be written");
    assert!(ran.err.lines().all(|line| line.starts_with("refused: ") && line.contains(": ")), "{}", ran.err);
}

#[test]
fn values_that_cannot_be_meant() {
    refused(
        "tenant",
        "sriov: { physicalFunction: ens1f0 }\n",
        &["values.yaml: sriov.physicalFunction: unknown field `physicalFunction`"],
    );
    refused(
        "tenant",
        "profile: openshift\nprofile: kubernetes\n",
        &["line 2: the key profile is there twice"],
    );
    refused(
        "tenant",
        "sriov: { deviceID: 1017 }\n",
        &["sriov.deviceID: invalid type: integer `1017`, expected a string: put it in quotes"],
    );
    refused(
        "tenant",
        "just words\n",
        &["values.yaml: invalid type: string \"just words\", expected struct Values"],
    );
    refused("tenant", "a: 1\n---\nb: 2\n", &["values.yaml: it holds 2 documents, and one is wanted"]);
    refused("tenant", "", &["sriov.physicalFunctions is empty", "such as [ens1f0]"]);
    refused("infra", "directories: { binaries: ../bin }\n", &["directories.binaries is '../bin'"]);
    refused("infra", "pool: { name: worker }\n", &["a pool that OpenShift owns"]);
}

#[test]
fn the_label_trap_of_the_network_operator() {
    let words = ["no ovnkube-node at all", "write 'network.operator.openshift.io/dpu-host='"];
    refused("tenant", &format!("{TENANT}modeLabel: network.operator.openshift.io/dpu-host=true\n"), &words);
    refused(
        "infra",
        "modeLabel: network.operator.openshift.io/dpu=yes\n",
        &["kube-proxy selects the empty value only"],
    );
    refused("infra", "modeLabel: network.operator.openshift.io/dpu\n", &["without '='"]);
}

#[test]
fn vf_pools_that_get_into_each_others_way() {
    let sriov = |more: &str| format!("sriov:\n  physicalFunctions: [ens1f0]\n{more}");
    refused(
        "tenant",
        &sriov("  pods: { resource: dpuvf, vfs: 0-15 }\n"),
        &["lie inside the pod pool 0-15", "start the pod pool at 1"],
    );
    refused(
        "tenant",
        &sriov("  pods: { vfs: 0-7 }\n"),
        &["the management VFs 0-0 lie inside the pod pool 0-7"],
    );
    refused("tenant", &sriov("  pods: { resource: mgmtvf, vfs: 1-15 }\n"), &["share the device pool mgmtvf"]);
    refused("tenant", &sriov("  numVfs: 8\n"), &["sriov.pods.vfs is '1-15' with 8 VFs", "from 0 to 7"]);
    refused("tenant", &sriov("  multusResources: [dpuvf]\n"), &["may be given one VF twice"]);
    let attachment = "attachments: [{ name: a, namespace: b, resource: dpuvf }]\n";
    refused(
        "tenant",
        &format!("{TENANT}{attachment}"),
        &["the attachment b/a", "second SriovNetworkNodePolicy"],
    );
    refused(
        "tenant",
        &format!("{TENANT}dpuHost: {{ defaultNetwork: false }}\n"),
        &["nothing would call the plugin"],
    );
}

#[test]
fn what_the_network_operator_would_not_take() {
    let offload = |values: &str| format!("{TENANT}hardwareOffload: {{ {values} }}\n");
    refused("tenant", &offload("managementPortCount: 0"), &["degrades the cluster network operator"]);
    refused("tenant", &offload("leaseDuration: 10"), &["replaces by 40 and 10"]);
    refused("tenant", &offload("leaseRenewInterval: -1"), &["replaces by 10"]);
    let ran = Place::new().render("tenant", &offload("leaseRenewInterval: 0"), &[]);
    assert_eq!(ran.code, 0, "0 turns the health check off: {}", ran.err);
}

#[test]
fn places_that_a_machine_config_cannot_keep() {
    refused(
        "infra",
        "directories: { configuration: /run/cni }\n",
        &["lies in /run, which is empty after every boot"],
    );
    refused(
        "infra",
        "directories: { configuration: /var/run/cni }\n",
        &["goes through the link /var/run", "/run/cni/"],
    );
    refused(
        "infra",
        "directories: { binaries: /usr/local/bin }\n",
        &["goes through the link /usr/local", "/var/usrlocal/bin"],
    );
    refused(
        "tenant",
        &format!("{TENANT}directories: {{ binaries: /opt/cni/bin }}\n"),
        &["Multus looks for the plugin in /var/lib/cni/bin only"],
    );
}

#[test]
fn plugins_that_are_none() {
    let place = Place::new();
    place.write("dist/x86_64/dpu-host", program(0xb7));
    assert!(place.render("tenant", TENANT, &[]).err.contains("is a program for aarch64"));
    place.write("dist/x86_64/dpu-host", "#!/bin/sh\n");
    assert!(place.render("tenant", TENANT, &[]).err.contains("is no Linux program"));
    std::fs::remove_file(place.path("dist/x86_64/dpu-host")).expect("removed");
    assert!(place.render("tenant", TENANT, &[]).err.contains("scripts/build --target x86_64"));
    symlink("/bin/true", place.path("dist/x86_64/dpu-host")).expect("a link");
    assert!(
        place.render("tenant", TENANT, &[]).err.contains("is a link, and a MachineConfig holds files only")
    );
}

#[test]
fn more_than_fits() {
    let place = Place::new();
    let mut noise = program(0x3e);
    let mut state = 1_u64;
    noise.extend((0..900_000).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    }));
    place.write("dist/x86_64/dpu-host", noise);
    let ran = place.render("tenant", TENANT, &[]);
    assert!(
        ran.err.contains("MachineConfig 99-dpu-host-cni-plugin has ")
            && ran.err.contains("more than the 1000000"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("pool dpu-host would hold "), "{}", ran.err);
    refused(
        "infra",
        "pool: { inheritedBytes: 1200000 }\n",
        &["pool dpu-nic would hold", "pool.inheritedBytes"],
    );
}

#[test]
fn what_the_cluster_has_already() {
    let place = Place::new();
    place.write(
        "cluster.json",
        r#"{"kind":"List","items":[
          {"kind":"Node","metadata":{"name":"n1","labels":{"network.operator.openshift.io/dpu-host":"true"}}},
          {"kind":"NetworkAttachmentDefinition","metadata":{"name":"old","namespace":"shop","annotations":{"k8s.v1.cni.cncf.io/resourceName":"openshift.io/dpuvf"}}},
          {"kind":"MachineConfig","metadata":{"name":"50-other","labels":{"machineconfiguration.openshift.io/role":"worker"}},
           "spec":{"config":{"storage":{"files":[{"path":"/etc/tmpfiles.d/dpu-cni.conf"}]}}}},
          {"kind":"MachineConfig","metadata":{"name":"99-dpu-host-cni-configuration","labels":{"machineconfiguration.openshift.io/role":"dpu-host"}},
           "spec":{"config":{"storage":{"files":[{"path":"/etc/tmpfiles.d/dpu-cni.conf"}]}}}}]}"#,
    );
    let ran = place.render("tenant", TENANT, &["--against", "cluster.json"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("oc label node n1 --overwrite network.operator.openshift.io/dpu-host="),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("shop/old too"), "{}", ran.err);
    assert!(
        ran.err.contains("MachineConfig 50-other writes /etc/tmpfiles.d/dpu-cni.conf too"),
        "{}",
        ran.err
    );
    assert_eq!(ran.err.lines().count(), 3, "ours of last time is no stranger: {}", ran.err);
}

#[test]
fn fewer_vfs_than_pods_is_a_warning() {
    let ran = Place::new().render("tenant", TENANT, &[]).ok();
    assert!(
        ran.err.starts_with("warning: a node has 15 pod VFs and a kubelet that takes 250 pods"),
        "{}",
        ran.err
    );
    let enough = "sriov: { physicalFunctions: [ens1f0], maxPods: 15 }\n";
    assert_eq!(Place::new().render("tenant", enough, &[]).ok().err, "");
}

#[test]
fn what_no_operator_would_take() {
    let kubelet = |setting: &str| format!("{TENANT}kubeletConfig: {{ {setting} }}\n");
    refused(
        "tenant",
        &kubelet("clusterDNS: [10.0.0.1]"),
        &["kubeletConfig.clusterDNS is a key that", "leave it out"],
    );
    refused("tenant", &kubelet("registerWithTaints: yes"), &["registerWithTaints is no list"]);
    refused(
        "tenant",
        &format!("profile: kubernetes\n{}", kubelet("maxPods: 9")),
        &["no operator reads a KubeletConfig"],
    );
    let sriov = |more: &str| format!("sriov: {{ physicalFunctions: [ens1f0, ens1f1], {more} }}\n");
    refused("tenant", &sriov("numVfs: 129"), &["takes 128 of this vendor", "NUM_OF_VFS"]);
    Place::new().render("tenant", &sriov("numVfs: 200, vendor: '8086'"), &[]).ok();
    let two = format!("{}hardwareOffload: {{ managementPortCount: 2 }}\n", sriov("numVfs: 16"));
    refused("tenant", &two, &["(of the first physical function) has fewer VFs"]);
}

#[test]
fn an_operators_own_label_is_a_warning() {
    let render = |cluster: &str, values: &str| Place::new().render(cluster, values, &[]).ok().err;
    let tenant = render("tenant", &format!("{TENANT}modeLabel: example.com/host=\n"));
    assert!(tenant.contains("network-metrics-daemon and network-check-target"), "{tenant}");
    let infra = render("infra", "modeLabel: example.com/card=\n");
    assert!(infra.contains("dummy plugin and Multus' readiness file do not come"), "{infra}");
    for values in
        ["", "modeLabel: network.operator.openshift.io/dpu=\n", "profile: kubernetes\nmodeLabel: a/b=\n"]
    {
        assert_eq!(render("infra", values), "", "{values}");
    }
}

/// A second KubeletConfig of the pool would undo the first, our taint in it included.
#[test]
fn the_advice_about_max_pods_undoes_nothing() {
    let advice = |values: &str| Place::new().render("tenant", &format!("{values}{TENANT}"), &[]).ok().err;
    assert!(advice("").contains("where the nodes' other kubelet settings come from"), "{}", advice(""));
    let given = advice("kubeletConfig: { maxPods: 250 }\n");
    assert!(given.contains("set kubeletConfig.maxPods (and sriov.maxPods) to 15"), "{given}");
    assert!(advice("profile: kubernetes\n").contains("configuration of each node"));
}

#[test]
fn what_is_no_clusters_answer() {
    let place = Place::new();
    for (answer, words) in [
        ("", "cluster.json: it holds no objects"),
        ("error: You must be logged in to the server\n", "is no object of a cluster"),
        ("junk\n", "\"junk\" is no object of a cluster"),
        (r#"{"kind":"List","items":[]}"#, "cluster.json: it holds no objects"),
    ] {
        place.write("cluster.json", answer);
        for ran in [
            place.render("tenant", TENANT, &["--against", "cluster.json"]),
            place.run(&["audit", "--root", ".", "--objects", "cluster.json"]),
        ] {
            assert_eq!(ran.code, 2, "{answer}: {}", ran.out);
            assert!(ran.err.contains(words), "{answer}: {}", ran.err);
        }
    }
}
