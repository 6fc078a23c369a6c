//! Workers that share the points of a call.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, bail};

use crate::scene::{Scene, Setting};

/// Tests run beside each other, too.
const WORKERS: usize = 2;

/// Does `work` for every item, each worker on a node of its own; one on which something failed is not used again.
///
/// # Errors
/// All that failed, each with its item.
pub(crate) fn each<T: Sync + std::fmt::Display>(
    setting: Setting,
    items: &[T],
    work: impl Fn(&Scene, &T) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let worker = || -> Result<()> {
        let mut scene = setting.scene()?;
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = work(&scene, item) {
                crate::report(&format!("FAIL {item}: {error:#}"));
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{item}: {error:#}"));
                scene = setting.scene()?;
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a worker panicked")))
    })?;
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !failures.is_empty() {
        bail!("{} of {} failed, {setting}:\n{}", failures.len(), items.len(), failures.join("\n"));
    }
    Ok(())
}
