//! A pod whose namespace is dying: the kernel returns its VF at its own time, perhaps while another pod's ADD looks for it.

use anyhow::{Context, Result, bail, ensure};
use crash::{Change, Event};
use node::Verb;
use serde_json::{Value, json};

use crate::scene::{Kind, Setting};

/// How often is tried what takes longer on a busy machine than an ADD waits for a VF.
const ATTEMPTS: usize = 5;

#[test]
fn what_comes_home_during_a_takeover_is_settled_first() -> Result<()> {
    for _ in 0..ATTEMPTS {
        if take_over()? {
            return Ok(());
        }
    }
    bail!("its VF has never come in time, {ATTEMPTS} times")
}

/// As long as the kernel takes to end a namespace a VF is in none that has a path: here in one that nobody was told of.
/// Whether it came home in time for the next pod, which then has it as every pod does.
fn take_over() -> Result<bool> {
    let scene = Setting { kind: Kind::Del, privileged: false, udn: false }.scene()?;
    let node = &scene.world.node;
    let (vf, old) = (&node.vfs()[0], scene.prepare()?.remove(0));
    let (nowhere, new) = (node.pod("web", "nowhere")?, node.pod("web", "new")?);
    old.change("link set eth0 arp off")?;
    old.change(&format!("link set eth0 netns {}", nowhere.netns().path().display()))?;
    node.lose_netns(&old)?;
    scene.world.mirror_sysfs(&[&nowhere])?;

    // Both pods want the MTU that it has at home, and the old one has changed it since.
    node.edit_pod(&new, |pod| pod.interfaces.get_mut("eth0").map(|eth0| eth0.mtu = scene.world.home(0).mtu))?;
    let add = |conf: &Value| anyhow::Ok(node.call("dpu-host", Verb::Add)?.pod(&new).conf(conf));
    // In vain, and the first look is all that counts.
    let mut hasty = node.conf_for(vf);
    hasty["timeoutSeconds"] = json!(3);
    let (output, events) = crash::trace(add(&hasty)?, node.root())?;
    let (code, text) = output.error()?;
    ensure!(code == 11, "{code} {text}");
    let comes = || {
        let host = node.host().path().display();
        nowhere.change(&format!("link set eth0 name {0}\nlink set {0} netns {host}", vf.name))
    };
    let output = crash::stop_behind(add(&node.conf_for(vf))?, first_look(&events)?, comes)?;
    if !output.status.success() && output.error()?.0 == 11 {
        return Ok(false);
    }
    let result = output.ok()?;
    ensure!(result["interfaces"][1]["mtu"] == scene.world.home(0).mtu, "{result}");
    scene.holds(&new, &result, &[&old, &nowhere])?;
    scene.finish(&[&new, &old, &nowhere])?;
    Ok(true)
}

/// The first question about the VF since its lock was taken.
fn first_look(events: &[Event]) -> Result<&Event> {
    let is_lock = |event: &Event| match &event.change {
        Some(Change::File(what)) => what.starts_with("flock") && what.contains("/devices/"),
        _ => false,
    };
    let locked = events.iter().position(is_lock).context("its device is not locked")?;
    events[locked..].iter().find(|event| event.is_request()).context("nobody asks where it is")
}
