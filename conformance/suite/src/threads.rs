//! Work on threads of their own: on a private host, or many at once.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread;

use anyhow::{Context, Result};

use super::namespace::enter_private_host;

/// Runs `work` on a thread that has a host of its own, which sees the directories `keep` of the machine's. A panic goes on in the caller.
pub(crate) fn on_private_host<T: Send>(keep: &[PathBuf], work: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| {
        let inside = || enter_private_host(keep).map(|()| work());
        let thread = thread::Builder::new().name("host".to_owned()).spawn_scoped(scope, inside);
        thread.context("starting a thread")?.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Runs all at once, a thread each; what they return, in order. A panic goes on in the caller.
pub(crate) fn at_once<T: Send, F: FnOnce() -> T + Send>(works: impl IntoIterator<Item = F>) -> Vec<T> {
    thread::scope(|scope| {
        let runs: Vec<_> = works.into_iter().map(|work| scope.spawn(work)).collect();
        runs.into_iter().map(|run| run.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn parallel_runs_keep_order_and_panics() {
        assert_eq!(at_once([1, 2].map(|number| move || number)), [1, 2]);
        let fails = |number: u8| move || assert!(number > 1, "one of two");
        assert!(catch_unwind(|| at_once([1, 2].map(fails))).is_err());
    }
}
