//! Namespaces of the suite's own: one host per trial, and as many containers as it asks for.
//!
//! None of them has a name in the file system. A container's path is `/proc/<pid>/task/<tid>/ns/net` of a thread
//! that does nothing else, so whatever ends the suite, `kill -9` included, leaves nothing behind; and daemons
//! that were started elsewhere can open it too.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, id};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, ensure};
use linux::Netns;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::gettid;

/// Where plugins keep state, and find the sockets of daemons. The second is mostly a link to the first.
const STATE: [&str; 3] = ["/run", "/var/run", "/var/lib/cni"];

/// Gives the calling thread, and every process and thread it starts, a host of its own: an empty network with
/// `lo` up, a `/sys` that shows it, and nothing in [`STATE`] but the directories `keep`.
pub fn enter_private_host(keep: &[PathBuf]) -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)
        .context("making a network namespace (this needs root)")?;
    // A slave: the machine's later mounts arrive here, none of ours gets out.
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_SLAVE, None::<&str>)
        .context("separating the mounts from the machine's")?;
    // Sysfs shows the network namespace that it was mounted in. `ip netns exec` does the same.
    umount2("/sys", MntFlags::MNT_DETACH).context("unmounting the machine's /sys")?;
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), None::<&str>)
        .context("mounting a private /sys")?;
    hide_state(keep).context("hiding the machine's /run")?;
    ip(&["link", "set", "lo", "up"]).map(drop)
}

/// Mounts empty directories on those of [`STATE`] that exist, and what is to be kept of them into these.
fn hide_state(keep: &[PathBuf]) -> Result<()> {
    let hidden: BTreeSet<PathBuf> = STATE.iter().filter_map(|dir| fs::canonicalize(dir).ok()).collect();
    let mut kept = Vec::new();
    for dir in keep.iter().filter_map(|dir| dir.canonicalize().ok()) {
        if hidden.iter().any(|state| dir.starts_with(state) && dir != *state) {
            // Open, it can be mounted although it is out of sight.
            kept.push((File::open(&dir)?, dir));
        }
    }
    for dir in hidden {
        // It is missing only where it was below the one before.
        fs::create_dir_all(&dir)?;
        mount(Some("tmpfs"), &dir, Some("tmpfs"), MsFlags::empty(), Some("mode=755"))?;
    }
    for (file, dir) in kept {
        fs::create_dir_all(&dir)?;
        let from = format!("/proc/self/fd/{}", file.as_raw_fd());
        mount(Some(&*from), &dir, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)?;
    }
    Ok(())
}

/// Runs `ip` of iproute2 in the calling thread's network namespace: the suite's witness and hand, independent of
/// every netlink library under test.
pub fn ip(args: &[&str]) -> Result<Output> {
    let output = Command::new("ip").args(args).output().context("running `ip`: is iproute2 installed?")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip {}: {}", args.join(" "), complaint.trim());
    Ok(output)
}

/// A container's network namespace. It ends with this value.
#[derive(Debug)]
pub struct Container {
    path: PathBuf,
    netns: Option<Netns>,
    holder: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Container {
    /// A new one, empty: `lo` is there, and down.
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
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let netns = self.netns.as_ref().context("the container is gone")?;
        Ok(netns.run(work)?)
    }

    /// Runs `ip` inside.
    pub fn ip(&self, args: &[&str]) -> Result<Output> {
        self.run(|| ip(args))?
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
