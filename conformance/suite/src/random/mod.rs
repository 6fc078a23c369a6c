//! Random environments and inputs. Whatever a plugin makes of them, it ends, it does not crash, and what it prints
//! is at most one JSON document.

mod generate;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nix::mount::{MsFlags, mount};
use serde_json::Value;

use self::generate::Material;
use super::answer::Answer;
use super::stop::{Stop, Verdict};
use super::suite::Random;
use super::threads::at_once;
use super::trial::Trial;
use testkit::numbers::Numbers;

/// Runs them all, on as many threads as there are cores.
pub(crate) fn run(t: &Trial<'_>) -> Verdict {
    let Random { count, seed } = t.suite.random;
    if count == 0 {
        return Err(Stop::skipped("--random 0"));
    }
    protect(t)?;
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let pods = (0..workers).map(|_| t.pod()).collect::<Result<Vec<_>, _>>()?;
    let materials = pods.iter().map(|pod| Material::new(t, pod)).collect::<Result<Vec<_>, Stop>>()?;
    let next = &AtomicUsize::new(0);
    let verdicts = at_once(materials.iter().map(|material| move || work(material, next, count, seed)));
    t.remark(format!("{count} inputs, seed {seed}"));
    verdicts.into_iter().collect()
}

/// Nothing that a plugin is talked into may be written on the machine: everything but the suite's own directory is
/// read-only for the rest of this trial.
fn protect(t: &Trial<'_>) -> Verdict {
    let own = t.suite.dir();
    mount(Some(own), own, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount(None::<&str>, "/", None::<&str>, read_only, None::<&str>)?;
    let kept = t.suite.kept().into_iter().filter(|dir| dir != own);
    for place in ["/run", "/var", "/tmp", "/home"].into_iter().map(PathBuf::from).chain(kept) {
        // Most are no mounts of their own, and belong to one that is.
        let _ = mount(None::<&str>, &place, None::<&str>, read_only, None::<&str>);
    }
    Ok(())
}

fn work(material: &Material, next: &AtomicUsize, count: usize, seed: u64) -> Verdict {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= count {
            return Ok(());
        }
        // Each input depends on the seed and its own index only, not on which thread makes it.
        let mut numbers = Numbers::new(seed.wrapping_add(index as u64));
        let call = material.call(&mut numbers).noting(format!("input {index} of seed {seed}"));
        well_behaved(&call.run()?)?;
    }
}

fn well_behaved(answer: &Answer) -> Verdict {
    let finished = answer.finished();
    answer.expect(!finished.timed_out, "an end")?;
    answer.expect(finished.status.code().is_some(), "no crash")?;
    answer.expect(!answer.panicked(), "no panic")?;
    let silent = finished.stdout.trim_ascii().is_empty();
    let one = || matches!(serde_json::from_slice(&finished.stdout), Ok(Value::Object(_)));
    answer.expect(silent || one(), "at most one document on stdout, and of JSON")
}
