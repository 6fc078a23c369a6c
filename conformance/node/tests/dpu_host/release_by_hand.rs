//! A pod is gone, its sandbox left behind with the VF: what the inventory says of that, and how a person frees the VF.

use std::io::Write;
use std::process::Stdio;

use anyhow::Result;
use node::{Kubelet, Node};

use super::*;

/// A pod that the kubelet has forgotten, whose sandbox is still there, and its VF as it was before.
fn orphan() -> Result<(Node, Pod, LinkState)> {
    let (node, pod, before) = attached(false)?;
    node.unlist(&pod);
    Ok((node, pod, before))
}

fn state(node: &Node) -> Result<String> {
    Ok(row(node, node.vfs()[0].device_id())?["state"].as_str().unwrap_or_default().to_owned())
}

/// `dpu-host vfs --release` with this answer to its question: whether it did it, and what it said.
fn release(node: &Node, args: &[&str], answer: &str) -> Result<(bool, String)> {
    let mut command = Command::new(testkit::binaries::plugin(PLUGIN)?);
    command.args(["vfs", "--release"]).args(args).env("DPU_CNI_ROOT", node.root());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = node.host().netns().run(|| command.spawn())??;
    child.stdin.take().context("no input")?.write_all(answer.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8(said)?))
}

#[test]
fn a_vf_of_a_forgotten_pod_is_orphaned() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    assert_eq!(state(&node)?, "used");
    let process = pod.start_process()?;
    node.unlist(&pod);
    assert_eq!(state(&node)?, "used", "somebody runs there");
    drop(process);
    assert_eq!(state(&node)?, "orphaned");
    assert!(vfs_as(&node, &["--prometheus"])?.contains("dpu_cni_vfs{state=\"orphaned\"} 1\n"));
    let refused = vfs_as(&node, &["--drained"]).expect_err("a VF is away").to_string();
    let said = "0000:03:00.2 (web/web-0, which is gone: dpu-host vfs --release 0000:03:00.2)";
    assert!(refused.contains(said), "{refused}");
    Ok(())
}

#[test]
fn a_kubelet_that_cannot_tell_makes_no_orphan() -> Result<()> {
    let (node, _pod, _) = orphan()?;
    for kubelet in
        [Kubelet::Refuses, Kubelet::Truncated, Kubelet::Unfinished, Kubelet::Garbage, Kubelet::Hangs]
    {
        node.behave(|behaviour| behaviour.kubelet = kubelet.clone());
        assert_eq!(state(&node)?, "used", "{kubelet:?}");
    }
    node.stop_kubelet();
    assert_eq!(state(&node)?, "used");
    let refused = vfs_as(&node, &["--drained"]).expect_err("a VF is away").to_string();
    assert!(refused.contains("0000:03:00.2 (web/web-0)"), "{refused}");
    Ok(())
}

/// It lists static pods only, but keeps the directories of all until it has heard of the API server.
#[test]
fn a_kubelet_that_was_just_restarted_makes_no_orphan() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    let directory = node.root().join("var/lib/kubelet/pods").join(&pod.uid);
    std::fs::create_dir_all(&directory)?;
    node.behave(|behaviour| behaviour.kubelet = Kubelet::Restarted);
    assert_eq!(state(&node)?, "used");
    std::fs::remove_dir(&directory)?;
    assert_eq!(state(&node)?, "orphaned");
    Ok(())
}

#[test]
fn an_orphan_is_freed_by_hand_after_a_question() -> Result<()> {
    let (node, pod, before) = orphan()?;
    let device = node.vfs()[0].device_id();
    let (done, said) = release(&node, &[device], "\n")?;
    assert!(!done && said.contains("Go on?") && said.contains("nothing was done"), "{said}");
    assert!(
        said.contains("web/web-0") && said.contains(device) && said.contains("does not list it"),
        "{said}"
    );
    assert!(pod.link("eth0")?.is_some());

    let (done, said) = release(&node, &[device], "y\n")?;
    assert!(done && said.contains("is free"), "{said}");
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    assert_eq!(state(&node)?, "free");
    assert_eq!(vfs_as(&node, &["--drained"])?, "no pod has a VF of this node\n");
    // The server hears of it with the next call.
    del(&node, &node.pod("web", "other")?, &node.vfs()[1])?.ok()?;
    assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    Ok(())
}

#[test]
fn a_pod_is_freed_by_name_unasked() -> Result<()> {
    let (node, _pod, before) = orphan()?;
    let (done, said) = release(&node, &["web/web-1", "--yes"], "")?;
    assert!(!done && said.contains("no record holds"), "{said}");
    let (done, said) = release(&node, &["web/web-0", "--yes"], "")?;
    assert!(done, "{said}");
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn a_vf_is_taken_from_processes_only_by_force() -> Result<()> {
    let (node, pod, before) = orphan()?;
    let process = pod.start_process()?;
    let device = node.vfs()[0].device_id();
    let (done, said) = release(&node, &[device, "--yes"], "")?;
    assert!(!done && said.contains("--force"), "{said}");
    assert!(pod.link("eth0")?.is_some());
    let (done, said) = release(&node, &[device, "--yes", "--force"], "")?;
    assert!(done, "{said}");
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    drop(process);
    Ok(())
}

#[test]
fn every_state_directory_is_read() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["stateDir"] = "/run/dpu-cni-blue".into();
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    assert_eq!(state(&node)?, "used");
    vfs_as(&node, &["--drained"]).expect_err("a VF is away");
    node.unlist(&pod);
    assert_eq!(state(&node)?, "orphaned");
    let (done, said) = release(&node, &["web/web-0", "--yes"], "")?;
    assert!(done, "{said}");
    assert_eq!(state(&node)?, "free");
    Ok(())
}
