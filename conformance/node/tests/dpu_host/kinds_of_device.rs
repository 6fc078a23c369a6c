//! Devices that are no plain VF, and pods with more than one.

use anyhow::{Context, Result};
use node::{Kubelet, Node, Verb};
use serde_json::json;

use super::*;

#[test]
fn a_vf_without_a_network_device_is_passed_through() -> Result<()> {
    for privileged in [false, true] {
        let node = Node::builder().vfs(2).vfio(1).privileged(privileged).start()?;
        let vf = node.vfs().iter().find(|vf| vf.vfio).context("no VFIO VF")?;
        let pod = node.pod("web", "vm-0")?;
        let added = add(&node, &pod, vf)?;
        let result = added.ok()?;
        assert!(pod.links()?.is_empty());
        let interface = &result["interfaces"][1];
        assert_eq!((&interface["name"], &interface["pciID"]), (&json!("eth0"), &json!(vf.pci)), "{result}");
        let object = node.pod_object(&pod).context("no pod")?;
        let mac = object.interfaces["eth0"].mac.context("no MAC")?;
        let mac = mac.map(|byte| format!("{byte:02x}")).join(":");
        assert_eq!(interface["mac"], mac.as_str());
        // Only the PF can give the virtual machine that address; this one's driver cannot, and that is said.
        assert!(added.stderr.contains("its address stays as it is"), "{}", added.stderr);
        node.run(PLUGIN, Verb::Check, &pod, &after(node.conf_for(vf), result))?.ok()?;
        let row = row(&node, vf.device_id())?;
        assert_eq!((&row["state"], &row["place"]), (&json!("used"), &json!("vfio")), "{row}");
        del(&node, &pod, vf)?.ok()?;
        assert!(left(&node)?.is_empty());
    }
    Ok(())
}

#[test]
fn several_interfaces_of_a_network_share_its_routes() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    node.give_interfaces(&pod, "web/blue", &["net1", "net2"])?;
    for (name, vf) in ["net1", "net2"].into_iter().zip(node.vfs()) {
        let mut conf = node.conf_for(vf);
        conf["name"] = json!("blue");
        conf["topology"] = json!("layer3");
        conf["netAttachDefName"] = json!("web/blue");
        let call = node.call(PLUGIN, Verb::Add)?.pod(&pod).env("CNI_IFNAME", name).conf(&conf);
        call.run()?.ok()?;
    }
    let links = pod.links()?;
    assert_eq!(links.len(), 2);
    let rules = pod.ip(&["rule", "show"])?;
    for link in &links {
        let table = (100 + link.index).to_string();
        assert!(rules.to_string().contains(&format!("\"table\":\"{table}\"")), "{table} is not in {rules}");
        let routes = pod.ip(&["route", "show", "table", &table])?;
        assert!(routes.as_array().is_some_and(|routes| routes.len() > 1), "{routes}");
        for (key, value) in [("arp_ignore", "1"), ("arp_announce", "2"), ("rp_filter", "2")] {
            let path = format!("/proc/sys/net/ipv4/conf/{}/{key}", link.name);
            let found = pod.netns().netns().run(|| std::fs::read_to_string(&path))??;
            assert_eq!(found.trim(), value, "{path}");
        }
    }
    let routes = pod.ip(&["route", "show"])?;
    assert!(routes.to_string().contains("nexthops"), "{routes}");
    for (name, vf) in ["net1", "net2"].into_iter().zip(node.vfs()) {
        let mut conf = node.conf_for(vf);
        conf["name"] = json!("blue");
        node.call(PLUGIN, Verb::Del)?.pod(&pod).env("CNI_IFNAME", name).conf(&conf).run()?.ok()?;
        home(&node, vf)?;
    }
    assert!(left(&node)?.is_empty());
    Ok(())
}

#[test]
fn a_pod_needs_nothing_but_the_resource_request() -> Result<()> {
    let node = Node::builder().vfs(3).privileged(false).start()?;
    let mut conf = node.conf();
    conf["resourceName"] = json!(RESOURCE);
    // A dead pod of the same name may still be listed, and its VF another's by now.
    let other = node.pod("web", "other")?;
    add(&node, &other, &node.vfs()[0])?.ok()?;
    let pod = node.pod("web", "web-0")?;
    node.allocate(&pod, RESOURCE, &[node.vfs()[0].device_id(), node.vfs()[2].device_id()]);
    let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    assert_eq!(result["interfaces"][1]["pciID"], json!(node.vfs()[2].pci));
    node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    home(&node, &node.vfs()[2])?;
    Ok(())
}

#[test]
fn not_asked_is_told_from_not_passed_on() -> Result<()> {
    let node = Node::builder().start()?;
    node.stop_server();
    let pod = node.pod("web", "web-0")?;
    node.allocate(&pod, RESOURCE, &[]);
    let mut conf = node.conf();
    conf["resourceName"] = json!(RESOURCE);
    let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
    assert_eq!(code, 101);
    assert!(
        text.contains("did not ask") && text.contains("resources.limits['openshift.io/dpuvf']"),
        "{text}"
    );
    assert!(!text.contains("default-network"), "{text}");

    let pod = node.pod("web", "web-1")?;
    node.allocate(&pod, RESOURCE, &[node.vfs()[0].device_id()]);
    let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &node.conf())?.error()?;
    assert_eq!(code, 101);
    assert!(text.contains("Multus passed no VF on"), "{text}");
    assert!(text.contains("k8s.v1.cni.cncf.io/resourceName: openshift.io/dpuvf"), "{text}");

    // What it has of other things does not count.
    let pod = node.pod("web", "web-2")?;
    node.allocate(&pod, "nvidia.com/gpu", &["GPU-5f2e", "0000:af:00.0"]);
    let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &node.conf())?.error()?;
    assert_eq!(code, 101);
    assert!(text.contains("has no VF") && !text.contains("nvidia"), "{text}");
    Ok(())
}

#[test]
fn a_hanging_kubelet_hides_no_remedy() -> Result<()> {
    let node = Node::builder().behave(|b| b.kubelet = Kubelet::Hangs).start()?;
    let pod = node.pod("web", "web-0")?;
    let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &node.conf())?.error()?;
    assert_eq!(code, 101);
    assert!(text.contains("k8s.v1.cni.cncf.io/resourceName"), "{text}");
    Ok(())
}

#[test]
fn a_kubelet_that_cannot_be_asked_is_named() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf();
    conf["resourceName"] = json!(RESOURCE);
    conf["podResourcesSocket"] = json!("/var/lib/kubelet/pod-resources/elsewhere.sock");
    let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
    assert_eq!(code, 11);
    assert!(text.contains("kubelet") && text.contains("web/web-0"), "{text}");
    Ok(())
}
