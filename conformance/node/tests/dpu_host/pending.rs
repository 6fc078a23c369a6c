//! DELs that the server could not hear, or not act on: it is told later.

use anyhow::{Context, Result};
use node::{Answer, Node, Verb};
use serde_json::{Value, json};

use super::*;

#[test]
fn a_server_that_is_down_hears_of_it_later() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    node.stop_server();
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    assert_eq!(left(&node)?.len(), 1);
    node.start_server()?;
    let known = node.received().len();
    del(&node, &node.pod("web", "other")?, &node.vfs()[1])?.ok()?;
    node.idle()?;
    let told: Vec<_> = node.received().split_off(known);
    assert!(told.iter().any(|request| request.env["CNI_CONTAINERID"] == pod.container), "{told:?}");
    assert!(left(&node)?.is_empty());
    Ok(())
}

#[test]
fn a_busy_server_hears_of_it_later() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    for (refusal, again) in [("etcdserver: request timed out", true), ("broken stdin args", false)] {
        node.behave(|b| b.del = Answer::Refuse(format!("[web/web-0 1234] failed to update pod: {refusal}")));
        del(&node, &pod, &node.vfs()[0])?.ok()?;
        assert_eq!(home(&node, &node.vfs()[0])?, before);
        assert_eq!(!left(&node)?.is_empty(), again, "{refusal}: {:?}", left(&node)?);
        node.behave(|b| b.del = Answer::Proper);
        del(&node, &node.pod("web", "other")?, &node.vfs()[1])?.ok()?;
        node.idle()?;
        let object = node.pod_object(&pod).context("no pod")?;
        assert!(object.details.is_empty() && left(&node)?.is_empty(), "{refusal}");
    }
    Ok(())
}

#[test]
fn a_refused_del_is_not_told_for_ever() -> Result<()> {
    let node = Node::builder().privileged(false).vfs(3).start()?;
    let pods = [node.pod("web", "a")?, node.pod("web", "b")?];
    for (pod, vf) in pods.iter().zip(node.vfs()) {
        add(&node, pod, vf)?.ok()?;
    }
    node.behave(|b| b.del = Answer::Refuse("failed to update pod: etcdserver: request timed out".into()));
    for (pod, vf) in pods.iter().zip(node.vfs()) {
        del(&node, pod, vf)?.ok()?;
    }
    let told = |call: usize| -> Result<bool> {
        let known = node.received().len();
        let other = node.pod("web", &format!("other-{call}"))?;
        add(&node, &other, &node.vfs()[2])?.ok()?;
        del(&node, &other, &node.vfs()[2])?.ok()?;
        let told = node.received().split_off(known);
        Ok(pods.iter().all(|pod| told.iter().any(|request| request.env["CNI_CONTAINERID"] == pod.container)))
    };
    assert!(told(1)?, "the first refusal was the last word");
    for file in left(&node)? {
        let path = node.root().join("run/dpu-cni").join(file);
        let mut untold: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        untold["waits_since"] = json!(untold["waits_since"].as_i64().context("no time")? - 2 * 3600);
        std::fs::write(&path, untold.to_string())?;
    }
    told(2)?;
    // The last one has just been refused for the first time.
    assert!(left(&node)?.iter().all(|file| !pods.iter().any(|pod| file.contains(&pod.container))));
    Ok(())
}

#[test]
fn no_pending_del_is_told_of_a_reattached_pod() -> Result<()> {
    // A privileged server takes the VF out of the pod.
    let (node, pod, _) = attached(true)?;
    node.behave(|b| b.del = Answer::HangUp);
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    node.behave(|b| b.del = Answer::Proper);
    // cnitool names a container after its namespace: it is the same one again.
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    node.idle()?;
    assert!(pod.link("eth0")?.is_some_and(|link| link.up), "{:?}", node.commands());
    Ok(())
}

#[test]
fn a_server_that_hangs_holds_up_no_del() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    node.behave(|b| b.del = Answer::Hang);
    let running = node.call(PLUGIN, Verb::Del)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0])).spawn()?;
    running.wait()?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}
