//! The kubelet's word in a GC, and in the little that every other call does: a VF stays with a sandbox that nobody deletes
//! only as long as anybody has seen its pod alive.

use anyhow::Result;
use node::{Card, Kubelet};
use serde_json::json;

use super::*;

/// A list that has this attachment, as Multus makes it of what it has cached.
fn listing(pod: &Pod) -> Option<Value> {
    Some(json!([{"containerID": pod.container, "ifname": "eth0"}]))
}

#[test]
fn gc_reclaims_what_the_kubelet_has_forgotten() -> Result<()> {
    for listed in [true, false] {
        let (node, pod, before) = attached(false)?;
        let valid = || if listed { listing(&pod) } else { None };
        gc(&node, valid())?;
        assert!(pod.link("eth0")?.is_some(), "the kubelet lists it");
        node.unlist(&pod);
        let process = pod.start_process()?;
        gc(&node, valid())?;
        assert!(pod.link("eth0")?.is_some(), "somebody runs there");
        drop(process);
        gc(&node, valid())?;
        assert_eq!(home(&node, &node.vfs()[0])?, before);
        assert!(pod.links()?.is_empty());
    }
    Ok(())
}

#[test]
fn gc_takes_nothing_from_pods_that_run() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    node.unlist(&pod);
    let process = pod.start_process()?;
    gc(&node, Some(json!([])))?;
    assert!(pod.link("eth0")?.is_some());
    drop(process);
    gc(&node, Some(json!([])))?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn gc_takes_nothing_where_processes_cannot_be_seen() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    node.unlist(&pod);
    let _process = pod.start_process()?;
    let mut conf = node.conf();
    conf["cni.dev/valid-attachments"] = json!([]);
    // It has more rights than who looks, who may therefore not look.
    node.call(PLUGIN, Verb::Gc)?.conf(&conf).with("+sys_admin,+net_admin").run()?.ok()?;
    assert!(pod.link("eth0")?.is_some());
    Ok(())
}

/// proc(5): such a `/proc` shows only those processes that may be looked at, and says nothing of the others.
#[test]
fn gc_takes_nothing_where_processes_are_hidden() -> Result<()> {
    const HIDDEN: &str = r#"mount -t proc -o "$0" proc /proc && exec "$@""#;
    let (node, pod, _) = attached(false)?;
    node.unlist(&pod);
    let _process = pod.start_process()?;
    let mut conf = node.conf();
    conf["cni.dev/valid-attachments"] = json!([]);
    for how in ["hidepid=2,gid=4242", "hidepid=4"] {
        let call = node.call(PLUGIN, Verb::Gc)?.conf(&conf).with("+sys_admin,+net_admin");
        call.through("unshare", &["--mount", "sh", "-c", HIDDEN, how]).run()?.ok()?;
        assert!(pod.link("eth0")?.is_some(), "{how}");
    }
    Ok(())
}

#[test]
fn any_call_reclaims_what_the_kubelet_has_forgotten() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    let other = node.pod("web", "other")?;
    let next_call = || del(&node, &other, &node.vfs()[1])?.ok();
    next_call()?;
    assert!(pod.link("eth0")?.is_some(), "the kubelet lists it");
    node.unlist(&pod);
    let process = pod.start_process()?;
    next_call()?;
    assert!(pod.link("eth0")?.is_some(), "somebody runs there");
    drop(process);
    next_call()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

/// One that has not heard of the API server yet lists static pods only.
#[test]
fn a_restarted_kubelet_takes_from_no_living_pod() -> Result<()> {
    let (node, running, _) = attached(false)?;
    // Its containers crash: it has no process now, but the kubelet keeps its directory.
    let crashing = node.pod("web", "web-1")?;
    add(&node, &crashing, &node.vfs()[1])?.ok()?;
    std::fs::create_dir_all(node.root().join("var/lib/kubelet/pods").join(&crashing.uid))?;
    let _process = running.start_process()?;
    node.behave(|behaviour| behaviour.kubelet = Kubelet::Restarted);
    let ids = [&running.container, &crashing.container];
    let both = ids.map(|id| json!({"containerID": id, "ifname": "eth0"}));
    for valid in [None, Some(json!(both))] {
        gc(&node, valid)?;
        assert!(running.link("eth0")?.is_some() && crashing.link("eth0")?.is_some());
    }
    Ok(())
}

#[test]
fn a_kubelet_that_cannot_tell_takes_nothing() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    node.unlist(&pod);
    for kubelet in
        [Kubelet::Refuses, Kubelet::Truncated, Kubelet::Unfinished, Kubelet::Garbage, Kubelet::Hangs]
    {
        node.behave(|behaviour| behaviour.kubelet = kubelet.clone());
        gc(&node, None)?;
        gc(&node, listing(&pod))?;
        assert!(pod.link("eth0")?.is_some(), "{kubelet:?}");
    }
    node.stop_kubelet();
    gc(&node, None)?;
    assert!(pod.link("eth0")?.is_some());
    Ok(())
}

#[test]
fn a_running_add_is_nobody_s_to_end() -> Result<()> {
    let node = Node::builder().privileged(false).behave(|b| b.card = Card::Never).start()?;
    let pod = node.pod("web", "web-0")?;
    let adding = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0])).spawn()?;
    node.wait_received(1)?;
    node.unlist(&pod);
    gc(&node, None)?;
    gc(&node, listing(&pod))?;
    node.behave(|b| b.card = Card::Ready);
    adding.wait()?.ok()?;
    assert!(pod.link("eth0")?.is_some());
    Ok(())
}
