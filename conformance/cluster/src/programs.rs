//! Where the node's programs are: `scripts/test` builds Kubernetes and containerd into `tools/cluster` of its cache.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The directory beside those of `PATH` that holds them.
const DIR: &str = "cluster";

/// The path of a program of Kubernetes, or of containerd 2.
///
/// # Errors
/// When it has not been built.
pub fn program(name: &str) -> Result<PathBuf> {
    let beside = |bin: PathBuf| Some(bin.parent()?.join(DIR).join(name));
    let mut found = runtimes::directories().into_iter().filter_map(beside).filter(|path| path.is_file());
    found.next().with_context(|| format!("{name} has not been built: scripts/test cluster builds it"))
}
