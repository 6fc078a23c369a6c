//! Network namespaces with names, as `ip netns` makes them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use anyhow::{Context, Result};
use linux::Netns;

use crate::ip;

/// Where `ip netns` binds namespaces, and where CRI-O and containerd do.
const DIR: &str = "/run/netns";

static MADE: AtomicU32 = AtomicU32::new(0);

/// A network namespace bound under `/run/netns` by a name that no other process uses. Dropping it unbinds it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    path: PathBuf,
    netns: Netns,
    /// Its path is ours: not where it was there before us, nor once another one may have it.
    bound: AtomicBool,
}

impl Namespace {
    /// Makes one, with its loopback interface up. `role` becomes part of its name.
    ///
    /// # Errors
    /// Without root, or without `ip`.
    pub fn new(role: &str) -> Result<Self> {
        Self::named(&format!("dpu{}-{}-{role}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed)))
    }

    /// Makes one under this name, which nobody else may use: that of one of ours that has been unbound.
    ///
    /// # Errors
    /// As for [`Namespace::new`].
    pub fn named(name: &str) -> Result<Self> {
        let name = String::from(name);
        ip_netns("add", &name)?;
        let path = Path::new(DIR).join(&name);
        let netns = match Netns::open(&path) {
            Ok(netns) => netns,
            Err(error) => {
                // The namespace would outlive us.
                let _ = ip_netns("del", &name);
                return Err(error).context("opening a namespace just made");
            }
        };
        let made = Namespace { name, path, netns, bound: AtomicBool::new(true) };
        ip::batch(&made.netns, "link set lo up")?;
        Ok(made)
    }

    /// The namespace of this process, without a name.
    ///
    /// # Errors
    /// Without `/proc`.
    pub fn own() -> Result<Self> {
        let path = PathBuf::from(format!("/proc/{}/ns/net", std::process::id()));
        let netns = Netns::open(&path).context("opening our own namespace")?;
        Ok(Namespace { name: String::new(), path, netns, bound: AtomicBool::new(false) })
    }

    /// Its name, for `ip -n` and `ip netns exec`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its path, for `CNI_NETNS`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The namespace itself. While this is open the namespace lives, even after [`Namespace::unbind`].
    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// Removes its name, as a runtime does when the sandbox goes. Without processes and other open handles than
    /// ours it dies when this value is dropped.
    ///
    /// # Errors
    /// When it has been removed before.
    pub fn unbind(&self) -> Result<()> {
        self.bound.store(false, Ordering::Relaxed);
        ip_netns("del", &self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if *self.bound.get_mut() && self.path.exists() {
            // Nothing can be done about a failure here.
            let _ = self.unbind();
        }
    }
}

fn ip_netns(verb: &str, name: &str) -> Result<()> {
    ip::here(&["netns", verb, name]).map(drop)
}
