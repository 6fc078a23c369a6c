//! Control groups of the pods under test. Pods get a parent group of their own, so that what is left of them can be
//! told from anybody else's, and removed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;

static CHOSEN: AtomicU32 = AtomicU32::new(0);

/// The group of this name in every hierarchy, version 1 or 2.
#[derive(Debug)]
pub struct Cgroup {
    name: String,
    hierarchies: Vec<PathBuf>,
}

impl Cgroup {
    /// Chooses a name that nobody else uses; runtimes make the group when they need it.
    ///
    /// # Errors
    /// When the mount table cannot be read.
    pub fn unique() -> Result<Cgroup> {
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let hierarchies = mounts.lines().filter_map(hierarchy).map(PathBuf::from).collect();
        let name = format!("dpu-cni-{}-{}", std::process::id(), CHOSEN.fetch_add(1, Ordering::Relaxed));
        Ok(Cgroup { name, hierarchies })
    }

    /// Makes it everywhere: a kubelet's root group has to be there before it.
    ///
    /// # Errors
    /// When that fails.
    pub fn make(&self) -> Result<()> {
        for root in &self.hierarchies {
            fs::create_dir_all(root.join(&self.name))?;
            // Of version 2 alone, and often said already.
            let _ = fs::write(root.join("cgroup.subtree_control"), "+cpu +cpuset +memory +pids");
        }
        Ok(())
    }

    /// For CRI's `cgroup_parent`.
    pub fn parent(&self) -> String {
        format!("/{}", self.name)
    }

    /// The groups in it: one for each sandbox and container that has not been removed.
    pub fn children(&self) -> Vec<PathBuf> {
        self.groups().iter().flat_map(|group| directories(group)).collect()
    }

    fn groups(&self) -> Vec<PathBuf> {
        self.hierarchies.iter().map(|root| root.join(&self.name)).filter(|group| group.is_dir()).collect()
    }
}

impl Drop for Cgroup {
    /// To be dropped after the processes in it.
    fn drop(&mut self) {
        for group in self.groups() {
            remove(&group);
        }
    }
}

/// The mount point, from a line of the mount table, where a hierarchy is.
fn hierarchy(mount: &str) -> Option<&str> {
    let mut fields = mount.split(' ').skip(1);
    let (point, kind) = (fields.next()?, fields.next()?);
    matches!(kind, "cgroup" | "cgroup2").then_some(point)
}

fn directories(group: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn remove(group: &Path) {
    for child in directories(group) {
        remove(&child);
    }
    // Fails while a process is in it, and nothing can be done about that here.
    let _ = fs::remove_dir(group);
}
