//! Many processes of `dpu-host` at once: what they share are VFs, records and locks, and none may be lost.

mod crowds;
mod many_records;
mod pairs;

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use crash::World;
use node::{Call, Node, Output, Pod, Verb};
use serde_json::{Value, json};

const PLUGIN: &str = "dpu-host";
/// Within this most calls have ended: another one that starts meanwhile meets them anywhere.
const CALL: Duration = Duration::from_millis(12);

/// A node whose VFs are known by heart.
fn world(vfs: u32, privileged: bool) -> Result<World> {
    World::new(Node::builder().vfs(vfs).privileged(privileged).start()?)
}

/// Pods by number.
fn pods(world: &World, count: usize) -> Result<Vec<Pod>> {
    (0..count).map(|number| world.node.pod("web", &format!("web-{number}"))).collect()
}

/// A call for this pod and the VF of this number.
fn call<'w>(world: &'w World, verb: Verb, pod: &Pod, vf: usize) -> Result<Call<'w>> {
    Ok(world.node.call(PLUGIN, verb)?.pod(pod).conf(&world.node.conf_for(&world.node.vfs()[vf])))
}

/// A GC of these containers' attachments, or of those whose namespace is gone.
fn gc<'w>(world: &'w World, valid: Option<&[&str]>) -> Result<Call<'w>> {
    let mut conf = world.node.conf();
    if let Some(containers) = valid {
        let listed = containers.iter().map(|container| json!({"containerID": container, "ifname": "eth0"}));
        conf["cni.dev/valid-attachments"] = listed.collect();
    }
    Ok(world.node.call(PLUGIN, Verb::Gc)?.conf(&conf))
}

/// CHECK with the result of the pod's ADD.
fn check(world: &World, pod: &Pod, vf: usize, result: Value) -> Result<()> {
    let mut conf = world.node.conf_for(&world.node.vfs()[vf]);
    conf["prevResult"] = result;
    world.node.run(PLUGIN, Verb::Check, pod, &conf)?.ok().context("CHECK").map(drop)
}

/// Runs all at once, each begun at a moment of its own within the time that a call takes.
fn at_once<'w>(calls: impl IntoIterator<Item = Result<Call<'w>>>) -> Result<Vec<Output>> {
    let calls = calls.into_iter().collect::<Result<Vec<_>>>()?;
    thread::scope(|scope| {
        let running: Vec<_> = calls
            .into_iter()
            .map(|call| {
                scope.spawn(|| {
                    thread::sleep(CALL.mul_f64(fraction()));
                    call.run()
                })
            })
            .collect();
        let ended =
            running.into_iter().map(|running| running.join().map_err(|_| anyhow!("a caller panicked"))?);
        ended.collect()
    })
}

/// From 0 to 1, any.
fn fraction() -> f64 {
    any(1 << 20) as f64 / f64::from(1 << 20)
}

/// Any number below `bound`.
fn any(bound: u64) -> u64 {
    RandomState::new().hash_one(0_u8) % bound
}

/// Detaches all of these pods and sees that nothing is left of them.
fn finish(world: &World, pods: &[Pod], vf: impl Fn(usize) -> usize) -> Result<()> {
    let all: Vec<&Pod> = pods.iter().collect();
    for output in at_once(pods.iter().enumerate().map(|(at, pod)| call(world, Verb::Del, pod, vf(at))))? {
        output.ok().context("DEL at the end")?;
    }
    world.node.idle()?;
    world.settled(&all)?;
    // What a server that went on by itself may have needed.
    world.age()?;
    call(world, Verb::Del, &pods[0], 0)?.run()?.ok()?;
    world.node.idle()?;
    world.clean(&all)
}
