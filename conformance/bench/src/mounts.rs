//! The simulated node's files where a program looks for them that knows no other place than the machine's.

use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, anyhow};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};

/// A mount namespace.
#[derive(Clone, Debug)]
pub(super) struct Mounts(Arc<File>);

impl Mounts {
    /// One in which `/run/ovn-kubernetes` and `/sys` are those of the node with this root directory. Of the machine's `/run`
    /// only the network namespaces are there.
    ///
    /// # Errors
    /// Without root, or when the kernel refuses.
    pub(super) fn of_node(root: &Path) -> Result<Self> {
        let made = || -> Result<Self> {
            // Nothing of this is to be seen outside.
            unshare(CloneFlags::CLONE_NEWNS)?;
            let nothing = None::<&str>;
            mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
            let bind = |from: &Path, to: &str| -> Result<()> {
                mount(Some(from), to, nothing, MsFlags::MS_BIND | MsFlags::MS_REC, nothing)
                    .with_context(|| format!("mounting {} on {to}", from.display()))
            };
            // What is covered is still reached by who has it open.
            let netns = File::open("/run/netns")?;
            mount(nothing, "/run", Some("tmpfs"), MsFlags::empty(), nothing)?;
            ["/run/netns", "/run/ovn-kubernetes"].into_iter().try_for_each(fs::create_dir)?;
            bind(Path::new(&format!("/proc/thread-self/fd/{}", netns.as_raw_fd())), "/run/netns")?;
            bind(&root.join("run/ovn-kubernetes"), "/run/ovn-kubernetes")?;
            bind(&root.join("sys"), "/sys")?;
            Ok(Mounts(Arc::new(File::open("/proc/thread-self/ns/mnt")?)))
        };
        // The thread's own ends with it.
        thread::scope(|scope| scope.spawn(made).join().map_err(|_| anyhow!("making a mount namespace"))?)
    }

    /// Moves the calling thread into it, for good.
    ///
    /// # Errors
    /// Without root.
    pub(super) fn enter(&self) -> Result<()> {
        // A directory that is shared with other threads cannot be another one's.
        unshare(CloneFlags::CLONE_FS)?;
        Ok(setns(self.0.as_fd(), CloneFlags::CLONE_NEWNS)?)
    }
}
