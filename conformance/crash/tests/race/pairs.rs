//! Two calls for one VF.

use anyhow::{Context, Result, ensure};
use crash::Place;
use node::Verb;
use rstest::rstest;

use super::*;

/// Pairs at once, each for a VF of its own.
const PAIRS: usize = 8;
const ROUNDS: usize = 5;
/// Fewer, as who comes second waits for five seconds.
const REFUSALS: usize = 3;

#[rstest]
fn two_adds_for_one_vf_leave_it_with_one(#[values(false, true)] privileged: bool) -> Result<()> {
    let world = world(u32::try_from(PAIRS)?, privileged)?;
    (0..REFUSALS).try_for_each(|round| two_adds(&world).with_context(|| format!("round {round}")))
}

fn two_adds(world: &World) -> Result<()> {
    let pods = pods(world, 2 * PAIRS)?;
    let outputs = at_once(pods.iter().enumerate().map(|(at, pod)| call(world, Verb::Add, pod, at % PAIRS)))?;
    let all: Vec<&Pod> = pods.iter().collect();
    world.settled(&all)?;
    let census = world.census(&all)?;
    for vf in 0..PAIRS {
        let mut winner = None;
        for at in [vf, vf + PAIRS] {
            match outputs[at].ok() {
                Ok(result) => {
                    ensure!(winner.is_none(), "both have VF {vf}");
                    check(world, &pods[at], vf, result)?;
                    winner = Some(at);
                }
                Err(_) => ensure!(outputs[at].error()?.0 == 102, "{:?}", outputs[at]),
            }
        }
        let winner = winner.with_context(|| format!("nobody has VF {vf}"))?;
        ensure!(census.vfs[vf].place == Place::Pod(winner), "VF {vf} is not where ADD has put it");
    }
    finish(world, &pods, |at| at % PAIRS)
}

#[rstest]
fn an_add_beside_the_old_del_gets_the_vf(#[values(false, true)] privileged: bool) -> Result<()> {
    let world = world(u32::try_from(PAIRS)?, privileged)?;
    (0..ROUNDS).try_for_each(|round| handed_over(&world).with_context(|| format!("round {round}")))
}

fn handed_over(world: &World) -> Result<()> {
    let pods = pods(world, 2 * PAIRS)?;
    let (old, new) = pods.split_at(PAIRS);
    for output in at_once(old.iter().enumerate().map(|(vf, pod)| call(world, Verb::Add, pod, vf)))? {
        output.ok().context("first ADD")?;
    }
    let dels = old.iter().enumerate().map(|(vf, pod)| call(world, Verb::Del, pod, vf));
    let adds = new.iter().enumerate().map(|(vf, pod)| call(world, Verb::Add, pod, vf));
    let outputs = at_once(dels.chain(adds))?;
    let all: Vec<&Pod> = pods.iter().collect();
    world.settled(&all)?;
    let census = world.census(&all)?;
    for vf in 0..PAIRS {
        outputs[vf].ok().context("DEL")?;
        let result = outputs[PAIRS + vf].ok().context("ADD")?;
        ensure!(census.vfs[vf].place == Place::Pod(PAIRS + vf), "VF {vf} is not in the new pod");
        check(world, &new[vf], vf, result)?;
    }
    // Late DELs of the old pods, once more, touch nothing.
    for output in at_once(old.iter().enumerate().map(|(vf, pod)| call(world, Verb::Del, pod, vf)))? {
        output.ok().context("late DEL")?;
    }
    let after = world.census(&all)?;
    ensure!((0..PAIRS).all(|vf| after.vfs[vf].place == Place::Pod(PAIRS + vf)), "a late DEL has taken a VF");
    finish(world, &pods, |at| at % PAIRS)
}

#[rstest]
fn gc_takes_no_add_under_way(#[values(false, true)] privileged: bool) -> Result<()> {
    let world = world(u32::try_from(PAIRS)?, privileged)?;
    (0..ROUNDS).try_for_each(|round| collected(&world).with_context(|| format!("round {round}")))
}

/// The specification keeps ADD and GC apart; where a runtime does not, a GC whose list is older than an ADD may take
/// what that has just finished, but nothing half-way.
fn collected(world: &World) -> Result<()> {
    let pods = pods(world, PAIRS)?;
    let listed = any(2) == 0;
    let gcs = (0..4).map(|_| gc(world, listed.then_some(&[])));
    let adds = pods.iter().enumerate().map(|(vf, pod)| call(world, Verb::Add, pod, vf));
    let outputs = at_once(adds.chain(gcs))?;
    let all: Vec<&Pod> = pods.iter().collect();
    world.settled(&all)?;
    for output in &outputs {
        output.ok()?;
    }
    if !listed {
        let census = world.census(&all)?;
        ensure!(
            (0..PAIRS).all(|vf| census.vfs[vf].place == Place::Pod(vf)),
            "a GC has taken a VF: {census:?}"
        );
    }
    finish(world, &pods, |vf| vf)
}
