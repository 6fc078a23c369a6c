//! Every answer of the server.

use anyhow::{Context, Result};
use node::{Answer, Card, Lease, Node, Verb};
use serde_json::{Value, json};

use super::*;

#[test]
fn hostile_answers_lose_no_vf() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let before = home(&node, &node.vfs()[0])?;
    for (answer, name) in [
        (Answer::garbage(), "garbage"),
        (Answer::deep(), "deep"),
        (Answer::wrong_types(), "wrong types"),
        (Answer::both_null(), "both null"),
        (Answer::all_null(), "all null"),
        (Answer::Truncated, "truncated"),
        (Answer::Lost, "lost"),
        (Answer::HangUp, "hang-up"),
        (Answer::Endless, "endless"),
        (Answer::Body(b"null".to_vec()), "null"),
        (Answer::Body(b"{}".to_vec()), "empty"),
        (Answer::Body(Vec::new()), "nothing"),
        (Answer::Raw(Vec::new()), "closed"),
        (json_body(json!({"Result": {}})), "done, but nothing is"),
        (json_body(json!({"Result": [1]})), "a list for a result"),
        (json_body(json!({"Result": {"ips": [{"address": "10.0.0.1/99", "interface": -1}]}})), "no address"),
        (
            json_body(json!({"Result": {"interfaces": [{"name": "eth0", "sandbox": "/proc/1/ns/net"}]}})),
            "another namespace",
        ),
        (interface(json!({"mtu": -1})), "a negative MTU"),
        (interface(json!({"mtu": 4_294_967_295_u32})), "an endless MTU"),
        (interface(json!({"MAC": "AAAAAAAA"})), "a MAC of zeros"),
        (interface(json!({"pod-if-names": ["../../../x", "eth0"]})), "a path for a name"),
        (interface(json!({"Gateways": ["fe80::1", "nonsense"]})), "no gateway"),
        (
            interface(
                json!({"Routes": [{"Dest": {"IP": "10.9.0.0", "Mask": "//8AAA=="}, "NextHop": "127.0.0.1"}]}),
            ),
            "a route home",
        ),
    ] {
        node.behave(|b| b.add = answer);
        let pod = node.pod("web", "web-0")?;
        let output = add(&node, &pod, &node.vfs()[0])?;
        let (code, text) = output.error().with_context(|| name.to_owned())?;
        assert!([11, 105, 106, 107].contains(&code), "{name}: {code} {text}");
        assert!(text.contains("web/web-0") && !text.contains('\n') && text.len() < 1000, "{name}: {text}");
        node.idle()?;
        del(&node, &pod, &node.vfs()[0])?.ok()?;
        assert_eq!(home(&node, &node.vfs()[0])?, before, "{name}");
    }
    Ok(())
}

fn json_body(body: Value) -> Answer {
    Answer::Body(body.to_string().into_bytes())
}

/// An interface that is right but for this.
fn interface(change: Value) -> Answer {
    let mut interface =
        json!({"IPs": [{"IP": "10.128.2.15", "Mask": "///+AA=="}], "MAC": "ClgKgAIP", "mtu": 1400});
    for (key, value) in change.as_object().into_iter().flatten() {
        interface[key] = value.clone();
    }
    json_body(json!({"PodIFInfo": interface}))
}

#[test]
fn refusals_say_what_to_do() -> Result<()> {
    for (behave, code, part) in [
        (
            Box::new(|b: &mut node::Behaviour| b.lease = Lease::Expired) as Box<dyn FnOnce(&mut _)>,
            11,
            "DPU NIC node",
        ),
        (Box::new(|b: &mut _| reports(b)), 105, "DPU NIC node"),
        (Box::new(|b: &mut _| refuse(b, "broken stdin args")), 105, "network configuration"),
        (Box::new(|b: &mut _| refuse(b, "something new")), 105, "something new"),
    ] {
        let node = Node::builder().privileged(false).behave(behave).start()?;
        let before = home(&node, &node.vfs()[0])?;
        let pod = node.pod("web", "web-0")?;
        let (got, text) = add(&node, &pod, &node.vfs()[0])?.error()?;
        assert_eq!(got, code, "{text}");
        assert!(text.contains(part), "{text}");
        assert_eq!(home(&node, &node.vfs()[0])?, before);
        assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    }
    Ok(())
}

fn reports(behaviour: &mut node::Behaviour) {
    behaviour.card = Card::Reports("Error".into());
}

fn refuse(behaviour: &mut node::Behaviour, text: &str) {
    behaviour.add = Answer::Refuse(text.into());
}

#[test]
fn a_scalable_function_is_forwarded_and_its_refusal_explained() -> Result<()> {
    let node = Node::builder().start()?;
    let function = node.root().join("sys/bus/auxiliary/devices/mlx5_core.sf.4/net");
    std::fs::create_dir_all(function.join(&node.vfs()[0].name))?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf();
    conf["deviceID"] = json!("mlx5_core.sf.4");
    let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
    assert_eq!(code, 103, "{text}");
    assert!(text.contains("scalable function") && text.contains("mlx5_core.sf.4"), "{text}");
    assert_eq!(node.commands(), ["ADD"]);
    conf["deviceID"] = json!("mlx5_core.sf.5");
    let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
    assert!(code == 103 && text.contains("mlx5_core.sf.5 does not exist on this node"), "{code} {text}");
    Ok(())
}
