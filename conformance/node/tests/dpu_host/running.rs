//! Whether an ADD still lives, and whose a record is: the same container may be attached twice under the same names.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};
use node::{Answer, Card, Node, Running, Verb};
use serde_json::json;

use super::*;

/// An ADD that the server has been asked for and does not answer.
fn unanswered(node: &Node, pod: &Pod, seconds: u64) -> Result<Running> {
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["timeoutSeconds"] = json!(seconds);
    let running = node.call(PLUGIN, Verb::Add)?.pod(pod).conf(&conf).spawn()?;
    node.wait_received(1)?;
    Ok(running)
}

/// The files of running ADDs.
fn running(node: &Node) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(node.root().join("run/dpu-cni/running"))?;
    files.map(|file| Ok(file?.path())).collect()
}

#[test]
fn gc_takes_nothing_from_a_running_add() -> Result<()> {
    let node = Node::builder().privileged(false).behave(|b| b.card = Card::Never).start()?;
    let pod = node.pod("web", "web-0")?;
    let adding = unanswered(&node, &pod, 130)?;
    rewrite(&node, |record| record["since"] = json!(1))?;
    gc(&node, Some(json!([])))?;
    assert_eq!(record(&node)?.1["stage"], "claimed");
    node.behave(|b| b.card = Card::Ready);
    adding.wait()?.ok()?;
    assert!(pod.link("eth0")?.is_some_and(|link| link.up));
    Ok(())
}

#[test]
fn gc_waits_for_no_add_that_was_killed() -> Result<()> {
    let node = Node::builder().privileged(false).behave(|b| b.card = Card::Never).start()?;
    let pod = node.pod("web", "web-0")?;
    unanswered(&node, &pod, 130)?.kill()?;
    gc(&node, Some(json!([])))?;
    assert_eq!(record(&node)?.1["stage"], "released");
    node.behave(|b| b.card = Card::Ready);
    let next = node.pod("web", "web-1")?;
    add(&node, &next, &node.vfs()[0])?.ok()?;
    Ok(())
}

#[test]
fn an_adds_process_leaves_no_lasting_trace() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pods = [node.pod("web", "web-0")?, node.pod("web", "web-1")?];
    add(&node, &pods[0], &node.vfs()[0])?.ok()?;
    assert!(running(&node)?.is_empty(), "{:?}", running(&node)?);
    node.behave(|b| b.card = Card::Never);
    let conf = node.conf_for(&node.vfs()[1]);
    let adding = node.call(PLUGIN, Verb::Add)?.pod(&pods[1]).conf(&conf).spawn()?;
    node.wait_received(2)?;
    del(&node, &pods[0], &node.vfs()[0])?.ok()?;
    assert_eq!(running(&node)?.len(), 1, "it runs on");
    adding.kill()?;
    del(&node, &pods[0], &node.vfs()[0])?.ok()?;
    assert!(running(&node)?.is_empty(), "{:?}", running(&node)?);
    Ok(())
}

/// cnitool names a container after its namespace: whoever calls it again is a second ADD of the same attachment.
#[test]
fn an_add_that_fails_undoes_no_other_one() -> Result<()> {
    let node = Node::builder().privileged(false).behave(|b| b.add = Answer::Hang).start()?;
    let pod = node.pod("web", "web-0")?;
    let failing = unanswered(&node, &pod, 8)?;
    node.behave(|b| b.add = Answer::Proper);
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(failing.wait()?.error()?.0, 11);
    assert!(pod.link("eth0")?.is_some_and(|link| link.up));
    assert_eq!(record(&node)?.1["stage"], "attached");
    Ok(())
}

#[test]
fn an_add_resumes_no_record_of_others() -> Result<()> {
    let node = Node::builder().privileged(false).behave(|b| b.card = Card::Never).start()?;
    let pod = node.pod("web", "web-0")?;
    let adding = unanswered(&node, &pod, 130)?;
    // Another one that came in the same second.
    rewrite(&node, |record| record["call"] = json!("another"))?;
    let theirs = record(&node)?;
    node.behave(|b| b.card = Card::Ready);
    let (code, text) = adding.wait()?.error()?;
    assert_eq!(code, 11, "{text}");
    assert_eq!(record(&node)?, theirs);
    assert!(pod.links()?.is_empty());
    Ok(())
}

#[test]
fn gc_reclaims_only_what_it_has_judged() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    let device = node.vfs()[0].device_id();
    let file = File::open(node.root().join("run/dpu-cni/devices").join(format!("{device}.lock")))?;
    let lock = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
    let mut conf = node.conf();
    conf["cni.dev/valid-attachments"] = json!([]);
    let collecting = node.call(PLUGIN, Verb::Gc)?.conf(&conf).spawn()?;
    wait_until(|| Ok(opened(collecting.id())?.iter().any(|path| path.ends_with(format!("{device}.lock")))))?;
    rewrite(&node, |record| record["call"] = json!("another"))?;
    drop(lock);
    collecting.wait()?.ok()?;
    assert!(pod.link("eth0")?.is_some_and(|link| link.up));
    assert_eq!(record(&node)?.1["stage"], "attached");
    Ok(())
}

/// What a process has open.
fn opened(process: u32) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(format!("/proc/{process}/fd")).context("it has ended")?;
    // One that is closed meanwhile leads nowhere.
    Ok(files.flatten().filter_map(|file| fs::read_link(file.path()).ok()).collect())
}
