//! A host for each trial alone, without a name in the file system: whatever ends the suite, `kill -9` included, leaves
//! nothing behind.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use testkit::ip;

/// Where plugins keep state, and find the sockets of daemons. The second is mostly a link to the first.
const STATE: [&str; 3] = ["/run", "/var/run", "/var/lib/cni"];

/// Gives the calling thread, and every process and thread it starts, a host of its own: an empty network with
/// `lo` up, a `/sys` that shows it, and nothing in [`STATE`] but the directories `keep`.
pub(crate) fn enter_private_host(keep: &[PathBuf]) -> Result<()> {
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
    ip::here(&["link", "set", "lo", "up"]).map(drop)
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
