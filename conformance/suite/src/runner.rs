//! Running checks, as many at a time as there are cores, each run on a thread and a host of its own.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};

use super::catalogue::{Check, Group};
use super::namespace::enter_private_host;
use super::row::{Done, Row};
use super::stop::Stop;
use super::suite::Suite;
use super::trial::Trial;

/// A check that was chosen, and the group it is in.
#[derive(Clone, Copy)]
pub struct Chosen {
    /// Its group.
    pub group: &'static Group,
    /// It.
    pub check: &'static Check,
}

/// Runs `work` on a thread that has a host of its own. A panic goes on in the caller.
pub fn on_private_host<T: Send>(suite: &Suite, work: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| {
        let inside = || enter_private_host(&suite.kept()).map(|()| work());
        let thread = thread::Builder::new().name("host".to_owned()).spawn_scoped(scope, inside);
        thread.context("starting a thread")?.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Runs all at once, a thread each; what they return, in order. A panic goes on in the caller.
pub fn at_once<T: Send, F: FnOnce() -> T + Send>(works: impl IntoIterator<Item = F>) -> Vec<T> {
    thread::scope(|scope| {
        let runs: Vec<_> = works.into_iter().map(|work| scope.spawn(work)).collect();
        runs.into_iter().map(|run| run.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// Runs the checks; `report` is called for each, in their order, as soon as it and all before it are done.
pub fn run(suite: &Suite, chosen: &[Chosen], mut report: impl FnMut(Row)) {
    let jobs: Vec<(usize, &str)> = chosen
        .iter()
        .enumerate()
        .flat_map(|(index, chosen)| versions(suite, chosen).into_iter().map(move |version| (index, version)))
        .collect();
    let mut open: Vec<usize> = chosen.iter().map(|chosen| versions(suite, chosen).len()).collect();
    let mut done: Vec<Vec<Done>> = chosen.iter().map(|_| Vec::new()).collect();
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let (next, (results, inbox)) = (AtomicUsize::new(0), channel());
    thread::scope(|scope| {
        for _ in 0..workers {
            let (results, jobs, next) = (results.clone(), &jobs, &next);
            scope.spawn(move || work(suite, chosen, jobs, next, &results));
        }
        drop(results);
        let mut shown = 0;
        let mut show = |open: &[usize], done: &mut [Vec<Done>]| {
            while shown < chosen.len() && open[shown] == 0 {
                report(row(suite, &chosen[shown], std::mem::take(&mut done[shown])));
                shown += 1;
            }
        };
        show(&open, &mut done);
        for (index, run) in inbox {
            open[index] -= 1;
            done[index].push(run);
            show(&open, &mut done);
        }
    });
}

fn work(
    suite: &Suite,
    chosen: &[Chosen],
    jobs: &[(usize, &str)],
    next: &AtomicUsize,
    results: &Sender<(usize, Done)>,
) {
    while let Some(&(index, version)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
        let done = attempt(suite, chosen[index].check, version);
        // The receiver outlives the workers.
        let _ = results.send((index, done));
    }
}

/// One run, whatever happens in it.
fn attempt(suite: &Suite, check: &Check, version: &str) -> Done {
    let start = Instant::now();
    let broken = |error| Done {
        version: version.to_owned(),
        verdict: Err(Stop::Broken(error)),
        remarks: Vec::new(),
        last: None,
        elapsed: start.elapsed(),
    };
    if suite.common.interrupted.load(Ordering::Relaxed) {
        return Done { verdict: Err(Stop::skipped("interrupted")), ..broken(anyhow!("")) };
    }
    let run = || -> Result<Done> {
        let trial = Trial::begin(suite, *check, version)?;
        let verdict = (check.run)(&trial);
        let (remarks, last) = trial.end();
        let version = version.to_owned();
        Ok(Done { version, verdict, remarks, last, elapsed: start.elapsed() })
    };
    // A panic is a mistake of the check; the others can still say something.
    let caught = catch_unwind(AssertUnwindSafe(|| on_private_host(suite, run)));
    match caught {
        Ok(Ok(Ok(done))) => done,
        Ok(Ok(Err(error)) | Err(error)) => broken(error),
        Err(_) => broken(anyhow!("the check panicked")),
    }
}

fn versions<'a>(suite: &'a Suite, chosen: &Chosen) -> Vec<&'a str> {
    if suite.profile.includes(chosen.check.levels) {
        chosen.check.versions.of(&suite.versions)
    } else {
        Vec::new()
    }
}

fn row(suite: &Suite, Chosen { group, check }: &Chosen, mut runs: Vec<Done>) -> Row {
    let required = suite.profile.requires(check.levels);
    if !suite.profile.includes(check.levels) {
        return Row::skipped(group, check, false, "of another profile");
    }
    if runs.is_empty() {
        return Row::skipped(group, check, required, "the plugin lists no version that this is about");
    }
    runs.sort_by_key(|run| suite.versions.iter().position(|version| *version == run.version));
    Row::of(group, check, required, runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_at_once_keeps_its_order_and_its_panics() {
        assert_eq!(at_once([1, 2].map(|number| move || number)), [1, 2]);
        let fails = |number: u8| move || assert!(number > 1, "one of two");
        assert!(catch_unwind(|| at_once([1, 2].map(fails))).is_err());
    }
}
