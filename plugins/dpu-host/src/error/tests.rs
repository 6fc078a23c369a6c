//! The sentences as people see them.

use super::*;
use crate::time::now;

const README: &str = include_str!("../../../../README.md");

fn pod() -> Pod {
    Pod { namespace: Some("web".into()), name: Some("web-0".into()), uid: None }
}

fn device() -> DeviceId {
    "0000:03:00.2".parse().unwrap()
}

fn holder() -> Record {
    serde_json::from_value(serde_json::json!({
        "format": 1,
        "attachment": {"network": "n", "container": "0123456789abcdef", "ifname": "eth0"},
        "pod": {"namespace": "shop", "name": "db-0", "uid": null},
        "netns": "/run/netns/x",
        "netns_id": {"dev": 1, "inode": 2},
        "since": now() - 600,
        "stage": "attached",
        "devices": [],
        "forward": {"config": {}, "args": ""},
    }))
    .unwrap()
}

/// One of each kind, and what a pod event shows of it.
#[allow(clippy::too_many_lines, reason = "a table")]
fn catalogue() -> Vec<(Error, &'static str)> {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let asked = |drivers: &[&str]| Lack::NotAsked { drivers: set(drivers) };
    let vf = Some("openshift.io/dpuvf");
    let sriov = Some("sriovnetwork.k8snetworkplumbingwg.io");
    let claim = || String::from("web/vf-x7");
    let untold = |driver: &str, device: &str| Lack::Untold {
        claim: claim(),
        driver: driver.into(),
        device: device.into(),
    };
    vec![
        (
            no_device(&pod(), vf, &asked(&[]), None),
            "pod web/web-0 did not ask for a VF of this DPU host; add resources.limits['openshift.io/dpuvf']: '1' to \
             one container, or set hostNetwork: true",
        ),
        (
            no_device(&pod(), vf, &asked(&[]), sriov),
            "pod web/web-0 did not ask for a VF of this DPU host; add resources.limits['openshift.io/dpuvf']: '1' to \
             one container (or to resources.claims a claim of a VF of sriovnetwork.k8snetworkplumbingwg.io), or set \
             hostNetwork: true",
        ),
        (
            no_device(&pod(), vf, &asked(&["gpu.example.com", "nic.example.com"]), None),
            "pod web/web-0 did not ask for a VF of this DPU host: its claims are of gpu.example.com, nic.example.com; \
             add resources.limits['openshift.io/dpuvf']: '1' to one container, or set hostNetwork: true; if those give \
             VFs, name them in the key draDrivers",
        ),
        (
            no_device(&pod(), vf, &Lack::Unprepared { claim: claim() }, sriov),
            "pod web/web-0 has the claim web/vf-x7, of which the kubelet tells no device; its driver has not prepared it \
             yet, and this is tried again; or it tells the kubelet nothing: then have it write device metadata \
             (--enable-device-metadata)",
        ),
        (
            no_device(&pod(), vf, &untold("dra.net", "net-mv2gqmi"), sriov),
            "pod web/web-0 has net-mv2gqmi of dra.net by the claim web/vf-x7, but which VF that is cannot be told; have \
             dra.net write device metadata (--enable-device-metadata), or name its devices by PCI address",
        ),
        (
            no_device(&pod(), vf, &untold("", ""), sriov),
            "pod web/web-0 has the claim web/vf-x7, but which device that is cannot be told; Kubernetes before 1.31 does \
             not say: ask for the VF by resources.limits, or upgrade this node's kubelet",
        ),
        (
            no_device(&pod(), vf, &Lack::UnknownPod, None),
            "pod web/web-0 has no VF: the kubelet knows of no such pod with devices; add \
             resources.limits['openshift.io/dpuvf']: '1' to one container, or set hostNetwork: true",
        ),
        (
            no_device(
                &pod(),
                None,
                &Lack::NotPassedOn { resources: set(&["openshift.io/dpuvf"]), claims: set(&[]) },
                None,
            ),
            "pod web/web-0 has openshift.io/dpuvf, but Multus passed no VF on; give the \
             NetworkAttachmentDefinition that the pod's v1.multus-cni.io/default-network names the annotation \
             k8s.v1.cni.cncf.io/resourceName: openshift.io/dpuvf, or this plugin's configuration the key \
             resourceName",
        ),
        (
            no_device(
                &pod(),
                None,
                &Lack::NotPassedOn { resources: set(&[]), claims: set(&["web/vf-x7"]) },
                sriov,
            ),
            "pod web/web-0 has a VF by the claim web/vf-x7, but Multus passed none on; give this plugin's configuration \
             the key resourceName: then it asks for the pod's claims",
        ),
        (
            no_device(&pod(), None, &Lack::Unknown, None),
            "pod web/web-0 has no VF of this DPU host; add resources.limits['<resourceName>']: '1' to one container \
             and the annotation v1.multus-cni.io/default-network: <namespace>/<nad>, whose \
             NetworkAttachmentDefinition has k8s.v1.cni.cncf.io/resourceName: <resourceName>; or set hostNetwork: \
             true",
        ),
        (
            no_second_device(&pod(), vf),
            "pod web/web-0 has no second VF for its primary user-defined network; raise \
             resources.limits['openshift.io/dpuvf'] to '2', of a device plugin's (ovnkube-node sees no claims), and \
             give that network's NetworkAttachmentDefinition the annotation k8s.v1.cni.cncf.io/resourceName: \
             openshift.io/dpuvf",
        ),
        (
            taken(&device(), &holder(), Word::Both),
            "VF 0000:03:00.2 has been held by pod shop/db-0 for 10 min; the kubelet has given it to both pods, handed \
             out twice: give pods and Multus networks separate pools",
        ),
        (
            taken(&device(), &holder(), Word::Holder),
            "VF 0000:03:00.2 has been held by pod shop/db-0 for 10 min; the kubelet has given it to that pod and not \
             to this one: give pods and Multus networks separate pools, and no NetworkAttachmentDefinition a deviceID \
             of its own",
        ),
        (
            taken(&device(), &holder(), Word::Asker),
            "VF 0000:03:00.2 has been held by pod shop/db-0 for 10 min; the kubelet has given it to this pod by now, \
             but the sandbox 0123456789ab of that one still lives: this is tried again",
        ),
        (
            taken(&device(), &holder(), Word::Neither),
            "VF 0000:03:00.2 has been held by pod shop/db-0 for 10 min; the kubelet has given it to neither pod, and \
             the sandbox 0123456789ab of that one still lives: dpu-host vfs --release 0000:03:00.2 frees it if that \
             pod is gone",
        ),
        (
            taken(&device(), &holder(), Word::Untold),
            "VF 0000:03:00.2 has been held by pod shop/db-0 for 10 min; that pod has a resource claim of which nothing \
             says whether it is this VF, and its sandbox 0123456789ab still lives: dpu-host vfs --release 0000:03:00.2 \
             frees it if that pod is gone",
        ),
        (
            taken(&device(), &holder(), Word::Unheard),
            "VF 0000:03:00.2 has been held by pod shop/db-0 for 10 min; its sandbox 0123456789ab still lives, and the \
             kubelet cannot be asked whose the VF is: if that pod is being deleted this is tried again; check the \
             kubelet of this node",
        ),
        (
            taken_just_now(&device(), &holder()),
            "VF 0000:03:00.2 has been held by pod shop/db-0 for 10 min; that pod is being attached right now; this is \
             tried again once that has ended",
        ),
        (
            taken_by_itself(&device(), &holder()),
            "VF 0000:03:00.2 has been held by pod shop/db-0 for 10 min; it is that pod's eth0 already: give each of \
             its networks a resource of its own",
        ),
        (bad_device(&device(), "has no driver", "bind it"), "device 0000:03:00.2 has no driver; bind it"),
        (
            bad_netns(&pod(), "it is gone"),
            "network namespace of pod web/web-0 cannot be used: it is gone; the container runtime makes a new \
             sandbox and tries again; if it persists look at its log",
        ),
        (
            bad_answer(&pod(), "not JSON"),
            "ovnkube-node gave no usable answer for pod web/web-0: not JSON; look at the log of ovnkube-node on this \
             node; its version may not fit this plugin",
        ),
        (
            of_pod(kernel(&device(), "setting up eth0", "no such device"), &pod()),
            "pod web/web-0: VF 0000:03:00.2: setting up eth0: no such device; the VF is brought home again; look at \
             the kernel log for what its driver says",
        ),
        (
            of_pod(homeward(&device(), "moving it home", "busy"), &pod()),
            "pod web/web-0: VF 0000:03:00.2: moving it home: busy; every later call tries again; look at the kernel \
             log for what its driver says, and at dpu-host vfs",
        ),
        (
            of_pod(differs(&pod(), device(), "eth0 is down"), &pod()),
            "attachment of pod web/web-0 on VF 0000:03:00.2: eth0 is down; a VF lost with its card is given back (see dpu-host vfs); else delete the pod so that it is attached \
             anew",
        ),
        (
            state("writing x", "no space"),
            "state of dpu-host: writing x: no space; the state directory must be a directory of root on a file \
             system with free space",
        ),
        (
            newer("format 9"),
            "the record of this attachment cannot be read: format 9; install that version again: until then the VF \
             stays where it is",
        ),
    ]
}

#[test]
fn every_sentence_reads_as_it_should() {
    for (error, text) in catalogue() {
        assert_eq!(error.to_string(), text);
        assert!(!text.contains(['\n', '"']), "{text}");
    }
}

#[test]
fn the_readme_has_a_remedy_for_every_code() {
    let ours: std::collections::BTreeSet<u32> = catalogue()
        .iter()
        .map(|(error, _)| error.code())
        .filter(|code| *code > 100)
        .chain([REFUSED])
        .collect();
    assert_eq!(ours.first(), Some(&NO_DEVICE), "100 is the placeholder's");
    for code in ours {
        assert!(README.contains(&format!("\n| {code} | ")), "{code} is not in the README");
    }
}

#[test]
fn an_error_names_its_pod_once() {
    let named = of_pod(bad_netns(&pod(), "gone"), &pod());
    assert_eq!(named.to_string().matches("web/web-0").count(), 1);
    assert_eq!(of_pod(newer("x"), &Pod::default()).msg(), newer("x").msg());
}
