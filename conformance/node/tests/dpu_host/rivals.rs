//! Two pods and one VF: the kubelet says whose it is.

use anyhow::Result;
use node::{Card, Kubelet};
use serde_json::json;

use super::*;

/// A node whose first VF is a pod's that the kubelet has forgotten, though a process of it is left; that pod, another one
/// to which the kubelet has given the VF, and how the VF was before.
fn given_away() -> Result<(Node, Pod, Pod, LinkState)> {
    let (node, dead, before) = attached(false)?;
    node.unlist(&dead);
    let next = node.pod("shop", "next")?;
    node.allocate(&next, RESOURCE, &[node.vfs()[0].device_id()]);
    Ok((node, dead, next, before))
}

/// ADD of `pod` on the first VF is refused with a text that says this, and `holder` keeps what it has.
fn refused(node: &Node, pod: &Pod, holder: &Pod, said: &str) -> Result<()> {
    let (code, text) = add(node, pod, &node.vfs()[0])?.error()?;
    assert_eq!(code, 102, "{text}");
    assert!(text.contains(said) && text.contains(&holder.name), "{text}");
    assert_eq!(text.contains("twice"), said.contains("twice"), "{text}");
    assert!(holder.link("eth0")?.is_some_and(|link| link.up));
    assert!(pod.links()?.is_empty());
    Ok(())
}

#[test]
fn the_dead_give_way_to_the_kubelets_choice() -> Result<()> {
    for asks_itself in [false, true] {
        let (node, dead, next, before) = given_away()?;
        let _process = dead.start_process()?;
        let mut conf = if asks_itself { node.conf() } else { node.conf_for(&node.vfs()[0]) };
        conf["resourceName"] = json!(RESOURCE);
        node.run(PLUGIN, Verb::Add, &next, &conf)?.ok()?;
        assert!(next.link("eth0")?.is_some_and(|link| link.up));
        // A DEL that comes after all takes nothing.
        del(&node, &dead, &node.vfs()[0])?.ok()?;
        assert!(next.link("eth0")?.is_some_and(|link| link.up));
        node.run(PLUGIN, Verb::Del, &next, &conf)?.ok()?;
        assert_eq!(home(&node, &node.vfs()[0])?, before);
        assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    }
    Ok(())
}

#[test]
fn one_answer_is_not_enough() -> Result<()> {
    let (node, dead, next, _) = given_away()?;
    let _process = dead.start_process()?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["timeoutSeconds"] = json!(1);
    let (code, text) = node.run(PLUGIN, Verb::Add, &next, &conf)?.error()?;
    assert_eq!(code, 102, "{text}");
    assert!(text.contains("given it to this pod by now"), "{text}");
    assert!(dead.link("eth0")?.is_some());
    Ok(())
}

#[test]
fn a_holder_that_the_kubelet_lists_keeps_it() -> Result<()> {
    let (node, holder, _) = attached(false)?;
    let next = node.pod("shop", "next")?;
    refused(&node, &next, &holder, "given it to neither pod")?;
    let device = node.vfs()[0].device_id();
    node.allocate(&holder, RESOURCE, &[device]);
    refused(&node, &next, &holder, "given it to that pod and not to this one")?;
    node.allocate(&next, RESOURCE, &[device]);
    refused(&node, &next, &holder, "given it to both pods, handed out twice")?;
    Ok(())
}

#[test]
fn a_kubelet_that_cannot_tell_buries_nobody() -> Result<()> {
    let (node, dead, next, _) = given_away()?;
    let _process = dead.start_process()?;
    for kubelet in [Kubelet::Refuses, Kubelet::Truncated, Kubelet::Unfinished, Kubelet::Hangs] {
        node.behave(|behaviour| behaviour.kubelet = kubelet.clone());
        refused(&node, &next, &dead, "the kubelet cannot be asked")
            .with_context(|| format!("{kubelet:?}"))?;
    }
    // Nor one that does not know the pod yet which asks.
    node.behave(|behaviour| behaviour.kubelet = Kubelet::Restarted);
    refused(&node, &next, &dead, "given it to neither pod")?;
    node.stop_kubelet();
    refused(&node, &next, &dead, "the kubelet cannot be asked")?;
    Ok(())
}

#[test]
fn a_namesake_keeps_nothing_for_the_dead() -> Result<()> {
    let (node, dead, next, _) = given_away()?;
    // As a StatefulSet makes its pods anew.
    let again = node.pod("web", "web-0")?;
    node.allocate(&again, RESOURCE, &[node.vfs()[1].device_id()]);
    add(&node, &again, &node.vfs()[1])?.ok()?;
    let _process = dead.start_process()?;
    add(&node, &next, &node.vfs()[0])?.ok()?;
    assert!(next.link("eth0")?.is_some() && again.link("eth0")?.is_some());
    Ok(())
}

#[test]
fn a_namesake_takes_a_dead_pods_vf_if_given() -> Result<()> {
    let (node, dead, _) = attached(false)?;
    let _process = dead.start_process()?;
    let again = node.pod("web", "web-0")?;
    assert_ne!(again.uid, dead.uid);
    refused(&node, &again, &dead, "given it to neither pod")?;
    node.allocate(&again, RESOURCE, &[node.vfs()[0].device_id()]);
    add(&node, &again, &node.vfs()[0])?.ok()?;
    assert!(again.link("eth0")?.is_some());
    Ok(())
}

#[test]
fn who_is_being_attached_lives_whatever_the_kubelet_says() -> Result<()> {
    let node = Node::builder().privileged(false).behave(|b| b.card = Card::Never).start()?;
    let (first, next) = (node.pod("web", "first")?, node.pod("web", "next")?);
    let adding = node.call(PLUGIN, Verb::Add)?.pod(&first).conf(&node.conf_for(&node.vfs()[0])).spawn()?;
    node.wait_received(1)?;
    node.unlist(&first);
    node.allocate(&next, RESOURCE, &[node.vfs()[0].device_id()]);
    let (code, text) = add(&node, &next, &node.vfs()[0])?.error()?;
    assert_eq!(code, 102, "{text}");
    assert!(text.contains("is being attached right now"), "{text}");
    node.behave(|b| b.card = Card::Ready);
    adding.wait()?.ok()?;
    assert!(first.link("eth0")?.is_some());
    Ok(())
}

#[test]
fn a_pod_has_a_vf_once() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    let conf = node.conf_for(&node.vfs()[0]);
    let call = node.call(PLUGIN, Verb::Add)?.pod(&pod).env("CNI_IFNAME", "net1").conf(&conf);
    let (code, text) = call.run()?.error()?;
    assert_eq!(code, 102, "{text}");
    assert!(text.contains("that pod's eth0 already"), "{text}");
    Ok(())
}
