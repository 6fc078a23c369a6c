//! VFs that other plugins have given to pods: of another card, of another network, or of the DPU itself.

use anyhow::Result;
use node::Node;
use serde_json::json;

use super::*;

/// A node whose first VF is in a pod without a record.
fn elsewhere() -> Result<(Node, Pod)> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    std::fs::remove_dir_all(node.root().join("run/dpu-cni"))?;
    Ok((node, pod))
}

/// The state of the first VF, asked for with these options more.
fn state(node: &Node, options: &[&str]) -> Result<(Value, Value)> {
    let rows: Vec<Value> = serde_json::from_str(&vfs_as(node, &[&["--json"], options].concat())?)?;
    let row = rows.into_iter().find(|row| row["device"] == node.vfs()[0].device_id()).context("no row")?;
    Ok((row["state"].clone(), row["pod"].clone()))
}

/// The PF of the simulated VFs, and another.
const PFS: [&str; 2] = ["0000:03:00.0", "0000:3b:00.0"];

#[test]
fn what_is_not_ours_raises_no_alarm() -> Result<()> {
    let (node, _pod) = elsewhere()?;
    assert_eq!(state(&node, &[])?.0, "foreign");
    assert_eq!(vfs_as(&node, &["--drained"])?, "no pod has a VF of this node\n");
    let metrics = vfs_as(&node, &["--prometheus"])?;
    assert!(
        metrics.contains("{state=\"foreign\"} 1\n") && metrics.contains("{state=\"leaked\"} 0\n"),
        "{metrics}"
    );
    assert_eq!(state(&node, &["--pf", PFS[1]])?.0, "foreign");
    assert_eq!(state(&node, &["--pf", PFS[0]])?, (json!("leaked"), Value::Null));
    let refused = vfs_as(&node, &["--drained", "--pf", PFS[0]]).expect_err("a VF is away").to_string();
    assert!(refused.contains("0000:03:00.2 (whose is not known)"), "{refused}");
    Ok(())
}

#[test]
fn the_kubelet_tells_whose_a_foreign_vf_is() -> Result<()> {
    let (node, pod) = elsewhere()?;
    node.allocate(&pod, RESOURCE, &[node.vfs()[0].device_id()]);
    assert_eq!(state(&node, &["--pf", PFS[0]])?, (json!("used"), json!("web/web-0")));
    let refused = vfs_as(&node, &["--drained", "--pf", PFS[0]]).expect_err("a VF is away").to_string();
    assert!(refused.contains("0000:03:00.2 (web/web-0)"), "{refused}");
    Ok(())
}

#[test]
fn the_last_add_that_names_pfs_counts() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pods = [node.pod("web", "web-0")?, node.pod("web", "web-1")?];
    let mut conf = node.conf_for(&node.vfs()[1]);
    conf["physicalFunctions"] = json!([PFS[0]]);
    node.run(PLUGIN, Verb::Add, &pods[1], &conf)?.ok()?;
    // Taken by somebody else.
    let (vf, away) = (&node.vfs()[0], pods[0].netns().path());
    node.change_host(&format!("link set {} netns {}", vf.name, away.display()))?;
    assert_eq!(state(&node, &[])?.0, "leaked");
    del(&node, &pods[1], &node.vfs()[1])?.ok()?;
    add(&node, &pods[1], &node.vfs()[1])?.ok()?;
    assert_eq!(state(&node, &[])?.0, "leaked", "an ADD without the key says nothing");
    del(&node, &pods[1], &node.vfs()[1])?.ok()?;
    conf["physicalFunctions"] = json!(["no-such-pf", PFS[0]]);
    node.run(PLUGIN, Verb::Add, &pods[1], &conf)?.ok()?;
    let kept = std::fs::read_to_string(node.root().join("run/dpu-cni/physical-functions"))?;
    assert_eq!(kept, format!("[\"no-such-pf\",\"{}\"]", PFS[0]));
    Ok(())
}
