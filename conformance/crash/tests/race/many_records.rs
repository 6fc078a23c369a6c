//! A node with a thousand records.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Result, ensure};
use crash::{Place, Records};
use node::Verb;

use super::*;

const RECORDS: usize = 1_000;

#[test]
fn gc_takes_the_unlisted_among_a_thousand_records() -> Result<()> {
    let world = world(2, false)?;
    let pods = pods(&world, 2)?;
    for (vf, pod) in pods.iter().enumerate() {
        call(&world, Verb::Add, pod, vf)?.run()?.ok()?;
    }
    let copies = multiply(&world, &pods[0])?;
    let real: Vec<&str> = pods.iter().map(|pod| pod.container.as_str()).collect();
    let collect = |valid: &[&str]| -> Result<BTreeSet<String>> {
        gc(&world, Some(valid))?.run()?.ok()?;
        Ok(Records::read(world.node.root())?.records.into_keys().collect())
    };
    let some = copies.iter().step_by(2).map(String::as_str).chain(real.iter().copied()).collect::<Vec<_>>();
    let every = copies.iter().map(String::as_str).chain(real.iter().copied()).collect::<Vec<_>>();
    ensure!(collect(&every)?.len() == RECORDS, "a GC has taken what was listed");
    let left = collect(&some)?;
    let is_left = |container: &&&str| left.iter().any(|file| file.starts_with(&format!("{container}-")));
    ensure!(left.len() == some.len() && some.iter().all(|one| is_left(&one)), "{} are left", left.len());
    let all: Vec<&Pod> = pods.iter().collect();
    world.settled(&all)?;
    // The second pod's is no copy.
    ensure!(collect(&real[..1])?.len() == 1, "a GC has left what was not listed");
    world.settled(&all)?;
    let vfs = world.census(&all)?.vfs;
    ensure!(vfs[0].place == Place::Pod(0) && vfs[1].place == Place::Host, "{vfs:?}");
    Ok(())
}

/// Copies a pod's record for other containers, which do not hold its VF, until there are enough.
fn multiply(world: &World, pod: &Pod) -> Result<Vec<String>> {
    let dir = world.node.root().join("run/dpu-cni/attachments");
    let mut record: Value = serde_json::from_slice(&fs::read(dir.join(file(world, &pod.container)))?)?;
    let copies: Vec<String> = (2..RECORDS).map(|number| format!("copy{number:04}")).collect();
    for container in &copies {
        record["attachment"]["container"] = json!(container);
        fs::write(dir.join(file(world, container)), record.to_string())?;
    }
    Ok(copies)
}

/// The file of a container's record.
fn file(world: &World, container: &str) -> String {
    let conf = world.node.conf();
    let parts = [conf["name"].as_str().unwrap_or_default(), container, "eth0"];
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    // FNV-1a, as every version of the plugin has it.
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{container}-eth0-{hash:016x}.json")
}
