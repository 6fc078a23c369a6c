//! What ovnkube-node is told of a call, and what it is not.

use anyhow::{Context, Result};
use node::{Answer, Node, Verb};
use serde_json::json;

use super::*;

#[test]
fn tells_the_server_only_what_it_reads() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["mtu"] = json!(1300);
    conf["resourceName"] = json!(RESOURCE);
    conf["runtimeConfig"] = json!({"x": 1});
    let call = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&conf);
    call.env("SECRET", "s3cr3t")
        .env("CNI_ARGS", format!("{};;X=a=b;K8S_POD_UID=c=d;", pod.args()))
        .run()?
        .ok()?;
    let received = node.received().pop().context("nothing received")?;
    let forwarded = &received.config;
    assert_eq!(forwarded["type"], "ovn-k8s-cni-overlay");
    assert_eq!(forwarded["cniVersion"], "1.0.0");
    assert_eq!(forwarded["mtu"], 1300);
    assert_eq!(forwarded["deviceID"], node.vfs()[0].device_id());
    for gone in ["runtimeConfig", "resourceName"] {
        assert!(forwarded.get(gone).is_none(), "{forwarded}");
    }
    assert!(received.env.keys().all(|key| key.starts_with("CNI_")), "{:?}", received.env);
    let args = &received.env["CNI_ARGS"];
    assert!(args.split(';').all(|pair| pair.split('=').count() == 2), "{args}");
    assert!(args.contains("DPU_CNI_CALL="), "{args}");
    Ok(())
}

#[test]
fn every_upstream_key_is_passed_on() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let keys = json!({
        "ipam": {}, "dns": {"nameservers": ["192.0.2.1"]}, "role": "secondary", "topology": "layer3",
        "netAttachDefName": "web/blue", "mtu": 1300, "subnets": "10.1.0.0/16/24", "excludeSubnets": "10.1.1.0/24",
        "reservedSubnets": "10.1.2.0/24", "infrastructureSubnets": "10.1.3.0/24", "joinSubnet": "100.65.0.0/16",
        "transitSubnet": "100.88.0.0/16", "defaultGatewayIPs": "10.1.0.1", "vlanID": 5, "allowPersistentIPs": true,
        "physicalNetworkName": "phys", "transport": "geneve", "outboundSNAT": "enabled",
        "evpn": {"vtep": "v", "macVRF": {"vni": 1, "routeTarget": "65000:1", "vid": 2}, "ipVRF": {"vni": 3}},
        "uplink": "bond0", "pciBusID": node.vfs()[0].device_id(), "logFile": "/var/log/ovn.log", "logLevel": "4",
        "logfile-maxsize": 100, "logfile-maxbackups": 5, "logfile-maxage": 5, "yet": {"unknown": [1, null, "x"]},
    });
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["name"] = json!("blue");
    for (key, value) in keys.as_object().expect("an object") {
        conf[key] = value.clone();
    }
    // Dropped: what is the runtime's or ours.
    let dropped = json!({
        "runtimeConfig": {}, "capabilities": {"x": true}, "cni.dev/x": 1, "cniVersions": ["1.1.0"],
        "stateDir": "/run/dpu-cni", "timeoutSeconds": 60, "physicalFunctions": ["ens1f0"],
        "resourceName": "openshift.io/dpuvf", "podResourcesSocket": "/var/lib/kubelet/pod-resources/x.sock",
        "draDrivers": ["dra.net"],
        "socket": "/run/ovn-kubernetes/cni/ovn-cni-server.sock",
    });
    for (key, value) in dropped.as_object().context("an object")? {
        conf[key] = value.clone();
    }
    node.run(PLUGIN, Verb::Add, &pod, &conf)?;
    let forwarded = node.received().pop().expect("a request").config;
    let mut expected = keys;
    for (key, value) in [
        ("cniVersion", json!("1.0.0")),
        ("name", json!("blue")),
        ("type", json!("ovn-k8s-cni-overlay")),
        ("deviceID", json!(node.vfs()[0].device_id())),
    ] {
        expected[key] = value;
    }
    assert_eq!(forwarded, expected);
    Ok(())
}

#[test]
fn a_mistyped_key_is_warned_of_and_passed_on() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    for (key, value) in [("resourcename", "x"), ("topology", "layer2"), ("netAttachDefName", "web/blue")] {
        conf[key] = json!(value);
    }
    conf["name"] = json!("blue");
    let added = node.run(PLUGIN, Verb::Add, &pod, &conf)?;
    assert_eq!(added.stderr.matches("is not known here").count(), 1, "{}", added.stderr);
    assert!(added.stderr.contains("key 'resourcename' is not known here"), "{}", added.stderr);
    assert_eq!(node.received().pop().context("nothing received")?.config["resourcename"], "x");
    Ok(())
}

#[test]
fn a_numeric_log_level_breaks_no_server() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["logLevel"] = json!(5);
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    assert_eq!(node.received()[0].config["logLevel"], "5");
    Ok(())
}

#[test]
fn the_servers_histogram_learns_how_every_call_ended() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let vf = &node.vfs()[0];
    let (pod, other) = (node.pod("web", "web-0")?, node.pod("web", "other")?);
    add(&node, &pod, vf)?.ok()?;
    // The server has done its part here, and yet the call has failed.
    node.edit_pod(&other, |object| object.interfaces.values_mut().for_each(|one| one.mtu = 1 << 20))?;
    add(&node, &other, &node.vfs()[1])?.error()?;
    // And here it was not even asked.
    add(&node, &other, vf)?.error()?;
    del(&node, &pod, vf)?.ok()?;
    node.idle()?;
    let told: Vec<_> = node.metrics().into_iter().map(|call| (call.command, call.failed)).collect();
    let expected = [("ADD", false), ("ADD", true), ("ADD", true), ("DEL", false)];
    assert_eq!(told, expected.map(|(command, failed)| (command.to_owned(), failed)));
    assert!(node.metrics().iter().all(|call| call.elapsed > 0.0 && call.elapsed < 60.0));
    Ok(())
}

#[test]
fn a_server_that_hears_nothing_holds_up_nobody() -> Result<()> {
    let node = Node::builder().behave(|b| b.add = Answer::Hang).start()?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["timeoutSeconds"] = json!(1);
    let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
    assert_eq!(code, 11, "{text}");
    node.stop_server();
    let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
    assert_eq!(code, 11, "{text}");
    assert!(text.contains("web/web-0") && text.contains("ovnkube-node"), "{text}");
    Ok(())
}

#[test]
fn the_trace_of_a_call_is_told_and_passed_on() -> Result<()> {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["logFile"] = json!("/var/log/dpu-host.log");
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    for verb in [Verb::Add, Verb::Del] {
        let call = node.call(PLUGIN, verb)?.pod(&pod).conf(&conf);
        let call = call.env("TRACEPARENT", &parent).env("TRACESTATE", "vendor=1").env("BAGGAGE", "user=anna");
        call.run()?.ok()?;
        let received = node.received().pop().context("nothing received")?;
        for (key, value) in
            [("TRACEPARENT", parent.as_str()), ("TRACESTATE", "vendor=1"), ("BAGGAGE", "user=anna")]
        {
            assert_eq!(received.env.get(key).map(String::as_str), Some(value), "{verb:?}");
        }
        // The DEL has the arguments of its ADD.
        assert!(received.env["CNI_ARGS"].ends_with(&format!("-{TRACE}")), "{}", received.env["CNI_ARGS"]);
    }
    let log = fs::read_to_string(node.root().join("var/log/dpu-host.log"))?;
    assert!(log.lines().all(|line| line.contains(&format!(" trace={TRACE}: "))), "{log}");
    assert_eq!(log.lines().count(), 2, "{log}");
    Ok(())
}

#[test]
fn a_trace_that_is_none_is_nobodys_error() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    for verb in [Verb::Add, Verb::Del] {
        let call = node.call(PLUGIN, verb)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0]));
        call.env("TRACEPARENT", "one=two;three").env("BAGGAGE", "\u{e9}").run()?.ok()?;
        let received = node.received().pop().context("nothing received")?;
        assert!(received.env.keys().all(|key| key.starts_with("CNI_")), "{:?}", received.env);
        assert!(!received.env["CNI_ARGS"].contains("two"), "{}", received.env["CNI_ARGS"]);
    }
    Ok(())
}
