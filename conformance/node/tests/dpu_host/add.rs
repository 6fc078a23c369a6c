//! ADD: what a pod gets, from every kind of server, in every family.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use node::{Answer, Card, Families, Generation, Naming, Node, Verb};
use serde_json::{Value, json};

use super::*;

#[test]
fn attaches_under_every_server_in_every_family() -> Result<()> {
    for privileged in [false, true] {
        for generation in [Generation::Old, Generation::New] {
            for families in [Families::V4, Families::V6, Families::Dual] {
                let node = Node::builder()
                    .privileged(privileged)
                    .generation(generation)
                    .families(families)
                    .start()?;
                let case = format!("privileged {privileged}, {generation:?}, {families:?}");
                attaches(&node).context(case)?;
            }
        }
    }
    Ok(())
}

#[test]
fn attaches_simulated_vfs() -> Result<()> {
    for privileged in [false, true] {
        attaches(&Node::builder().naming(Naming::Simulated).privileged(privileged).start()?)?;
    }
    Ok(())
}

/// Two pods that reach each other, as their results say they should, and both VFs home again afterwards.
fn attaches(node: &Node) -> Result<()> {
    let homes = homes(node)?;
    let mut pods = Vec::new();
    for (vf, name) in node.vfs().iter().zip(["web-0", "web-1"]) {
        let pod = node.pod("web", name)?;
        let result = add(node, &pod, vf)?.ok()?;
        let interface = &result["interfaces"][1];
        let eth0 = pod.link("eth0")?.context("the pod has no eth0")?;
        ensure!(result["interfaces"][0] == json!({"name": ""}), "{result}");
        ensure!(
            interface["name"] == "eth0"
                && interface["sandbox"] == pod.netns().path().to_string_lossy().as_ref()
        );
        ensure!(interface["mac"] == eth0.mac.as_str() && interface["mtu"] == eth0.mtu, "{result} {eth0:?}");
        ensure!(interface.get("pciID").and_then(Value::as_str) == vf.pci.as_deref(), "{result}");
        let ips = result["ips"].as_array().context("no ips")?;
        ensure!(ips.iter().all(|ip| ip["interface"] == 1), "{result}");
        let mut promised: Vec<String> =
            ips.iter().filter_map(|ip| ip["address"].as_str()).map(String::from).collect();
        let mut present: Vec<String> = eth0.addresses.iter().map(ToString::to_string).collect();
        promised.sort();
        present.sort();
        ensure!(promised == present && eth0.up, "{result} {eth0:?}");
        let conf = after(node.conf_for(vf), result.clone());
        node.run(PLUGIN, Verb::Check, &pod, &conf)?.ok()?;
        pods.push((pod, result));
    }
    let address = |result: &Value| -> Result<IpAddr> {
        let text = result["ips"][0]["address"].as_str().context("no address")?;
        Ok(text.split('/').next().unwrap_or(text).parse()?)
    };
    ensure!(pods[0].0.ping(address(&pods[1].1)?)?, "the pods do not reach each other");
    for (((pod, result), vf), before) in pods.iter().zip(node.vfs()).zip(homes) {
        node.run(PLUGIN, Verb::Del, pod, &after(node.conf_for(vf), result.clone()))?.ok()?;
        assert_eq!(home(node, vf)?, before);
        ensure!(pod.links()?.is_empty());
    }
    ensure!(left(node)?.is_empty(), "{:?}", left(node)?);
    Ok(())
}

#[test]
fn answers_in_every_version() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    for version in ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let pod = node.pod("web", "web-0")?;
        let mut conf = node.conf_for(&node.vfs()[0]);
        conf["cniVersion"] = json!(version);
        let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
        assert_eq!(result["cniVersion"], version);
        node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    }
    Ok(())
}

#[test]
fn ipv6_addresses_are_usable_at_once() -> Result<()> {
    let node = Node::builder().privileged(false).families(Families::Dual).start()?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    let tentative = pod.ip(&["-6", "address", "show", "dev", "eth0", "scope", "global", "tentative"])?;
    let scopes = |json: &Value| json.to_string().contains("\"local\"");
    assert!(!scopes(&tentative), "{tentative}");
    Ok(())
}

#[test]
fn the_old_mac_is_never_on_the_wire() -> Result<()> {
    // The VF is moved down, addressed down, and only then set up: the kernel makes its link-local address of the new MAC.
    let node = Node::builder().privileged(false).families(Families::Dual).start()?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    let mac = node.pod_object(&pod).context("no pod")?.interfaces["eth0"].mac.context("no MAC")?;
    let [a, b, c, d, e, f] = mac;
    let pair = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    let local = Ipv6Addr::new(0xfe80, 0, 0, 0, pair(a ^ 2, b), pair(c, 0xff), pair(0xfe, d), pair(e, f));
    let shown = pod.ip(&["-6", "address", "show", "dev", "eth0", "scope", "link"])?;
    let addresses: Vec<&str> = shown[0]["addr_info"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|address| address["local"].as_str())
        .collect();
    assert_eq!(addresses, [local.to_string()]);
    Ok(())
}

#[test]
fn believes_a_server_that_repeats_itself() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    node.edit_pod(&pod, |object| {
        for interface in object.interfaces.values_mut() {
            let routes = interface.routes.clone();
            interface.routes.extend(routes);
            let gateways = interface.gateways.clone();
            interface.gateways.extend(gateways);
            let ips = interface.ips.clone();
            interface.ips.extend(ips);
        }
    })?;
    let result = add(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(result["ips"].as_array().map(Vec::len), Some(2), "{result}");
    Ok(())
}

#[test]
fn leaves_addresses_to_a_virtual_machine_that_migrates() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "vm-0")?;
    node.edit_pod(&pod, |object| {
        for interface in object.interfaces.values_mut() {
            interface.skip_ip_config = true;
        }
    })?;
    let conf = node.conf_for(&node.vfs()[0]);
    let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    let eth0 = pod.link("eth0")?.context("no eth0")?;
    assert!(eth0.up && eth0.addresses.is_empty(), "{eth0:?}");
    assert!(!result["ips"].as_array().context("no ips")?.is_empty());
    node.run(PLUGIN, Verb::Check, &pod, &after(conf, result))?.ok()?;
    Ok(())
}

#[test]
fn gives_routes_the_mtu_that_the_server_says() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    node.edit_pod(&pod, |object| {
        for interface in object.interfaces.values_mut() {
            interface.routable_mtu = 1280;
        }
    })?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    let routes = pod.ip(&["route", "show", "default"])?;
    assert!(routes.to_string().contains("1280"), "{routes}");
    Ok(())
}

#[test]
fn waits_for_a_slow_card() -> Result<()> {
    let node = Node::builder().behave(|b| b.card = Card::After(Duration::from_millis(700))).start()?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    Ok(())
}

#[test]
fn waits_for_a_server_that_is_being_restarted() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    node.stop_server();
    let running = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0])).spawn()?;
    // The claim is made before the server is asked.
    wait_claimed(&node)?;
    node.start_server()?;
    running.wait()?.ok()?;
    Ok(())
}

#[test]
fn the_servers_token_reaches_no_file() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["logFile"] = json!("/var/log/dpu-host.log");
    conf["logLevel"] = json!("trace");
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    node.behave(|b| b.add = Answer::Truncated);
    let other = node.pod("web", "web-1")?;
    conf["deviceID"] = json!(node.vfs()[1].device_id());
    let failed = node.run(PLUGIN, Verb::Add, &other, &conf)?;
    let (_, error) = failed.error()?;
    assert!(!error.contains(node::TOKEN), "{error}");
    let mut files = vec![node.root().join("var/log/dpu-host.log")];
    files.extend(
        std::fs::read_dir(node.root().join("run/dpu-cni/attachments"))?.flatten().map(|entry| entry.path()),
    );
    assert!(files.len() > 1);
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        assert!(!text.contains(node::TOKEN), "{}: {text}", file.display());
    }
    Ok(())
}

#[test]
fn one_log_line_says_all_of_a_call() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["logFile"] = json!("/var/log/dpu-host.log");
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    let log = std::fs::read_to_string(node.root().join("var/log/dpu-host.log"))?;
    assert_eq!(log.lines().count(), 1, "{log}");
    let call = node.received()[0].env["CNI_ARGS"].clone();
    let id = call.rsplit("DPU_CNI_CALL=").next().context("no id")?.to_owned();
    for part in
        ["ADD", "web/web-0", node.vfs()[0].device_id(), "succeeded", "server=", "move=", "total=", &id]
    {
        assert!(log.contains(part), "{part} is not in {log}");
    }
    Ok(())
}

#[test]
fn ipv6_is_switched_on_where_the_network_has_it() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let keys = |names: &[&str], value: &str| -> Result<()> {
        Ok(pod.netns().netns().run(|| {
            names.iter().try_for_each(|name| {
                std::fs::write(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"), value)
            })
        })??)
    };
    keys(&["all", "default"], "1")?;
    let result = add(&node, &pod, &node.vfs()[0])?.ok()?;
    let link = pod.link("eth0")?.context("no VF")?;
    assert!(link.addresses.iter().any(|address| address.is_ipv6()), "{link:?}");
    let own = pod.ip(&["-6", "address", "show", "dev", "lo"])?;
    assert_eq!(own[0]["addr_info"][0]["local"], "::1", "{own}");
    let conf = after(node.conf_for(&node.vfs()[0]), result);
    node.run(PLUGIN, Verb::Check, &pod, &conf)?.ok()?;
    Ok(())
}
