//! What is installed.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The path of a program.
///
/// # Errors
/// When it is not installed.
pub fn program(name: &str) -> Result<PathBuf> {
    let mut found = programs(name);
    found.next().with_context(|| format!("{name} is not installed; scripts/test gets what the tests need"))
}

/// Every program of this name.
pub(super) fn programs(name: &str) -> impl Iterator<Item = PathBuf> {
    directories().into_iter().map(move |dir| dir.join(name)).filter(|path| path.is_file())
}

/// Where programs are: on `PATH`, in an `sbin` that is not on everybody's, and among the tools that `scripts/test` puts
/// into `target/tools/bin`.
pub fn directories() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let exe = std::env::current_exe().unwrap_or_default();
    let tools = exe.ancestors().map(|dir| dir.join("tools/bin"));
    std::env::split_paths(&path).chain(system).chain(tools).collect()
}
