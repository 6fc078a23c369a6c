//! Records that nobody can read: they stop nobody for longer than their pod is there, and are kept for a person to see.

use anyhow::{Context, Result};
use node::{Node, Verb};
use serde_json::json;

use super::*;

/// Attaches the pod and damages its record; its namespace can still be made out.
fn wreck(node: &Node, pod: &Pod, vf: &Vf) -> Result<()> {
    add(node, pod, vf)?.ok()?;
    let records = std::fs::read_dir(node.root().join("run/dpu-cni/attachments"))?;
    for file in records {
        let file = file?.path();
        let mut record: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
        if record["attachment"]["container"] == pod.container {
            record["devices"] = json!("none");
            std::fs::write(&file, record.to_string())?;
        }
    }
    Ok(())
}

/// What is kept aside.
fn aside(node: &Node) -> Result<Vec<String>> {
    let kept = std::fs::read_dir(node.root().join("run/dpu-cni/unreadable")).into_iter().flatten();
    kept.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

#[test]
fn a_del_moves_an_unreadable_record_away() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let (pod, vf) = (node.pod("web", "web-0")?, &node.vfs()[0]);
    wreck(&node, &pod, vf)?;
    del(&node, &pod, vf)?.ok()?;
    assert_eq!(aside(&node)?, [vf.device_id()]);
    assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    let row = row(&node, vf.device_id())?;
    assert!(row["note"].as_str().is_some_and(|note| note.contains("run/dpu-cni/unreadable/")), "{row}");
    // The kernel brings a VF home when the namespace goes.
    node.lose_netns(&pod)?;
    node.refresh_sysfs()?;
    add(&node, &node.pod("web", "web-1")?, vf)?.ok()?;
    Ok(())
}

#[test]
fn a_record_that_is_no_text_is_moved_away_too() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let (pod, vf) = (node.pod("web", "web-0")?, &node.vfs()[0]);
    add(&node, &pod, vf)?.ok()?;
    std::fs::write(record(&node)?.0, b"\xff\xfe")?;
    del(&node, &pod, vf)?.ok()?;
    assert_eq!(aside(&node)?, [vf.device_id()]);
    Ok(())
}

#[test]
fn a_record_of_a_newer_version_is_not_moved() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    wreck(&node, &pod, &node.vfs()[0])?;
    let file =
        std::fs::read_dir(node.root().join("run/dpu-cni/attachments"))?.next().context("no record")??.path();
    std::fs::write(&file, json!({"format": 9000}).to_string())?;
    assert_eq!(del(&node, &pod, &node.vfs()[0])?.error()?.0, 110);
    gc(&node, Some(json!([])))?;
    assert!(file.exists() && aside(&node)?.is_empty());
    Ok(())
}

#[test]
fn gc_moves_away_only_what_nobody_uses() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    wreck(&node, &pod, &node.vfs()[0])?;
    gc(&node, None)?;
    gc(&node, Some(json!([{"containerID": pod.container, "ifname": "eth0"}])))?;
    let mut other = node.conf();
    other["name"] = json!("another");
    other["cni.dev/valid-attachments"] = json!([]);
    node.call(PLUGIN, Verb::Gc)?.conf(&other).run()?.ok()?;
    let process = pod.start_process()?;
    gc(&node, Some(json!([])))?;
    assert!(aside(&node)?.is_empty());
    drop(process);
    gc(&node, Some(json!([])))?;
    assert_eq!(aside(&node)?, [node.vfs()[0].device_id()]);
    Ok(())
}

#[test]
fn a_vf_without_netdev_stays_claimed_until_freed() -> Result<()> {
    for by_hand in [false, true] {
        let node = Node::builder().vfs(1).vfio(1).start()?;
        let vf = node.vfs().iter().find(|vf| vf.vfio).context("no VFIO VF")?;
        let (pod, next) = (node.pod("web", "vm-0")?, node.pod("web", "vm-1")?);
        wreck(&node, &pod, vf)?;
        gc(&node, Some(json!([])))?;
        assert_eq!(add(&node, &next, vf)?.error()?.0, 109);
        if by_hand {
            let said = vfs_as(&node, &["--release", vf.device_id(), "--yes"])?;
            assert!(said.contains("nobody's"), "{said}");
        } else {
            del(&node, &pod, vf)?.ok()?;
        }
        assert_eq!(aside(&node)?, [vf.device_id()]);
        add(&node, &next, vf)?.ok()?;
    }
    Ok(())
}

#[test]
fn an_unwritable_state_directory_keeps_no_pod() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    let state = node.root().join("run/dpu-cni");
    let read_only = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    let call = node.call(PLUGIN, Verb::Del)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0]));
    let state = state.to_string_lossy().into_owned();
    let done = call.through("unshare", &["--mount", "/bin/sh", "-c", read_only, &state]).run()?;
    done.ok()?;
    assert!(done.stderr.contains("until the state directory can be written"), "{}", done.stderr);
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}
