//! VFs by dynamic resource allocation: what the kubelet tells of a pod's claims, and what drivers leave on the node.

use std::fs;

use anyhow::{Result, ensure};
use node::{Get, Node, Verb, Vf};
use serde_json::json;

use super::*;

const SRIOV: &str = "sriovnetwork.k8snetworkplumbingwg.io";
const OVN: &str = "k8s.ovn.org";
const DRANET: &str = "dra.net";
const GPU: &str = "gpu.example.com";

/// What the driver of the SR-IOV network operator calls a VF.
fn label(vf: &Vf) -> String {
    vf.device_id().replace([':', '.'], "-")
}

/// What ovn-kubernetes' driver and DraNet call it.
fn pci(vf: &Vf) -> String {
    format!("pci-{}", label(vf))
}

fn conf(node: &Node) -> Value {
    let mut conf = node.conf();
    conf["resourceName"] = json!(RESOURCE);
    conf
}

/// Attaches the pod, and returns the device that it got.
fn given(node: &Node, pod: &Pod, conf: &Value) -> Result<Value> {
    let result = node.run(PLUGIN, Verb::Add, pod, conf)?.ok()?;
    ensure!(pod.link("eth0")?.is_some_and(|link| link.up));
    Ok(result["interfaces"][1]["pciID"].clone())
}

fn refused(node: &Node, pod: &Pod, conf: &Value) -> Result<(u64, String)> {
    let refused = node.run(PLUGIN, Verb::Add, pod, conf)?.error()?;
    ensure!(pod.links()?.is_empty() && left(node)?.is_empty(), "{:?}", left(node)?);
    Ok(refused)
}

/// What a driver writes of one of a claim's devices (KEP-5304).
fn leave_metadata(node: &Node, claim: &str, driver: &str, device: &str, address: &str) -> Result<()> {
    let request = node
        .root()
        .join("var/lib/kubelet/plugins")
        .join(driver)
        .join(format!("dra-device-metadata/web_{claim}/vf"));
    fs::create_dir_all(&request)?;
    let document = |version: &str, address: &str| {
        json!({
            "apiVersion": format!("metadata.resource.k8s.io/{version}"), "kind": "DeviceMetadata",
            "requests": [{"name": "vf", "devices": [{"driver": driver, "pool": "node-1", "name": device,
                "attributes": {"resource.kubernetes.io/pciBusID": {"string": address}}}]}],
        })
    };
    // The newest version is first, and not ours.
    let text = format!("{}\n{}\n", document("v2", "nowhere"), document("v1alpha1", address));
    Ok(fs::write(request.join("metadata.json"), text)?)
}

#[test]
fn a_vf_is_found_by_its_drivers_name() -> Result<()> {
    for get in [Get::Served, Get::Off, Get::Missing] {
        for (driver, name) in [(SRIOV, label as fn(&Vf) -> String), (OVN, pci), (DRANET, pci)] {
            let node = Node::builder().privileged(false).behave(|b| b.get = get).start()?;
            let before = homes(&node)?;
            let pod = node.pod("web", "web-0")?;
            let vf = &node.vfs()[1];
            node.allocate_claim(&pod, "vf-x7", &[(driver, &name(vf))]);
            assert_eq!(given(&node, &pod, &conf(&node))?, vf.device_id(), "{driver} {get:?}");
            node.run(PLUGIN, Verb::Del, &pod, &conf(&node))?.ok()?;
            assert_eq!(homes(&node)?, before);
        }
    }
    Ok(())
}

/// KEP-5004: the pod spec says what it has always said. The claim is in each container that it was made for, whole, a GPU
/// with it.
#[test]
fn an_extended_resource_may_be_a_claim() -> Result<()> {
    let node = Node::builder().vfs(3).start()?;
    let pod = node.pod("web", "web-0")?;
    let names = [&node.vfs()[2], &node.vfs()[1]].map(label);
    let devices =
        [(GPU, "gpu-0"), (SRIOV, names[0].as_str()), (SRIOV, names[1].as_str()), (SRIOV, names[0].as_str())];
    for _ in 0..2 {
        node.allocate_claim(&pod, "web-0-extended-resources-4k2xq", &devices);
    }
    // The smaller of the two, whatever comes first.
    assert_eq!(given(&node, &pod, &conf(&node))?, node.vfs()[1].device_id());
    Ok(())
}

#[test]
fn any_name_is_looked_up_in_its_drivers_file() -> Result<()> {
    for told_to_kubelet in [true, false] {
        let node = Node::builder().start()?;
        let pod = node.pod("web", "web-0")?;
        let vf = &node.vfs()[1];
        let device = [(DRANET, "net-mv2gqmi")];
        node.allocate_claim(&pod, "vf-x7", if told_to_kubelet { &device } else { &[] });
        leave_metadata(&node, "vf-x7", DRANET, "net-mv2gqmi", vf.device_id())?;
        // Another claim's, which says otherwise.
        leave_metadata(&node, "vf", DRANET, "net-mv2gqmi", node.vfs()[0].device_id())?;
        assert_eq!(given(&node, &pod, &conf(&node))?, vf.device_id());
    }
    Ok(())
}

#[test]
fn a_sites_own_driver_counts_once_configured() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let vf = &node.vfs()[1];
    node.allocate_claim(&pod, "vf-x7", &[("vf.example.com", "seven")]);
    leave_metadata(&node, "vf-x7", "vf.example.com", "seven", vf.device_id())?;
    let (code, text) = refused(&node, &pod, &conf(&node))?;
    assert_eq!(code, 101);
    assert!(text.contains("its claims are of vf.example.com") && text.contains("draDrivers"), "{text}");
    let mut conf = conf(&node);
    conf["draDrivers"] = json!(["vf.example.com"]);
    assert_eq!(given(&node, &pod, &conf)?, vf.device_id());
    Ok(())
}

#[test]
fn a_bad_list_of_drivers_is_refused() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    for value in [json!([]), json!("dra.net"), json!([7]), json!(["../plugins"]), json!(["A"]), json!([".."])]
    {
        let mut conf = conf(&node);
        conf["draDrivers"] = value;
        let (code, text) = refused(&node, &pod, &conf)?;
        assert_eq!(code, 7, "{text}");
        assert!(text.contains("draDrivers") && text.contains(SRIOV), "{text}");
    }
    Ok(())
}

/// "Cannot tell" is not "did not ask".
#[test]
fn a_claim_that_tells_no_vf_is_named() -> Result<()> {
    type Case<'a> = (&'a [(&'a str, &'a str)], u64, &'a str);
    let node = Node::builder().start()?;
    let cases: [Case<'_>; 4] = [
        (&[(DRANET, "net-mv2gqmi")], 101, "net-mv2gqmi of dra.net"),
        // What containers see of it is no address.
        (&[(SRIOV, "0000:03:00.2")], 101, "which VF that is cannot be told"),
        // Before Kubernetes 1.31.
        (&[("", "")], 101, "Kubernetes before 1.31"),
        (&[], 11, "has not prepared it yet"),
    ];
    for (number, (devices, expected, part)) in cases.into_iter().enumerate() {
        let pod = node.pod("web", &format!("web-{number}"))?;
        node.allocate_claim(&pod, "vf-x7", devices);
        let (code, text) = refused(&node, &pod, &conf(&node))?;
        assert_eq!(code, expected, "{text}");
        assert!(text.contains("claim web/vf-x7") && text.contains(part), "{text}");
        assert!(!text.contains("did not ask"), "{text}");
    }
    Ok(())
}

#[test]
fn a_gpus_claim_is_no_vf() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    node.allocate_claim(&pod, "gpu", &[(GPU, "gpu-0")]);
    let (code, text) = refused(&node, &pod, &conf(&node))?;
    assert_eq!(code, 101);
    assert!(text.contains("did not ask") && text.contains("its claims are of gpu.example.com"), "{text}");
    // The driver's name is all that keeps this one apart.
    node.allocate_claim(&pod, "fake", &[(GPU, &label(&node.vfs()[0]))]);
    refused(&node, &pod, &conf(&node))?;
    node.allocate_claim(&pod, "vf-x7", &[(SRIOV, &label(&node.vfs()[1]))]);
    assert_eq!(given(&node, &pod, &conf(&node))?, node.vfs()[1].device_id());
    Ok(())
}

#[test]
fn a_claims_device_must_be_a_listed_cards_vf() -> Result<()> {
    let node = Node::builder().start()?;
    let mut other_card = conf(&node);
    other_card["physicalFunctions"] = json!(["ens9f0"]);
    for (conf, device, part) in [
        (conf(&node), "0000-03-1f-7".to_owned(), "does not exist on this node"),
        (conf(&node), "0000-03-00-0".to_owned(), "is not a virtual function"),
        (other_card, label(&node.vfs()[0]), "which physicalFunctions does not list"),
    ] {
        let pod = node.pod("web", "web-0")?;
        node.allocate_claim(&pod, "vf-x7", &[(SRIOV, &device)]);
        let (code, text) = refused(&node, &pod, &conf)?;
        assert_eq!(code, 103, "{text}");
        assert!(
            text.contains(part) && text.contains("of claim web/vf-x7") && text.contains("DeviceClass"),
            "{text}"
        );
        // It is in the way of none that is one.
        node.allocate_claim(&pod, "vf-x8", &[(SRIOV, &label(&node.vfs()[1]))]);
        if part != "which physicalFunctions does not list" {
            assert_eq!(given(&node, &pod, &conf)?, node.vfs()[1].device_id());
            node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
        }
    }
    Ok(())
}

/// Beside the VF of its primary network a pod may have one of another class.
#[test]
fn a_vf_proven_to_be_of_the_resource_comes_first() -> Result<()> {
    let node = Node::builder().vfs(3).start()?;
    let names = node.vfs().iter().map(label).collect::<Vec<_>>();
    let pod = node.pod("web", "web-0")?;
    node.allocate_claim(&pod, "storage", &[(SRIOV, &names[0])]);
    node.allocate_claim(&pod, "vf", &[(SRIOV, &names[2])]);
    let devinfo = node.root().join("run/k8s.cni.cncf.io/devinfo/dp");
    fs::create_dir_all(&devinfo)?;
    fs::write(devinfo.join(format!("openshift.io-dpuvf-{}-device.json", node.vfs()[2].device_id())), "{}")?;
    assert_eq!(given(&node, &pod, &conf(&node))?, node.vfs()[2].device_id());
    Ok(())
}

#[test]
fn a_device_plugins_vf_comes_before_a_claims() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    node.allocate_claim(&pod, "storage", &[(SRIOV, &label(&node.vfs()[0]))]);
    node.allocate(&pod, RESOURCE, &[node.vfs()[1].device_id()]);
    assert_eq!(given(&node, &pod, &conf(&node))?, node.vfs()[1].device_id());
    Ok(())
}

#[test]
fn the_claims_form_is_shown_where_claims_are_used() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let (_, text) = refused(&node, &pod, &conf(&node))?;
    assert!(text.contains("did not ask") && !text.contains("claim"), "{text}");
    fs::create_dir_all(node.root().join("var/lib/kubelet/plugins").join(SRIOV))?;
    let (_, text) = refused(&node, &pod, &conf(&node))?;
    assert!(text.contains("did not ask") && text.contains(&format!("a claim of a VF of {SRIOV}")), "{text}");
    Ok(())
}

#[test]
fn a_claim_that_nobody_asks_for_is_told() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    node.allocate_claim(&pod, "vf-x7", &[(SRIOV, &label(&node.vfs()[0]))]);
    let (code, text) = refused(&node, &pod, &node.conf())?;
    assert_eq!(code, 101);
    assert!(
        text.contains("has a VF by the claim web/vf-x7") && text.contains("the key resourceName"),
        "{text}"
    );
    Ok(())
}

/// The pod next door has filled the list for good (kubernetes #141335), or it is this one.
#[test]
fn a_list_too_large_keeps_no_vf_back() -> Result<()> {
    let node = Node::builder().behave(|b| b.list_padding = 18 << 20).start()?;
    let pod = node.pod("web", "web-0")?;
    let name = label(&node.vfs()[0]);
    node.allocate_claim(&pod, "vf-x7", &vec![(SRIOV, name.as_str()); 500]);
    assert_eq!(given(&node, &pod, &conf(&node))?, node.vfs()[0].device_id());
    let next = node.pod("web", "web-1")?;
    node.behave(|b| b.get = Get::Off);
    let (code, text) = node.run(PLUGIN, Verb::Add, &next, &conf(&node))?.error()?;
    assert_eq!(code, 11);
    assert!(text.contains("more than 16 MiB") && text.contains("driver of resource claims"), "{text}");
    Ok(())
}

/// A kubelet that was never asked for the pod alone cannot have said that it is gone.
#[test]
fn a_pod_unknown_to_get_is_looked_up_in_list() -> Result<()> {
    for get in [Get::Served, Get::Off] {
        let node = Node::builder().behave(|b| b.get = get).start()?;
        let pod = node.pod("web", "web-0")?;
        node.unlist(&pod);
        let (code, text) = refused(&node, &pod, &conf(&node))?;
        assert_eq!(code, 101);
        assert!(text.contains("knows of no such pod"), "{text}");
    }
    Ok(())
}

#[test]
fn a_holders_and_an_askers_claims_count() -> Result<()> {
    let node = Node::builder().start()?;
    let (holder, next) = (node.pod("web", "holder")?, node.pod("web", "next")?);
    let vf = &node.vfs()[0];
    add(&node, &holder, vf)?.ok()?;
    let _process = holder.start_process()?;
    node.allocate_claim(&next, "vf-x8", &[(SRIOV, &label(vf))]);
    let refused = |part: &str| -> Result<()> {
        let (code, text) = node.run(PLUGIN, Verb::Add, &next, &conf(&node))?.error()?;
        ensure!(code == 102 && text.contains(part), "{text}");
        ensure!(holder.link("eth0")?.is_some());
        Ok(())
    };
    // The kubelet lists the holder, with what may be this VF.
    node.allocate_claim(&holder, "vf-x7", &[]);
    refused("has a resource claim of which nothing says")?;
    node.allocate_claim(&holder, "vf-x7", &[(SRIOV, &label(vf))]);
    refused("given it to both pods")?;
    // And by now no longer.
    node.unlist(&holder);
    assert_eq!(given(&node, &next, &conf(&node))?, vf.device_id());
    Ok(())
}

#[test]
fn a_foreign_vf_is_shown_by_its_claim() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let vf = &node.vfs()[0];
    node.change_host(&format!("link set {} netns {}", vf.name, pod.netns().path().display()))?;
    node.allocate_claim(&pod, "vf-x7", &[(SRIOV, &label(vf))]);
    assert_eq!(row(&node, vf.device_id())?["pod"], "web/web-0");
    Ok(())
}
