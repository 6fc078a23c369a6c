//! The card reboots under running pods: what the runtime is told meanwhile, who has lost a VF, and whether it may be
//! done at all.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result};
use node::{Card, Lease, Node, Verb};
use serde_json::Value;
use testkit::binaries::plugin;

use super::*;

/// The state that the inventory gives to the first VF, and whose it is.
fn state(node: &Node) -> Result<(String, Value)> {
    let row = row(node, node.vfs()[0].device_id())?;
    Ok((row["state"].as_str().unwrap_or_default().to_owned(), row["pod"].clone()))
}

#[test]
fn a_pod_without_its_vf_is_listed_until_deleted() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let conf = node.conf_for(&node.vfs()[0]);
    let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    let conf = after(conf, result);
    let lost = ("lost".to_owned(), Value::from("web/web-0"));

    node.card_goes_down()?;
    assert_eq!(state(&node)?, lost);
    let (code, text) = node.run(PLUGIN, Verb::Check, &pod, &conf)?.error()?;
    assert_eq!(code, 108, "{text}");

    // The new function at the old address is not in the pod.
    node.card_comes_up()?;
    let new = home(&node, &node.vfs()[0])?;
    assert_eq!(state(&node)?, lost);
    assert!(vfs_as(&node, &["--prometheus"])?.contains("dpu_cni_vfs{state=\"lost\"} 1\n"));

    node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    assert_eq!(state(&node)?, ("free".to_owned(), Value::Null));
    assert_eq!(home(&node, &node.vfs()[0])?, new);
    let next = node.pod("web", "web-1")?;
    add(&node, &next, &node.vfs()[0])?.ok()?;
    assert_eq!(state(&node)?, ("used".to_owned(), Value::from("web/web-1")));
    Ok(())
}

/// Its two minutes, as the runtime sees them.
#[test]
fn no_pod_waits_while_the_card_is_away() -> Result<()> {
    let node = Node::builder().start()?;
    let status = || node.call(PLUGIN, Verb::Status)?.conf(&node.conf()).run();
    status()?.ok()?;

    node.card_goes_down()?;
    node.behave(|behaviour| behaviour.lease = Lease::Expired);
    let (code, text) = status()?.error()?;
    assert_eq!(code, 51, "{text}");
    // The device plugin has yet to notice, and hands out what is not there.
    let pod = node.pod("web", "web-0")?;
    let (_, text) = add(&node, &pod, &node.vfs()[0])?.error()?;
    assert!(text.contains("does not exist on this node"), "{text}");
    assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);

    node.card_comes_up()?;
    status()?.ok()?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    Ok(())
}

/// Where the functions outlive the card's system, the lease alone tells: nobody waits for a card that has gone.
#[test]
fn an_expired_lease_refuses_at_once() -> Result<()> {
    let node = Node::builder().behave(|behaviour| behaviour.card = Card::Never).start()?;
    node.behave(|behaviour| behaviour.lease = Lease::Expired);
    let pod = node.pod("web", "web-0")?;
    let (code, text) = add(&node, &pod, &node.vfs()[0])?.error()?;
    assert_eq!(code, 11);
    assert!(text.contains("pod web/web-0 waits for the card: DPU Not Ready"), "{text}");
    Ok(())
}

/// `dpu-host vfs --drained`: its exit status says whether the card may be rebooted now.
#[test]
fn a_card_without_pods_may_go() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let drained = || vfs_as(&node, &["--drained"]);
    assert_eq!(drained()?, "no pod has a VF of this node\n");
    let pods = [node.pod("web", "web-0")?, node.pod("web", "web-1")?];
    for (pod, vf) in pods.iter().zip(node.vfs()) {
        add(&node, pod, vf)?.ok()?;
    }
    let refused = drained().expect_err("pods are there").to_string();
    let said = "pods have VFs of this node: 0000:03:00.2 (web/web-0), 0000:03:00.3 (web/web-1)";
    assert!(refused.contains(said), "{refused}");

    del(&node, &pods[0], &node.vfs()[0])?.ok()?;
    let refused = drained().expect_err("a pod is there").to_string();
    assert!(refused.contains("pods have VFs of this node: 0000:03:00.3 (web/web-1)"), "{refused}");
    // Its VF is not at home, but nobody has it any more.
    node.lose_netns(&pods[1])?;
    drained()?;
    Ok(())
}

/// Whoever does not see is not told that there is nothing.
#[test]
fn a_card_may_not_go_on_doubtful_word() -> Result<()> {
    let node = Node::builder().vfs(2).vfio(1).start()?;
    let vf = node.vfs().iter().find(|vf| vf.vfio).context("no VFIO VF")?;
    let pod = node.pod("web", "vm-0")?;
    add(&node, &pod, vf)?.ok()?;
    let ask = |wrapper: &str, args: &[&str]| -> Result<(Option<i32>, String)> {
        // In a user namespace that maps nobody, one is nobody.
        let mut command = Command::new(wrapper);
        command.args((wrapper == "unshare").then_some("--user")).arg(plugin(PLUGIN)?).args(args);
        command.env("DPU_CNI_ROOT", node.root());
        let output = node.host().netns().run(|| command.output())??;
        Ok((output.status.code(), String::from_utf8(output.stderr)?))
    };
    assert_eq!(ask("env", &["vfs", "--drained"])?.0, Some(1));
    assert_eq!(ask("unshare", &["vfs", "--drained"])?.0, Some(2));
    assert_eq!(ask("env", &["vfs", "--drained", "--state-dir", "/run/elsewhere"])?.0, Some(2));
    // What one task knows is nothing to another.
    let nonsense: [&[&str]; 9] = [
        &["vfs", "--drained", "--json"],
        &["vfs", "--json", "--prometheus"],
        &["vf"],
        &["vfs --drained"],
        &["drained"],
        &["vfs", "--yes"],
        &["vfs", "--restore", "--pf", "ens1f0"],
        &["vfs", "--release", "shop/cart", "--pf", "ens1f0"],
        &["vfs", "--release", "shop/cart", "--json"],
    ];
    for question in nonsense {
        let (status, said) = ask("env", question)?;
        assert_eq!(status, Some(2), "{question:?}");
        assert!(said.contains("usage: dpu-host vfs"), "{said}");
    }
    let state = node.root().join("run/dpu-cni");
    fs::set_permissions(&state, Permissions::from_mode(0o777))?;
    assert_eq!(ask("env", &["vfs", "--drained"])?.0, Some(2));
    Ok(())
}
