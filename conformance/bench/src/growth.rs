//! How cost grows: with pods attached at once, and with records on the node.

use std::time::Instant;

use anyhow::Result;

use super::call::Pod;
use super::curve::{Curve, Point};
use super::kernel::Replay;
use super::peak;
use super::plan::Plan;
use super::process::{Cost, Invocation, children_cpu};
use super::progress::Progress;
use super::records::Records;
use super::site::Site;
use super::subject::Field;

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
    let replays = pairs.iter().map(|(vf, pod)| Replay::new(site, vf, pod)).collect::<Result<Vec<_>>>()?;
    let mut rounds: Vec<[Vec<Cost>; 4]> = vec![Default::default(); plan.pods.len()];
    for _ in 0..plan.bursts {
        for (&count, rounds) in plan.pods.iter().zip(&mut rounds) {
            progress.advance(1, &format!("{count} pods at once"));
            rounds[2].push(timed(|| replays[..count].iter().try_for_each(Replay::add))?);
            rounds[3].push(timed(|| replays[..count].iter().try_for_each(Replay::del))?);
            rounds[0].push(at_once(site, &adds[..count])?);
            rounds[1].push(at_once(site, &dels[..count])?);
        }
    }
    for (&count, rounds) in plan.pods.iter().zip(rounds) {
        // One more while all others are attached.
        at_once(site, &adds[..count - 1])?;
        let peaks = [Some(peak::kib(&adds[count - 1])?), Some(peak::kib(&dels[count - 1])?), None, None];
        at_once(site, &dels[..count - 1])?;
        for ((curve, costs), peak) in curves.iter_mut().zip(rounds).zip(peaks) {
            curve.points.push(Point::new(count, &costs, peak));
        }
    }
    Ok(curves.into())
}

/// Starts all, then waits for all: from the first start to the last end.
fn at_once(site: &Site, calls: &[Invocation]) -> Result<Cost> {
    site.host().run(|| {
        let prepared = calls.iter().map(Invocation::prepare).collect::<Result<Vec<_>>>()?;
        timed(|| {
            let started = prepared.into_iter().map(|one| one.start()).collect::<Result<Vec<_>>>()?;
            started.into_iter().try_for_each(|one| one.finish().map(|_| ()))
        })
    })?
}

/// With the CPU time of children only: none for what this program does itself.
fn timed(work: impl FnOnce() -> Result<()>) -> Result<Cost> {
    let (before, began) = (children_cpu()?, Instant::now());
    work()?;
    Ok(Cost { wall: began.elapsed(), cpu: children_cpu()?.saturating_sub(before) })
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
    let pairs: Vec<_> = site.node.vfs().iter().zip(pods).collect();
    let mut nodes = plan
        .records
        .iter()
        .zip(pairs.chunks(2))
        .map(|(&count, pairs)| Records::new(field, site, pairs, count))
        .collect::<Result<Vec<_>>>()?;
    // All sizes in turn, so that whatever else the machine does meets all of them.
    for _ in 0..plan.record_rounds {
        for many in &mut nodes {
            progress.advance(1, &format!("{} records", many.count));
            many.round()?;
        }
    }
    let mut curves = Records::VERBS
        .map(|verb| Curve { name: format!("dpu-host: {verb} with N records"), points: Vec::new() });
    for many in nodes {
        for (curve, point) in curves.iter_mut().zip(many.finish()?) {
            curve.points.push(point);
        }
    }
    Ok(curves.into())
}
