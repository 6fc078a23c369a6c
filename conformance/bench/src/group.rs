//! A group: subjects that do the same, measured in turn, so that whatever else the machine does meets all alike.

use std::time::Instant;

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};

use super::plan::Effort;
use super::process::{Cost, Invocation, duration};
use super::progress::Progress;
use super::{peak, syscalls};
use testkit::numbers::Numbers;

/// The same orders in each run, so that two runs can be compared.
const SEED: u64 = 20;

/// Subjects that are compared with one another.
pub(super) struct Group<'l> {
    /// What they do.
    pub(super) name: &'static str,
    /// The subjects.
    pub(super) entries: Vec<Entry<'l>>,
}

/// One subject and its cycle: steps that leave everything as it was, an ADD and its DEL.
pub(super) struct Entry<'l> {
    /// The subject's name.
    pub(super) name: String,
    /// What it is to the others.
    pub(super) role: Role,
    /// The cycle.
    pub(super) steps: Vec<Step<'l>>,
}

/// What a subject is to the others of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// What cannot be beaten: ratios are told against it. One for each verb of a group.
    Reference,
    /// A plugin of this project.
    Ours,
    /// Somebody else's.
    Theirs,
}

/// One measured step of a cycle.
pub(super) struct Step<'l> {
    /// What it does, `ADD`.
    pub(super) verb: &'static str,
    /// How.
    pub(super) work: Work<'l>,
}

/// How a step is done.
pub(super) enum Work<'l> {
    /// By processes, one after the other.
    Processes(Vec<Invocation>),
    /// By this program itself.
    Inside(Box<dyn FnMut() -> Result<()> + 'l>),
}

/// What was measured of one step.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// The group.
    pub(super) group: &'static str,
    /// The subject.
    pub(super) name: String,
    /// What it is to the others.
    pub(super) role: Role,
    /// The step.
    pub(super) verb: &'static str,
    /// Each round's wall time in ms.
    pub(super) wall: Vec<f64>,
    /// Each round's CPU time in ms.
    pub(super) cpu: Vec<f64>,
    /// Peak resident memory in KiB of the largest process.
    pub(super) peak: Option<u64>,
    /// System calls.
    pub(super) syscalls: Option<u64>,
    /// How long it was in requests about links, in ms, of each of a few runs.
    pub(super) requests: Vec<f64>,
}

impl Measured {
    /// What it and the others of its block did.
    pub(super) fn title(&self) -> String {
        if self.group == self.verb { self.group.to_owned() } else { format!("{}: {}", self.group, self.verb) }
    }
}

impl Group<'_> {
    /// Steps that [`Group::run`] reports to the progress bar.
    pub(super) fn steps(&self, effort: Effort) -> usize {
        (effort.warm_up + effort.rounds + effort.traced) * self.entries.len()
    }

    /// Measures everybody.
    ///
    /// # Errors
    /// When a step does not end as it has to.
    pub(super) fn run(mut self, effort: Effort, progress: &mut Progress) -> Result<Vec<Measured>> {
        let group = self.name;
        let mut measured: Vec<Vec<Measured>> = self.entries.iter().map(|entry| entry.blank(group)).collect();
        let entries = self.entries.len();
        // Whoever follows a Go program of many threads finds caches and clocks otherwise than whoever follows a small one:
        // in a fixed order, though another one began each round, a ratio told of neighbours.
        let mut dice = Numbers::new(SEED);
        let mut order: Vec<usize> = (0..entries).collect();
        for round in 0..effort.warm_up + effort.rounds {
            for left in (1..entries).rev() {
                order.swap(left, dice.below(left + 1));
            }
            for &at in &order {
                let entry = &mut self.entries[at];
                progress.advance(1, &format!("{group}: {}", entry.name));
                let costs = entry.cycle().with_context(|| format!("{group}, {}", entry.name))?;
                for (step, cost) in measured[at].iter_mut().zip(costs).filter(|_| round >= effort.warm_up) {
                    step.wall.push(cost.wall.as_secs_f64() * 1e3);
                    step.cpu.push(cost.cpu.as_secs_f64() * 1e3);
                }
            }
        }
        for (entry, measured) in self.entries.iter_mut().zip(&mut measured) {
            progress.advance(effort.traced, &format!("{group}: memory of {}", entry.name));
            entry.trace(measured, effort).with_context(|| format!("{group}, {}", entry.name))?;
        }
        Ok(measured.into_iter().flatten().collect())
    }
}

impl Entry<'_> {
    /// A subject whose every step is one process.
    pub(super) fn new(
        name: impl Into<String>,
        role: Role,
        steps: impl IntoIterator<Item = (&'static str, Invocation)>,
    ) -> Self {
        let step = |(verb, call)| Step { verb, work: Work::Processes(vec![call]) };
        Entry { name: name.into(), role, steps: steps.into_iter().map(step).collect() }
    }

    fn blank(&self, group: &'static str) -> Vec<Measured> {
        let blank = |step: &Step<'_>| Measured {
            group,
            name: self.name.clone(),
            role: self.role,
            verb: step.verb,
            wall: Vec::new(),
            cpu: Vec::new(),
            peak: None,
            syscalls: None,
            requests: Vec::new(),
        };
        self.steps.iter().map(blank).collect()
    }

    fn cycle(&mut self) -> Result<Vec<Cost>> {
        self.steps.iter_mut().map(|step| step.work.measure()).collect()
    }

    /// Peak memory, system calls and requests, in cycles of their own: a traced process is a slow one.
    fn trace(&mut self, measured: &mut [Measured], effort: Effort) -> Result<()> {
        for _ in 0..effort.traced {
            for (step, measured) in self.steps.iter_mut().zip(measured.iter_mut()) {
                measured.peak = measured.peak.max(step.work.peak()?);
            }
        }
        if effort.counted {
            for (step, measured) in self.steps.iter_mut().zip(measured.iter_mut()) {
                measured.syscalls = step.work.syscalls()?;
            }
            for _ in 0..effort.traced {
                for (step, measured) in self.steps.iter_mut().zip(measured.iter_mut()) {
                    measured.requests.extend(step.work.requests()?);
                }
            }
        }
        Ok(())
    }
}

impl Work<'_> {
    fn measure(&mut self) -> Result<Cost> {
        match self {
            Work::Processes(all) => all.iter().try_fold(Cost::default(), |sum, one| {
                let cost = one.measure()?;
                Ok(Cost { wall: sum.wall + cost.wall, cpu: sum.cpu + cost.cpu })
            }),
            Work::Inside(work) => {
                let used = || getrusage(UsageWho::RUSAGE_THREAD).map(|usage| duration(&usage));
                let (before, began) = (used()?, Instant::now());
                work()?;
                Ok(Cost { wall: began.elapsed(), cpu: used()?.saturating_sub(before) })
            }
        }
    }

    fn peak(&mut self) -> Result<Option<u64>> {
        match self {
            Work::Processes(all) => all.iter().map(peak::kib).try_fold(None, |most, one| Ok(most.max(one?))),
            Work::Inside(work) => work().map(|()| None),
        }
    }

    fn requests(&mut self) -> Result<Option<f64>> {
        match self {
            Work::Processes(all) => all.iter().map(syscalls::in_requests).sum::<Result<f64>>().map(Some),
            Work::Inside(work) => work().map(|()| None),
        }
    }

    fn syscalls(&mut self) -> Result<Option<u64>> {
        match self {
            Work::Processes(all) => all.iter().map(syscalls::count).sum::<Result<u64>>().map(Some),
            Work::Inside(work) => work().map(|()| None),
        }
    }
}
