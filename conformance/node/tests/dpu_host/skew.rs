//! What callers and servers differ in: old servers, bare answers, short IDs, missing variables.

use anyhow::Result;
use node::{Answer, Card, Generation, Node, Verb};
use serde_json::{Value, json};

use super::*;

#[test]
fn an_old_server_takes_an_unreadable_results_del() -> Result<()> {
    for privileged in [false, true] {
        let node = Node::builder().generation(Generation::Old).privileged(privileged).start()?;
        let pod = node.pod("web", "web-0")?;
        let conf = node.conf_for(&node.vfs()[0]);
        let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
        assert_eq!(result["cniVersion"], "1.1.0");
        assert!(!details(&node, &pod).is_empty());
        // Also where only the configuration tells of the attachment.
        for recorded in [true, false] {
            if !recorded {
                node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
                std::fs::remove_dir_all(node.root().join("run/dpu-cni"))?;
            }
            node.run(PLUGIN, Verb::Del, &pod, &after(conf.clone(), result.clone()))?.ok()?;
            assert!(details(&node, &pod).is_empty(), "the server refused: {:?}", node.received().last());
        }
    }
    Ok(())
}

/// What the card is still asked to connect.
fn details(node: &Node, pod: &Pod) -> Vec<String> {
    node.pod_object(pod).into_iter().flat_map(|object| object.details.into_keys()).collect()
}

#[test]
fn a_failed_adds_del_ends_the_cards_part() -> Result<()> {
    let node =
        Node::builder().privileged(false).behave(|b| b.card = Card::Reports("Error".into())).start()?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.error()?;
    assert!(!details(&node, &pod).is_empty());
    // Also when the server is not there to hear it: the next call tells it.
    node.stop_server();
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    node.start_server()?;
    del(&node, &node.pod("web", "other")?, &node.vfs()[1])?.ok()?;
    node.idle()?;
    assert!(details(&node, &pod).is_empty());
    assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    Ok(())
}

#[test]
fn an_answer_needs_no_credentials() -> Result<()> {
    let interface = json!({
        "IPs": [{"IP": "10.128.2.15", "Mask": "///+AA=="}],
        "MAC": "ClgKgAIP",
        "Gateways": ["10.128.2.1"],
        "mtu": 1400,
    });
    for kube_auth in [
        Value::Null,
        json!({}),
        json!({"kubeconfig": "/no/such/file", "kube-api-server": "nonsense", "kube-ca-data": "%%%"}),
    ] {
        let body = json!({"Result": null, "PodIFInfo": interface, "KubeAuth": kube_auth});
        let node = Node::builder().behave(|b| b.add = Answer::Body(body.to_string().into_bytes())).start()?;
        let pod = node.pod("web", "web-0")?;
        let result = add(&node, &pod, &node.vfs()[0])?.ok()?;
        assert_eq!(result["ips"][0]["address"], "10.128.2.15/23");
        assert!(pod.link("eth0")?.is_some_and(|link| link.up));
    }
    Ok(())
}

#[test]
fn a_container_id_may_be_short() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let before = home(&node, &node.vfs()[0])?;
    for id in ["a", "0123456789", &"f".repeat(200)] {
        let mut pod = node.pod("web", "web-0")?;
        pod.container = id.into();
        // The pod has a link of the VF's name, which makes upstream cut the ID for a temporary one.
        pod.change(&format!("link add dev {} type bridge", node.vfs()[0].name))?;
        add(&node, &pod, &node.vfs()[0])?.ok()?;
        del(&node, &pod, &node.vfs()[0])?.ok()?;
        assert_eq!(home(&node, &node.vfs()[0])?, before, "{id}");
    }
    Ok(())
}

#[test]
fn a_del_needs_neither_namespace_nor_arguments() -> Result<()> {
    for missing in ["CNI_NETNS", "CNI_ARGS"] {
        for empty in [false, true] {
            let node = Node::builder().privileged(false).start()?;
            let before = home(&node, &node.vfs()[0])?;
            let pod = node.pod("web", "web-0")?;
            add(&node, &pod, &node.vfs()[0])?.ok()?;
            let call = node.call(PLUGIN, Verb::Del)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0]));
            let call = if empty { call.env(missing, "") } else { call.without(missing) };
            call.run()?.ok()?;
            assert_eq!(home(&node, &node.vfs()[0])?, before, "{missing}");
            // What the runtime forgot, the record knows: the server hears of the pod all the same.
            assert!(details(&node, &pod).is_empty(), "{missing}");
            assert!(left(&node)?.is_empty(), "{missing}: {:?}", left(&node)?);
        }
    }
    Ok(())
}

#[test]
fn a_garbled_device_information_file_is_no_matter() -> Result<()> {
    let node = Node::builder().start()?;
    let dir = node.root().join("run/k8s.cni.cncf.io/devinfo/cni");
    std::fs::create_dir_all(&dir)?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    for content in ["", "null", "[]", "{\"type\":", &"{\"a\":".repeat(100_000), &"x".repeat(1 << 20)] {
        std::fs::write(dir.join("f"), content)?;
        conf["runtimeConfig"] = json!({"CNIDeviceInfoFile": "/var/run/k8s.cni.cncf.io/devinfo/cni/f"});
        let pod = node.pod("web", "web-0")?;
        node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
        node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    }
    // Neither is one that is none, or elsewhere; a good one arrives.
    for (file, known) in [("", false), ("/etc/passwd", false), ("good", true)] {
        std::fs::write(dir.join("good"), r#"{"type":"pci","version":"1.1.0","pci":{"pci-address":"x"}}"#)?;
        let path = if file.starts_with('/') {
            file.into()
        } else {
            format!("/run/k8s.cni.cncf.io/devinfo/cni/{file}")
        };
        conf["runtimeConfig"] = json!({"CNIDeviceInfoFile": path});
        let pod = node.pod("web", "web-0")?;
        node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
        let request = node.received().into_iter().rfind(|request| request.command == "ADD").expect("an ADD");
        assert_eq!(request.device_info.contains_key("pci"), known, "{file}: {:?}", request.device_info);
        node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    }
    Ok(())
}
