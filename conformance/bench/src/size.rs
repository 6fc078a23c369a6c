//! How much of a node's disk, and of a MachineConfig, a binary takes.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

/// A binary's sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Size {
    /// As it is.
    pub(super) plain: u64,
    /// Without symbols.
    pub(super) stripped: u64,
    /// Without symbols, after `gzip -9`: what a MachineConfig carries.
    pub(super) gzip: u64,
}

/// Measures a binary, by binutils' `strip` and `gzip`.
///
/// # Errors
/// When one of them is missing or fails.
pub(super) fn of(binary: &Path) -> Result<Size> {
    let dir = tempfile::tempdir()?;
    let stripped = dir.path().join("stripped");
    let done =
        Command::new("strip").arg("-o").arg(&stripped).arg(binary).output().context("running strip")?;
    if !done.status.success() {
        // A script, or another architecture's binary.
        std::fs::copy(binary, &stripped)?;
    }
    let packed =
        Command::new("gzip").args(["-9", "-n", "-c"]).arg(&stripped).output().context("running gzip")?;
    ensure!(packed.status.success(), "gzip of {} failed", binary.display());
    let length = |path: &Path| std::fs::metadata(path).map(|meta| meta.len());
    Ok(Size { plain: length(binary)?, stripped: length(&stripped)?, gzip: packed.stdout.len() as u64 })
}
