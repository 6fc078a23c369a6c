//! Other versions of both sides: records that an older or a newer `dpu-host` wrote, and an ovnkube-node that is
//! replaced while pods run.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use node::{Generation, Node, Verb};
use serde_json::{Value, json};

use super::*;

/// A pod with two VFs, and how they were before.
fn attached() -> Result<(Node, Pod, Vec<LinkState>)> {
    let node = Node::builder().privileged(false).start()?;
    let before = homes(&node)?;
    let pod = node.pod("web", "web-0")?;
    node.give_udn(&pod, &node.vfs()[1])?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    Ok((node, pod, before))
}

/// The records that versions wrote, by version: what differs from attachment to attachment is `$` there.
fn written() -> Result<Vec<(String, Value)>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dpu_host/records");
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let version = path.file_stem().context("no name")?.to_string_lossy().into_owned();
        found.push((version, serde_json::from_str(&fs::read_to_string(path)?)?));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// An old record with what is this attachment's own.
fn filled(old: &Value, own: &Value) -> Value {
    match old {
        Value::String(text) if text == "$" => own.clone(),
        Value::Object(map) => map
            .iter()
            .map(|(key, old)| (key.clone(), filled(old, &own[key])))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().enumerate().map(|(at, old)| filled(old, &own[at])).collect(),
        other => other.clone(),
    }
}

#[test]
fn detaches_what_every_earlier_version_attached() -> Result<()> {
    for (version, old) in written()? {
        let (node, pod, before) = attached()?;
        rewrite(&node, |record| {
            let unparented: Vec<Value> =
                (0..2).map(|at| record["devices"][at]["home"]["unparented"].clone()).collect();
            *record = filled(&old, record);
            // Whoever wrote it, PCI devices had a parent; the simulated ones have none.
            for (at, unparented) in unparented.into_iter().enumerate() {
                record["devices"][at]["home"]["unparented"] = unparented;
            }
        })?;
        del(&node, &pod, &node.vfs()[0])?.ok()?;
        assert_eq!(homes(&node)?, before, "{version}");
        assert!(left(&node)?.is_empty(), "{version}: {:?}", left(&node)?);
    }
    Ok(())
}

/// When this fails the format has changed. Keep the older files, and add what this version writes under its number.
#[test]
fn what_is_written_today_is_on_file() -> Result<()> {
    let (node, ..) = attached()?;
    let (_, today) = record(&node)?;
    let (version, newest) = written()?.pop().context("no file")?;
    assert_eq!(filled(&newest, &today), today, "records/{version}.json");
    Ok(())
}

#[test]
fn passes_over_what_a_newer_version_added() -> Result<()> {
    let (node, pod, before) = attached()?;
    rewrite(&node, |record| {
        record["format"] = json!(2);
        record["weather"] = json!({ "good": true });
        record["devices"][0]["home"]["queues"] = json!([1, 2]);
        record["forward"]["retries"] = json!(7);
    })?;
    assert!(vfs(&node)?.iter().all(|row| row["state"] == "used"));
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(homes(&node)?, before);
    assert!(left(&node)?.is_empty());
    Ok(())
}

/// A record that only a newer version understands: nothing is lost until that is installed again.
#[test]
fn asks_for_a_newer_version_and_forgets_nothing() -> Result<()> {
    let (node, pod, before) = attached()?;
    let (path, good) = record(&node)?;
    rewrite(&node, |record| {
        record["format"] = json!(2);
        record["functions"] = record["devices"].take();
    })?;
    for _ in 0..2 {
        let (code, text) = del(&node, &pod, &node.vfs()[0])?.error()?;
        assert_eq!(code, 110, "{text}");
        assert!(
            text.contains("a newer dpu-host wrote it, in format 2") && text.contains("install"),
            "{text}"
        );
    }
    assert!(pod.link("eth0")?.is_some(), "the pod runs on");
    gc(&node, Some(json!([])))?;
    assert!(path.exists(), "garbage is what one understands");
    assert!(vfs_as(&node, &["--drained"]).is_err(), "some pod has a VF");

    fs::write(path, good.to_string())?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(homes(&node)?, before);
    Ok(())
}

/// Nothing but its record tells whose a VF is that has no network device.
#[test]
fn hands_out_no_vfio_device_of_newer_records() -> Result<()> {
    let node = Node::builder().vfs(2).vfio(1).privileged(false).start()?;
    let vf = node.vfs().iter().find(|vf| vf.vfio).context("no VFIO VF")?;
    add(&node, &node.pod("web", "vm-0")?, vf)?.ok()?;
    rewrite(&node, |record| {
        record["format"] = json!(2);
        record["stage"] = json!("hibernating");
    })?;
    let (code, text) = add(&node, &node.pod("web", "vm-1")?, vf)?.error()?;
    assert_eq!(code, 110, "{text}");
    let row = row(&node, vf.device_id())?;
    assert_eq!((&row["state"], &row["place"]), (&json!("used"), &json!("vfio")), "{row}");
    assert!(vfs_as(&node, &["--drained"]).is_err(), "some pod has it");
    Ok(())
}

/// ovnkube-node is upgraded, downgraded, or loses its privileges, between a pod's ADD and its end.
#[test]
fn any_server_detaches_what_any_other_attached() -> Result<()> {
    use Generation::{New, Old};
    let servers = [(Old, true), (Old, false), (New, true), (New, false)];
    let node = Node::builder().start()?;
    let before = home(&node, &node.vfs()[0])?;
    let start = |(generation, privileged)| {
        node.stop_server();
        node.behave(|behaviour| (behaviour.generation, behaviour.privileged) = (generation, privileged));
        node.start_server()
    };
    for from in servers {
        for to in servers.into_iter().filter(|to| *to != from) {
            start(from)?;
            let pod = node.pod("web", "web-0")?;
            let conf = node.conf_for(&node.vfs()[0]);
            let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
            let conf = after(conf, result);
            start(to)?;
            node.run(PLUGIN, Verb::Check, &pod, &conf)?.ok()?;
            let heard = node.received().len();
            node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
            assert_eq!(home(&node, &node.vfs()[0])?, before, "{from:?} to {to:?}");
            assert_eq!(node.commands()[heard..], ["DEL"], "{from:?} to {to:?}");
            assert!(left(&node)?.is_empty(), "{from:?} to {to:?}: {:?}", left(&node)?);
        }
    }
    Ok(())
}
