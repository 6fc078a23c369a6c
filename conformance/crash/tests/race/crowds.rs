//! Many calls at once.

use anyhow::{Result, ensure};
use crash::Place;
use node::Verb;
use rstest::rstest;

use super::*;

const VFS: usize = 8;
const PODS: usize = 16;
/// A round takes five seconds: that long an ADD waits for a VF that another pod has.
const ROUNDS: usize = 10;
const MANY: usize = 64;

#[rstest]
fn sixteen_processes_of_any_verb_lose_no_vf(#[values(false, true)] privileged: bool) -> Result<()> {
    let world = world(u32::try_from(VFS)?, privileged)?;
    // An ADD whose pod is deleted meanwhile waits for the card in vain, until the server gives up.
    world.node.behave(|b| b.budget = Duration::from_secs(1));
    let pods = pods(&world, PODS)?;
    let all: Vec<&Pod> = pods.iter().collect();
    for round in 0..ROUNDS {
        let any_call = |(at, pod): (usize, &Pod)| match any(10) {
            0..5 => call(&world, Verb::Add, pod, at % VFS),
            5..8 => call(&world, Verb::Del, pod, at % VFS),
            8 => gc(&world, None),
            _ => gc(&world, Some(&[])),
        };
        at_once(pods.iter().enumerate().map(any_call))?;
        world.node.idle()?;
        world.settled(&all).with_context(|| format!("round {round}"))?;
    }
    finish(&world, &pods, |at| at % VFS)
}

#[rstest]
fn sixty_four_pods_at_once_get_their_own(#[values(false, true)] privileged: bool) -> Result<()> {
    let world = world(u32::try_from(MANY)?, privileged)?;
    let pods = pods(&world, MANY)?;
    let all: Vec<&Pod> = pods.iter().collect();
    let outputs = at_once(pods.iter().enumerate().map(|(vf, pod)| call(&world, Verb::Add, pod, vf)))?;
    world.settled(&all)?;
    let census = world.census(&all)?;
    for (vf, (pod, output)) in pods.iter().zip(outputs).enumerate() {
        let result = output.ok().with_context(|| format!("ADD of pod {vf}"))?;
        ensure!(census.vfs[vf].place == Place::Pod(vf), "pod {vf} has not the VF that it was given");
        let interface = world.node.pod_object(pod).context("no pod")?.interfaces["eth0"].clone();
        let link = pod.link("eth0")?.context("no eth0")?;
        ensure!(link.up && link.addresses == interface.ips, "pod {vf} has {link:?}");
        check(&world, pod, vf, result)?;
    }
    finish(&world, &pods, |vf| vf)
}
