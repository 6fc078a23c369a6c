//! How cost grows: with pods attached at once, and with records on the node.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::call::{IFNAME, Pod};
use super::contender::Field;
use super::kernel::Replay;
use super::peak;
use super::plan::Plan;
use super::process::Invocation;
use super::progress::Progress;
use super::site::Site;
use crate::node;

/// One kind of cost at several sizes.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Curve {
    /// What costs.
    pub(super) name: String,
    /// The sizes, ascending.
    pub(super) points: Vec<Point>,
}

/// What it costs at one size.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Point {
    /// How many pods or records.
    pub(super) count: usize,
    /// Wall time of each round, in ms.
    pub(super) wall: Vec<f64>,
    /// Peak memory of one process in KiB.
    pub(super) peak: Option<u64>,
}

/// Names of curves, which the limits are stated in.
pub(super) const ADDS: &str = "dpu-host: ADD of N pods at once";
pub(super) const DELS: &str = "dpu-host: DEL of N pods at once";
pub(super) const KERNEL_ADDS: &str = "kernel alone: N ADDs in turn";
pub(super) const KERNEL_DELS: &str = "kernel alone: N DELs in turn";

/// Attaches and detaches many pods at once, and has the kernel do the same one after the other.
///
/// # Errors
/// When something does not end as it has to.
pub(super) fn bursts(
    field: &Field,
    site: &Site,
    pods: &[node::Pod],
    plan: &Plan,
    progress: &mut Progress,
) -> Result<Vec<Curve>> {
    let mut curves = [ADDS, DELS, KERNEL_ADDS, KERNEL_DELS]
        .map(|name| Curve { name: name.to_owned(), points: Vec::new() });
    let pairs: Vec<_> = site.node.vfs().iter().zip(pods).collect();
    let calls = |verb: &str| -> Vec<Invocation> {
        let call = |(vf, pod): &(&node::Vf, &node::Pod)| {
            site.of_pod(&field.dpu_host.path, verb, &Pod::from(*pod), &site.node.conf_for(vf))
        };
        pairs.iter().map(call).collect()
    };
    let (adds, dels) = (calls("ADD"), calls("DEL"));
    for &count in &plan.pods {
        let replays =
            pairs[..count].iter().map(|(vf, pod)| Replay::new(site, vf, pod)).collect::<Result<Vec<_>>>()?;
        let mut rounds: [Vec<f64>; 4] = Default::default();
        for _ in 0..plan.bursts {
            progress.advance(1, &format!("{count} pods at once"));
            rounds[2].push(in_ms(|| replays.iter().try_for_each(Replay::add))?);
            rounds[3].push(in_ms(|| replays.iter().try_for_each(Replay::del))?);
            rounds[0].push(at_once(site, &adds[..count])?);
            rounds[1].push(at_once(site, &dels[..count])?);
        }
        // One more while all others are attached.
        let (last, others) = (&adds[count - 1], &adds[..count - 1]);
        at_once(site, others)?;
        let peaks = [Some(peak::kib(last)?), Some(peak::kib(&dels[count - 1])?), None, None];
        at_once(site, &dels[..count - 1])?;
        for ((curve, wall), peak) in curves.iter_mut().zip(rounds).zip(peaks) {
            curve.points.push(Point { count, wall, peak });
        }
    }
    Ok(curves.into())
}

/// Starts all, then waits for all; the time from the first start to the last end, in ms.
fn at_once(site: &Site, calls: &[Invocation]) -> Result<f64> {
    site.host().run(|| {
        let prepared = calls.iter().map(Invocation::prepare).collect::<Result<Vec<_>>>()?;
        in_ms(|| {
            let started = prepared.into_iter().map(|one| one.start()).collect::<Result<Vec<_>>>()?;
            started.into_iter().try_for_each(|one| one.finish().map(|_| ()))
        })
    })?
}

fn in_ms(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let began = Instant::now();
    work()?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

/// GC, CHECK and ADD on a node with many records.
///
/// # Errors
/// When something does not end as it has to.
pub(super) fn records(
    field: &Field,
    site: &Site,
    pods: &[node::Pod],
    plan: &Plan,
    progress: &mut Progress,
) -> Result<Vec<Curve>> {
    let plugin = &field.dpu_host.path;
    let [first, second] = [0, 1].map(|at| (site.node.conf_for(&site.node.vfs()[at]), Pod::from(&pods[at])));
    let result: Value = serde_json::from_slice(&site.of_pod(plugin, "ADD", &first.1, &first.0).output()?)?;
    let mut with_result = first.0.clone();
    with_result["prevResult"] = result;
    let check = site.of_pod(plugin, "CHECK", &first.1, &with_result);
    let [add, del] = ["ADD", "DEL"].map(|verb| site.of_pod(plugin, verb, &second.1, &second.0));

    let mut herd = Herd::of(site, &first.1.container)?;
    let mut curves = ["GC", "CHECK", "ADD"]
        .map(|verb| Curve { name: format!("dpu-host: {verb} with N records"), points: Vec::new() });
    for &count in &plan.records {
        herd.grow(count)?;
        let mut conf = site.node.conf();
        conf["cni.dev/valid-attachments"] = herd.all();
        let gc = site.of_network(plugin, "GC", &conf);
        let mut walls: [Vec<f64>; 3] = Default::default();
        for _ in 0..plan.record_rounds {
            progress.advance(1, &format!("{count} records"));
            for (wall, call) in walls.iter_mut().zip([&gc, &check, &add]) {
                wall.push(call.measure()?.wall.as_secs_f64() * 1e3);
            }
            del.measure()?;
        }
        let mut peaks = [None; 3];
        for (peak, call) in peaks.iter_mut().zip([&gc, &check, &add]) {
            *peak = Some(peak::kib(call)?);
        }
        del.measure()?;
        for ((curve, wall), peak) in curves.iter_mut().zip(walls).zip(peaks) {
            curve.points.push(Point { count, wall, peak });
        }
    }
    herd.disperse()?;
    site.of_pod(plugin, "DEL", &first.1, &first.0).measure()?;
    Ok(curves.into())
}

/// Copies of one record, each for another container: what a GC reads, without a thousand VFs.
struct Herd {
    original: PathBuf,
    record: Value,
    containers: Vec<String>,
}

impl Herd {
    /// Of the only record on the node.
    fn of(site: &Site, container: &str) -> Result<Self> {
        let dir = site.node.root().join("run/dpu-cni/attachments");
        let records =
            fs::read_dir(&dir).with_context(|| format!("looking for records in {}", dir.display()))?;
        let original = records
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.to_string_lossy().contains(container));
        let original = original.with_context(|| format!("no record of {container} in {}", dir.display()))?;
        let record = serde_json::from_slice(&fs::read(&original)?)?;
        Ok(Herd { original, record, containers: vec![container.to_owned()] })
    }

    /// Until there are `count` records.
    fn grow(&mut self, count: usize) -> Result<()> {
        while self.containers.len() < count {
            let container = format!("{:064x}", self.containers.len());
            self.record["attachment"]["container"] = json!(container);
            fs::write(self.copy(&container), self.record.to_string())?;
            self.containers.push(container);
        }
        Ok(())
    }

    /// As `cni.dev/valid-attachments`.
    fn all(&self) -> Value {
        self.containers
            .iter()
            .map(|container| json!({ "containerID": container, "ifname": IFNAME }))
            .collect()
    }

    /// Removes the copies.
    fn disperse(&self) -> Result<()> {
        self.containers[1..].iter().try_for_each(|container| Ok(fs::remove_file(self.copy(container))?))
    }

    fn copy(&self, container: &str) -> PathBuf {
        self.original.with_file_name(format!("{container}-{IFNAME}.json"))
    }
}
