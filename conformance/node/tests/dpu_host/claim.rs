//! Whose a VF is: two pods for one, a holder that lives, one that is dead, one that is on its way out.

use anyhow::{Context, Result};
use node::{Answer, Card, Node, Verb};
use serde_json::json;

use super::*;

#[test]
fn a_held_vf_is_refused_naming_its_holder() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let first = node.pod("web", "first")?;
    let second = node.pod("web", "second")?;
    add(&node, &first, &node.vfs()[0])?.ok()?;
    let (code, text) = add(&node, &second, &node.vfs()[0])?.error()?;
    assert_eq!(code, 102);
    assert!(text.contains("web/first") && text.contains(node.vfs()[0].device_id()), "{text}");
    assert!(first.link("eth0")?.is_some_and(|link| link.up));
    assert!(second.links()?.is_empty());
    // What the runtime does next must not touch the first pod either.
    del(&node, &second, &node.vfs()[0])?.ok()?;
    assert!(first.link("eth0")?.is_some_and(|link| link.up));
    Ok(())
}

#[test]
fn a_vf_given_twice_goes_to_one_pod() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pods = [node.pod("web", "a")?, node.pod("web", "b")?];
    let conf = node.conf_for(&node.vfs()[0]);
    let running: Vec<_> = pods
        .iter()
        .map(|pod| node.call(PLUGIN, Verb::Add)?.pod(pod).conf(&conf).spawn())
        .collect::<Result<_>>()?;
    let ended: Vec<_> = running.into_iter().map(|one| one.wait()).collect::<Result<_>>()?;
    let winners: Vec<bool> = ended.iter().map(|output| output.ok().is_ok()).collect();
    assert_eq!(winners.iter().filter(|won| **won).count(), 1, "{winners:?}");
    for (pod, won) in pods.iter().zip(winners) {
        assert_eq!(pod.link("eth0")?.is_some(), won);
    }
    Ok(())
}

#[test]
fn a_dead_holders_vf_is_recovered_and_used() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let before = home(&node, &node.vfs()[0])?;
    let dead = node.pod("web", "dead")?;
    add(&node, &dead, &node.vfs()[0])?.ok()?;
    node.lose_netns(&dead)?;
    let next = node.pod("web", "next")?;
    add(&node, &next, &node.vfs()[0])?.ok()?;
    del(&node, &next, &node.vfs()[0])?.ok()?;
    // Not as it came from the dead pod, but as it was before.
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn a_vf_on_its_way_home_is_waited_for() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let old = node.pod("web", "old")?;
    let new = node.pod("web", "new")?;
    add(&node, &old, &node.vfs()[0])?.ok()?;
    let conf = node.conf_for(&node.vfs()[0]);
    let adding = node.call(PLUGIN, Verb::Add)?.pod(&new).conf(&conf).spawn()?;
    del(&node, &old, &node.vfs()[0])?.ok()?;
    adding.wait()?.ok()?;
    assert!(new.link("eth0")?.is_some());
    Ok(())
}

#[test]
fn a_vf_without_a_record_is_waited_for_then_explained() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let thief = node.pod("web", "thief")?;
    let vf = &node.vfs()[0];
    node.change_host(&format!("link set {} netns {}", vf.name, thief.netns().path().display()))?;
    let pod = node.pod("web", "web-0")?;
    let (code, text) = add(&node, &pod, vf)?.error()?;
    assert_eq!(code, 11);
    assert!(text.contains(vf.device_id()) && text.contains("earlier pod"), "{text}");
    assert!(node.received().is_empty(), "the server was asked for a VF that is not there");
    Ok(())
}

#[test]
fn a_killed_add_is_undone_by_its_del() -> Result<()> {
    let node = Node::builder().behave(|b| b.card = Card::Never).start()?;
    let before = home(&node, &node.vfs()[0])?;
    let pod = node.pod("web", "web-0")?;
    let running = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0])).spawn()?;
    node.wait_received(1)?;
    running.kill()?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn a_killed_add_is_not_repeated_elsewhere() -> Result<()> {
    let node = Node::builder().privileged(false).behave(|b| b.card = Card::Never).start()?;
    let pod = node.pod("web", "web-0")?;
    let running = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0])).spawn()?;
    node.wait_received(1)?;
    running.kill()?;
    node.behave(|b| b.card = Card::Ready);
    // Its record would be overwritten, and the first VF forgotten.
    let (code, text) = add(&node, &pod, &node.vfs()[1])?.error()?;
    assert_eq!(code, 11);
    assert!(text.contains(node.vfs()[0].device_id()) && text.contains("web/web-0"), "{text}");
    let holder = |vf: &Vf| node.root().join("run/dpu-cni/devices").join(vf.device_id()).is_symlink();
    assert!(holder(&node.vfs()[0]) && !holder(&node.vfs()[1]));
    // With the same VF it may.
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert!(left(&node)?.is_empty());
    Ok(())
}

#[test]
fn a_vf_moved_too_late_comes_home_later() -> Result<()> {
    let node = Node::builder().privileged(true).behave(|b| b.card = Card::Never).start()?;
    let before = home(&node, &node.vfs()[0])?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["timeoutSeconds"] = json!(1);
    let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
    assert_eq!(code, 11);
    assert!(text.contains("web/web-0"), "{text}");
    node.behave(|b| b.card = Card::Ready);
    node.idle()?;
    assert!(pod.link("eth0")?.is_some(), "the server was to move it late");
    del(&node, &node.pod("web", "other")?, &node.vfs()[1])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn a_vf_serves_the_next_pod_despite_a_busy_server() -> Result<()> {
    let node = Node::builder().privileged(true).behave(|b| b.add = Answer::Hang).start()?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["timeoutSeconds"] = json!(1);
    assert_eq!(node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?.0, 11);
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    node.behave(|b| b.add = Answer::Proper);
    let next = node.pod("web", "web-1")?;
    add(&node, &next, &node.vfs()[0])?.ok()?;
    Ok(())
}

#[test]
fn sixteen_pods_at_once_each_get_their_own() -> Result<()> {
    let node = Node::builder().privileged(false).vfs(16).start()?;
    let before = homes(&node)?;
    let pods: Vec<_> = (0..16).map(|n| node.pod("web", &format!("web-{n}"))).collect::<Result<_>>()?;
    for verb in [Verb::Add, Verb::Del] {
        let running: Vec<_> = pods
            .iter()
            .zip(node.vfs())
            .map(|(pod, vf)| node.call(PLUGIN, verb)?.pod(pod).conf(&node.conf_for(vf)).spawn())
            .collect::<Result<_>>()?;
        for one in running {
            one.wait()?.ok()?;
        }
    }
    for (vf, before) in node.vfs().iter().zip(before) {
        assert_eq!(home(&node, vf)?, before);
    }
    assert!(left(&node)?.is_empty());
    Ok(())
}

#[test]
fn an_existing_interface_is_left_alone() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    pod.change("link add dev eth0 type bridge")?;
    let before = pod.link("eth0")?.context("no eth0")?;
    add(&node, &pod, &node.vfs()[0])?.error()?;
    assert_eq!(pod.link("eth0")?, Some(before));
    home(&node, &node.vfs()[0])?;
    assert!(left(&node)?.is_empty());
    Ok(())
}
