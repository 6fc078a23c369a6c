//! How cost grows: with pods attached at once, and with records on the node.

use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};

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
const WAITING_ADDS: &str = "dpu-host: ADD of N pods at once, with the server's waits";
const WAITING_DELS: &str = "dpu-host: DEL of N pods at once, with the server's waits";

/// What grows, and what is measured meanwhile.
pub(super) struct Growth<'g> {
    pub(super) field: &'g Field,
    pub(super) site: &'g Site,
    /// As many as there are VFs, each for one of them.
    pub(super) pods: &'g [node::Pod],
    pub(super) plan: &'g Plan,
}

impl<'g> Growth<'g> {
    /// Attaches and detaches many pods at once, and has the kernel do the same one after the other.
    ///
    /// # Errors
    /// When something does not end as it has to.
    pub(super) fn bursts(&self, progress: &mut Progress) -> Result<Vec<Curve>> {
        let (site, plan, pairs) = (self.site, self.plan, self.pairs());
        let (adds, dels) = (self.calls("ADD"), self.calls("DEL"));
        let replays = pairs.iter().map(|(vf, pod)| Replay::new(site, vf, pod)).collect::<Result<Vec<_>>>()?;
        let mut rounds: Vec<[Vec<Cost>; 4]> = vec![Default::default(); plan.pods.len()];
        let mut each: Vec<[Vec<f64>; 2]> = vec![Default::default(); plan.pods.len()];
        for _ in 0..plan.bursts {
            for ((&count, rounds), each) in plan.pods.iter().zip(&mut rounds).zip(&mut each) {
                progress.advance(1, &format!("{count} pods at once"));
                rounds[2].push(timed(|| replays[..count].iter().try_for_each(Replay::add))?);
                rounds[3].push(timed(|| replays[..count].iter().try_for_each(Replay::del))?);
                rounds[0].push(at_once(site, &adds[..count], &mut each[0])?);
                rounds[1].push(at_once(site, &dels[..count], &mut each[1])?);
            }
        }
        let points = plan.pods.iter().zip(rounds).zip(each).map(|((&count, rounds), [adding, deleting])| {
            // One more while all others are attached.
            at_once(site, &adds[..count - 1], &mut Vec::new())?;
            let peaks = [peak::kib(&adds[count - 1])?, peak::kib(&dels[count - 1])?, None, None];
            at_once(site, &dels[..count - 1], &mut Vec::new())?;
            let each = [adding, deleting, Vec::new(), Vec::new()];
            let point = |((costs, peak), each): ((&Vec<Cost>, _), _)| Point {
                each,
                ..Point::new(count, costs, peak)
            };
            Ok(rounds.iter().zip(peaks).zip(each).map(point).collect())
        });
        drawn([ADDS, DELS, KERNEL_ADDS, KERNEL_DELS].map(str::to_owned), points)
    }

    /// Attaches and detaches many pods at once where the server takes its time, and is known to move VFs itself.
    ///
    /// # Errors
    /// When something does not end as it has to.
    pub(super) fn waiting(&self, progress: &mut Progress) -> Result<Vec<Curve>> {
        let (adds, dels) = (self.calls("ADD"), self.calls("DEL"));
        let mut each = Vec::new();
        for calls in [&adds[..1], &dels[..1]] {
            at_once(self.site, calls, &mut each)?;
        }
        let points = self.plan.pods.iter().map(|&count| {
            let (mut costs, mut each) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
            for _ in 0..self.plan.bursts {
                progress.advance(1, &format!("{count} pods at once, with the server's waits"));
                costs[0].push(at_once(self.site, &adds[..count], &mut each[0])?);
                costs[1].push(at_once(self.site, &dels[..count], &mut each[1])?);
            }
            let point = |(costs, each): (&Vec<Cost>, _)| Point { each, ..Point::new(count, costs, None) };
            Ok(costs.iter().zip(each).map(point).collect())
        });
        drawn([WAITING_ADDS, WAITING_DELS].map(str::to_owned), points)
    }

    /// GC, CHECK and ADD on a node with many records.
    ///
    /// # Errors
    /// When something does not end as it has to.
    pub(super) fn records(&self, progress: &mut Progress) -> Result<Vec<Curve>> {
        let (pairs, sizes) = (self.pairs(), self.plan.records.iter());
        let nodes = sizes.zip(pairs.chunks(2));
        let mut nodes = nodes
            .map(|(&count, pairs)| Records::new(self.field, self.site, pairs, count))
            .collect::<Result<Vec<_>>>()?;
        // All sizes in turn, so that whatever else the machine does meets all of them.
        for _ in 0..self.plan.record_rounds {
            for many in &mut nodes {
                progress.advance(1, &format!("{} records", many.count));
                many.round()?;
            }
        }
        let points = nodes.into_iter().map(Records::finish);
        drawn(Records::VERBS.map(|verb| format!("dpu-host: {verb} with N records")), points)
    }

    /// This verb for every pod.
    fn calls(&self, verb: &str) -> Vec<Invocation> {
        let plugin = &self.field.dpu_host.path;
        let call = |(vf, pod): (&node::Vf, &node::Pod)| {
            self.site.of_pod(plugin, verb, &Pod::from(pod), &self.site.node.conf_for(vf))
        };
        self.pairs().into_iter().map(call).collect()
    }

    fn pairs(&self) -> Vec<(&'g node::Vf, &'g node::Pod)> {
        self.site.node.vfs().iter().zip(self.pods).collect()
    }
}

/// Curves of these names, from a point of each at every size.
fn drawn<const N: usize>(
    names: [String; N],
    sizes: impl Iterator<Item = Result<Vec<Point>>>,
) -> Result<Vec<Curve>> {
    let mut curves = names.map(|name| Curve { name, points: Vec::new() });
    for points in sizes {
        for (curve, point) in curves.iter_mut().zip(points?) {
            curve.points.push(point);
        }
    }
    Ok(curves.into())
}

/// Starts all, then waits for all: from the first start to the last end, and in `each` how long every one took in ms.
fn at_once(site: &Site, calls: &[Invocation], each: &mut Vec<f64>) -> Result<Cost> {
    let work = || {
        let prepared = calls.iter().map(Invocation::prepare).collect::<Result<Vec<_>>>()?;
        timed(|| {
            let started = prepared.into_iter().map(|one| one.start()).collect::<Result<Vec<_>>>()?;
            // Each has somebody who waits for it alone: one after the other, those that end early would seem late.
            thread::scope(|scope| {
                let waiting: Vec<_> =
                    started.into_iter().map(|one| scope.spawn(move || one.finish())).collect();
                for (call, one) in calls.iter().zip(waiting) {
                    let done = one.join().map_err(|_| anyhow!("waiting for a call"))??;
                    call.judge(&done)?;
                    each.push(done.elapsed.as_secs_f64() * 1e3);
                }
                Ok(())
            })
        })
    };
    site.host().run(work)?
}

/// With the CPU time of children only: none for what this program does itself.
fn timed(work: impl FnOnce() -> Result<()>) -> Result<Cost> {
    let (before, began) = (children_cpu()?, Instant::now());
    work()?;
    Ok(Cost { wall: began.elapsed(), cpu: children_cpu()?.saturating_sub(before) })
}
