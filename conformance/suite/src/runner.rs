//! Running checks, as many at a time as there are cores, each run on a thread and a host of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};

use super::case::{Group, TestCase};
use super::case_result::CaseResult;
use super::done::Done;
use super::levels::{Instead, Override, instead};
use super::reason::Reason;
use super::stop::Stop;
use super::suite::Suite;
use super::threads::on_private_host;
use super::trial::Trial;

/// A check that was chosen, and the group it is in.
#[derive(Clone, Copy)]
pub(crate) struct Chosen {
    /// Its group.
    pub group: &'static Group,
    /// It.
    pub case: &'static TestCase,
    /// Why it is there.
    pub reason: &'static Reason,
}

/// Runs the checks; `report` is called for each, in their order, as soon as it and all before it are done.
pub(crate) fn run(suite: &Suite, chosen: &[Chosen], mut report: impl FnMut(CaseResult)) {
    let mut jobs: Vec<(usize, &str)> = chosen
        .iter()
        .enumerate()
        .flat_map(|(index, chosen)| versions(suite, chosen).into_iter().map(move |version| (index, version)))
        .collect();
    jobs.sort_by_key(|(index, _)| !chosen[*index].case.long);
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
        let done = attempt(suite, chosen[index].case, version);
        // The receiver outlives the workers.
        let _ = results.send((index, done));
    }
}

/// One run, whatever happens in it.
fn attempt(suite: &Suite, case: &TestCase, version: &str) -> Done {
    let start = Instant::now();
    let broken = |error| Done {
        version: version.to_owned(),
        verdict: Err(Stop::Broken(error)),
        remarks: Vec::new(),
        last: None,
        calls: String::new(),
        elapsed: start.elapsed(),
    };
    if suite.common.interrupted.load(Ordering::Relaxed) {
        return Done { verdict: Err(Stop::skipped("interrupted")), ..broken(anyhow!("")) };
    }
    let run = || -> Result<Done> {
        let trial = Trial::begin(suite, case.number, case.containers, version)?;
        let verdict = (case.run)(&trial);
        Ok(trial.end(verdict, start.elapsed()))
    };
    // A panic is a mistake of the check; the others can still say something.
    let caught = catch_unwind(AssertUnwindSafe(|| on_private_host(&suite.kept(), run)));
    match caught {
        Ok(Ok(Ok(done))) => done,
        Ok(Ok(Err(error)) | Err(error)) => broken(error),
        Err(_) => broken(anyhow!("the check panicked")),
    }
}

fn versions<'a>(suite: &'a Suite, chosen: &Chosen) -> Vec<&'a str> {
    if suite.profile.includes(chosen.case.levels) && left_out(suite, chosen.case).is_none() {
        chosen.case.versions.of(&suite.chosen)
    } else {
        Vec::new()
    }
}

/// Why the profile has nothing to do with this check although it includes its level.
fn left_out(suite: &Suite, case: &TestCase) -> Option<&'static Override> {
    instead(suite.profile, case.number).filter(|rule| rule.instead == Instead::Nothing)
}

fn row(suite: &Suite, Chosen { group, case, .. }: &Chosen, mut runs: Vec<Done>) -> CaseResult {
    let required = suite.profile.requires(case.levels);
    if !suite.profile.includes(case.levels) {
        return CaseResult::skipped(group, case, false, "of another profile");
    }
    if let Some(rule) = left_out(suite, case) {
        return CaseResult::skipped(group, case, required, rule.reason());
    }
    if runs.is_empty() {
        return CaseResult::skipped(group, case, required, "the plugin lists no version that this is about");
    }
    runs.sort_by_key(|run| suite.versions.iter().position(|version| *version == run.version));
    CaseResult::of(group, case, required, runs)
}
