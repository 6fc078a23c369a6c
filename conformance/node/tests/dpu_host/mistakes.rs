//! What users get wrong, and what they are told.

use anyhow::Result;
use node::{Naming, Node, Verb};
use serde_json::{Value, json};

use super::*;

fn refused(node: &Node, change: impl FnOnce(&mut Value)) -> Result<(u64, String)> {
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    change(&mut conf);
    let refused = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
    assert!(pod.links()?.is_empty());
    home(node, &node.vfs()[0])?;
    assert!(left(node)?.is_empty());
    Ok(refused)
}

#[test]
fn a_pod_without_a_vf_is_shown_its_remedy() -> Result<()> {
    let node = Node::builder().start()?;
    node.stop_server();
    let pod = node.pod("web", "web-0")?;
    let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &node.conf())?.error()?;
    assert_eq!(code, 101);
    for part in [
        "web/web-0",
        "resources.limits",
        "v1.multus-cni.io/default-network",
        "k8s.v1.cni.cncf.io/resourceName",
        "hostNetwork: true",
    ] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
    Ok(())
}

#[test]
fn bad_values_are_named_with_what_is_allowed() -> Result<()> {
    let node = Node::builder().start()?;
    for (key, value, allowed) in [
        ("deviceID", json!("0000:03:00.9"), "PCI address"),
        ("deviceID", json!("eth0.100"), "PCI address"),
        ("deviceID", json!(7), "PCI address"),
        ("socket", json!("/tmp/evil.sock"), "/run/ovn-kubernetes"),
        ("socket", json!("relative"), "/run/ovn-kubernetes"),
        ("stateDir", json!("/run/../etc"), "/run/dpu-cni"),
        ("stateDir", json!(["/run/dpu-cni"]), ""),
        ("podResourcesSocket", json!("/root/x"), "/var/lib/kubelet/pod-resources"),
        ("resourceName", json!("noslash"), "openshift.io/dpuvf"),
        ("physicalFunctions", json!([]), "a list of PFs"),
        ("physicalFunctions", json!("ens1f0"), "a list of PFs"),
        ("physicalFunctions", json!([1]), "a list of PFs"),
        ("timeoutSeconds", json!(0), "1 to 210"),
        ("timeoutSeconds", json!("ten"), "1 to 210"),
        ("logFile", json!(["/var/log/x"]), "a string"),
        ("logLevel", json!("loud"), ""),
    ] {
        let (code, text) = refused(&node, |conf| conf[key] = value.clone())?;
        assert_eq!(code, 7, "{key} {value}: {text}");
        assert!(text.contains(key) && text.contains(allowed), "{key} {value}: {text}");
    }
    assert!(node.received().is_empty());
    Ok(())
}

#[test]
fn a_del_does_not_mind_bad_values() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let before = home(&node, &node.vfs()[0])?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    let mut conf = node.conf();
    conf["socket"] = json!("/tmp/evil.sock");
    conf["timeoutSeconds"] = json!("x");
    conf["cniVersion"] = json!("9.9.9");
    conf["deviceID"] = json!("nonsense!");
    node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn devices_that_no_pod_can_have_are_told_apart() -> Result<()> {
    let node = Node::builder().start()?;
    let (code, text) = refused(&node, |conf| conf["deviceID"] = json!("0000:7f:00.1"))?;
    assert_eq!(code, 103);
    assert!(text.contains("does not exist") && text.contains("device plugin"), "{text}");
    let pf = "0000:03:00.0";
    let (code, text) = refused(&node, |conf| conf["deviceID"] = json!(pf))?;
    assert_eq!(code, 103, "{text}");
    assert!(text.contains("not a virtual function"), "{text}");
    Ok(())
}

#[test]
fn a_vf_of_an_unlisted_card_is_refused() -> Result<()> {
    let node = Node::builder().start()?;
    let (code, text) = refused(&node, |conf| conf["physicalFunctions"] = json!(["ens2f0", "0000:3b:00.0"]))?;
    assert_eq!(code, 103, "{text}");
    for part in [node.vfs()[0].device_id(), "0000:03:00.0 (ens1f0)", "device plugin's pool"] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
    assert!(node.received().is_empty());
    // Nor is it what a look by hand goes by.
    assert!(!node.root().join("run/dpu-cni/physical-functions").exists());
    for listed in ["ens1f0", "0000:03:00.0"] {
        let pod = node.pod("web", "web-0")?;
        let mut conf = node.conf_for(&node.vfs()[0]);
        conf["physicalFunctions"] = json!([listed]);
        node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
        node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    }
    Ok(())
}

#[test]
fn a_pod_without_a_name_is_refused_by_variable() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    for args in ["", "IgnoreUnknown=1;K8S_POD_NAME=web-0", "K8S_POD_NAMESPACE=;K8S_POD_NAME=x"] {
        let call = node.call(PLUGIN, Verb::Add)?.pod(&pod).env("CNI_ARGS", args);
        let (code, text) = call.conf(&node.conf_for(&node.vfs()[0])).run()?.error()?;
        assert_eq!(code, 4);
        assert!(text.contains("CNI_ARGS"), "{text}");
    }
    Ok(())
}

#[test]
fn a_namespace_that_is_none_is_refused() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let file = node.root().join("plain");
    std::fs::write(&file, "")?;
    for path in ["/run/netns/dpu-cni-no-such".into(), file.display().to_string(), "/tmp".into()] {
        let call = node.call(PLUGIN, Verb::Add)?.pod(&pod).env("CNI_NETNS", &path);
        let (code, text) = call.conf(&node.conf_for(&node.vfs()[0])).run()?.error()?;
        assert_eq!(code, 104, "{path}: {text}");
        assert!(text.contains("web/web-0"), "{text}");
    }
    assert!(left(&node)?.is_empty());
    Ok(())
}

#[test]
fn a_missing_device_information_file_is_no_matter() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["runtimeConfig"] = json!({"CNIDeviceInfoFile": "/var/run/k8s.cni.cncf.io/devinfo/cni/none"});
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    Ok(())
}

#[test]
fn a_missing_state_directory_loses_no_vf() -> Result<()> {
    let node = Node::builder().naming(Naming::Simulated).privileged(false).start()?;
    let (vf, before) = (&node.vfs()[0], home(&node, &node.vfs()[0])?);
    let mut conf = node.conf_for(vf);
    conf["stateDir"] = json!("/run/dpu-cni-elsewhere");
    for vanishes in [false, true] {
        let pod = node.pod("web", "web-0")?;
        node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
        assert!(node.root().join("run/dpu-cni-elsewhere/attachments").is_dir());
        if vanishes {
            std::fs::remove_dir_all(node.root().join("run/dpu-cni-elsewhere"))?;
        }
        node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
        assert_eq!(home(&node, vf)?.index, before.index);
        assert!(pod.links()?.is_empty());
    }
    Ok(())
}

#[test]
fn a_state_directory_of_others_is_refused() -> Result<()> {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let node = Node::builder().start()?;
    let state = node.root().join("run/dpu-cni");
    symlink("/tmp", &state)?;
    let pod = node.pod("web", "web-0")?;
    assert_eq!(add(&node, &pod, &node.vfs()[0])?.error()?.0, 109);
    std::fs::remove_file(&state)?;
    std::fs::create_dir(&state)?;
    std::fs::set_permissions(&state, PermissionsExt::from_mode(0o777))?;
    assert_eq!(add(&node, &pod, &node.vfs()[0])?.error()?.0, 109);
    home(&node, &node.vfs()[0])?;
    assert!(node.received().is_empty());
    Ok(())
}
