//! Network namespaces without a name, for containers.
//!
//! The path of one is `/proc/<pid>/task/<tid>/ns/net` of a thread that does nothing else, so whatever ends the program,
//! `kill -9` included, leaves nothing behind; and daemons that were started elsewhere can open it too.

use std::path::{Path, PathBuf};
use std::process::id;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use linux::Netns;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::gettid;

use crate::ip;

/// A container's network namespace. It ends with this value.
#[derive(Debug)]
pub struct Container {
    path: PathBuf,
    netns: Option<Netns>,
    holder: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Container {
    /// A new one, empty: `lo` is there, and down.
    ///
    /// # Errors
    /// Without root.
    pub fn new() -> Result<Container> {
        let (done, wait) = channel::<()>();
        let (tell, told) = channel();
        let hold = move || {
            let made = unshare(CloneFlags::CLONE_NEWNET).map(|()| gettid());
            // The receivers live as long as the container is wanted; their end is the signal.
            if tell.send(made).is_ok() {
                let _ = wait.recv();
            }
        };
        let name = "container".to_owned();
        let holder = thread::Builder::new()
            .name(name)
            .stack_size(64 << 10)
            .spawn(hold)
            .context("starting a thread")?;
        let tid =
            told.recv().context("the container's thread ended")?.context("making a network namespace")?;
        let path = PathBuf::from(format!("/proc/{}/task/{tid}/ns/net", id()));
        let netns = Some(Netns::open(&path)?);
        Ok(Container { path, netns, holder: Some((done, holder)) })
    }

    /// What `CNI_NETNS` says.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` inside, on a thread of its own.
    ///
    /// # Errors
    /// When it is gone.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let netns = self.netns.as_ref().context("the container is gone")?;
        Ok(netns.run(work)?)
    }

    /// What `ip ARGS` prints inside.
    ///
    /// # Errors
    /// What `ip` wrote to standard error.
    pub fn ip(&self, args: &[&str]) -> Result<Vec<u8>> {
        self.run(|| ip::here(args))?
    }

    /// Lets it go as a runtime does that lost the container: its path leads nowhere from now on.
    pub fn destroy(&mut self) {
        self.netns = None;
        if let Some((done, holder)) = self.holder.take() {
            drop(done);
            // It cannot panic: it only waits.
            let _ = holder.join();
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.destroy();
    }
}
