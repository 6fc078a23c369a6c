//! Killed at every instant, followed by each of the things that a runtime may do then.

use std::collections::HashSet;
use std::os::unix::process::ExitStatusExt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use crash::{self, Fault, Place, Point};
use node::Verb;

use crate::scene::{Kind, Scene, Setting};
use crate::{ATTEMPTS, pool, report};

/// What the runtime does after the kill.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// It deletes the same sandbox.
    Del,
    /// It deletes that sandbox, while another pod that the device plugin has given the VF waits for it.
    Handover,
    /// It is slow: the namespace dies first, the device plugin hands the VF out again, and the DEL comes last.
    Another,
    /// It was restarted, and collects garbage.
    Gc,
    /// Nothing, and the unit starts once more: the pod has its VFs back.
    Restore,
}

/// What an ADD that waits for the kubelet's word does not do until it has it.
const TAKING: [&str; 4] = ["before RTM_", "before ethtool", "before rename", "before symlink"];

fn kill_everywhere(kind: Kind, privileged: bool, udn: bool) -> Result<()> {
    let setting = Setting { kind, privileged, udn };
    let began = Instant::now();
    let points = chosen(setting, crash::instants(&setting.trace()?))?;
    ensure!(points.len() > 5, "the trace shows next to nothing: {points:?}");
    let left = Mutex::new(HashSet::new());
    pool::each(setting, &points, |scene, point| {
        let left_now = hit(scene, point, Then::Del).context("then DEL")?;
        // From the same state the same things happen.
        if left.lock().unwrap_or_else(PoisonError::into_inner).insert(left_now) {
            hit(scene, point, Then::Gc).context("then GC")?;
            // It waits for seconds each time.
            if kind == Kind::AddTakenOver {
                return Ok(());
            }
            hit(scene, point, Then::Handover).context("then DEL and another pod at once")?;
            hit(scene, point, Then::Another).context("then another pod")?;
            if kind == Kind::Restore {
                hit(scene, point, Then::Restore).context("then another restore")?;
            }
        }
        Ok(())
    })?;
    report(&format!(
        "{setting}: killed at {} instants, which leave {} different states: {:.1} s",
        points.len(),
        left.into_inner().map_or(0, |left| left.len()),
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Those instants of a call that no other call has, and that come after the same system calls in each run.
fn chosen(setting: Setting, mut points: Vec<Point>) -> Result<Vec<Point>> {
    let first = |label: &str| {
        let found = points.iter().position(|point| point.label.starts_with(label));
        found.with_context(|| format!("there is no instant {label}"))
    };
    match setting.kind {
        Kind::AddUnwritten => drop(points.drain(..=first("before print the answer")?)),
        // Until then whoever serves has no part in it.
        Kind::AddAnew if setting.privileged => drop(points.drain(..=first("before symlink")?)),
        // Until then the kubelet is asked.
        Kind::GcOrphan => drop(points.drain(..=first("before open /run/dpu-cni/devices")?)),
        Kind::AddTakenOver => {
            points.truncate(first("before unlink /run/dpu-cni/untold")?);
            points.retain(|point| TAKING.iter().any(|label| point.label.starts_with(label)));
        }
        _ => {}
    }
    Ok(points)
}

/// Kills the call there and goes on; what the kill has left behind.
fn hit(scene: &Scene, point: &Point, then: Then) -> Result<String> {
    let world = &scene.world;
    for _ in 0..ATTEMPTS {
        let pods = scene.prepare()?;
        let all: Vec<_> = pods.iter().collect();
        let injected = crash::inject(scene.call(&pods[0])?, point, Fault::Kill, world.node.root())?;
        world.node.idle()?;
        world.interrupted(&all)?;
        // How often one that waits has looked differs from run to run: wherever it was killed will do.
        let waits = scene.setting.kind == Kind::AddTakenOver;
        if !(injected.hit || waits && injected.output.status.signal().is_some()) {
            scene.finish(&all)?;
            continue;
        }
        let left = world.imprint(&all)?;
        scene.mirror(&pods)?;
        go_on(scene, &all, then)?;
        return Ok(left);
    }
    anyhow::bail!("it was never killed there, {ATTEMPTS} times")
}

fn go_on(scene: &Scene, all: &[&node::Pod], then: Then) -> Result<()> {
    let old = all[0];
    match then {
        Then::Del => {
            scene.del(old, all)?;
            scene.finish(all)
        }
        Then::Handover => {
            let (new, add) = scene.begin_another()?;
            for pod in all {
                scene.run(Verb::Del, pod, 0)?.ok().context("DEL")?;
            }
            // Fails when the VF is on its way already, and then nobody needs to be told what it is called.
            let _ = scene.world.mirror_sysfs(all);
            let result = add.wait()?.ok().context("ADD of another pod")?;
            scene.holds(&new, &result, all)?;
            scene.finish(&[&[&new], all].concat())
        }
        Then::Another => {
            scene.lose(all)?;
            let new = scene.add_another(all)?;
            let all = [&[&new], all].concat();
            scene.del(old, &all).context("late")?;
            let place = scene.world.census(&all)?.vfs[0].place;
            ensure!(place == Place::Pod(0), "a late DEL has taken the VF from a newer pod");
            scene.finish(&all)
        }
        Then::Restore => {
            scene.restore()?;
            scene.holds(old, &scene.result.borrow(), &all[1..])?;
            scene.finish(all)
        }
        Then::Gc => {
            scene.gc()?;
            scene.world.mirror_sysfs(all)?;
            scene.world.settled(all).context("after GC")?;
            scene.world.age()?;
            scene.gc()?;
            scene.world.mirror_sysfs(all)?;
            scene.world.settled(all).context("after a later GC")?;
            scene.finish(all)
        }
    }
}

#[test]
fn add() -> Result<()> {
    kill_everywhere(Kind::Add, false, false)
}

#[test]
fn add_with_two_vfs() -> Result<()> {
    kill_everywhere(Kind::Add, false, true)
}

#[test]
fn add_by_the_server() -> Result<()> {
    kill_everywhere(Kind::Add, true, false)
}

#[test]
fn add_by_a_server_that_is_known() -> Result<()> {
    kill_everywhere(Kind::AddKnown, true, false)
}

#[test]
fn add_with_two_vfs_by_a_server_that_is_known() -> Result<()> {
    kill_everywhere(Kind::AddKnown, true, true)
}

#[test]
fn add_handed_over() -> Result<()> {
    kill_everywhere(Kind::AddHandedOver, false, false)
}

#[test]
fn add_in_a_new_sandbox() -> Result<()> {
    kill_everywhere(Kind::AddAnew, false, false)
}

#[test]
fn add_in_a_new_sandbox_by_the_server() -> Result<()> {
    kill_everywhere(Kind::AddAnew, true, false)
}

#[test]
fn add_by_the_kubelets_word() -> Result<()> {
    kill_everywhere(Kind::AddTakenOver, false, false)
}

#[test]
fn add_that_nobody_hears() -> Result<()> {
    kill_everywhere(Kind::AddUnwritten, false, false)
}

#[test]
fn restore() -> Result<()> {
    kill_everywhere(Kind::Restore, false, true)
}

#[test]
fn restore_beside_the_server() -> Result<()> {
    kill_everywhere(Kind::Restore, true, false)
}

#[test]
fn release() -> Result<()> {
    kill_everywhere(Kind::Release, false, true)
}

#[test]
fn del() -> Result<()> {
    kill_everywhere(Kind::Del, false, false)
}

#[test]
fn del_with_two_vfs() -> Result<()> {
    kill_everywhere(Kind::Del, false, true)
}

#[test]
fn del_after_the_namespace() -> Result<()> {
    kill_everywhere(Kind::DelNetnsGone, false, true)
}

#[test]
fn del_while_the_name_is_taken() -> Result<()> {
    kill_everywhere(Kind::DelNameTaken, false, false)
}

#[test]
fn del_while_the_server_is_down() -> Result<()> {
    kill_everywhere(Kind::DelServerDown, true, false)
}

#[test]
fn gc() -> Result<()> {
    kill_everywhere(Kind::Gc, false, true)
}

#[test]
fn gc_of_an_orphan() -> Result<()> {
    kill_everywhere(Kind::GcOrphan, false, false)
}
