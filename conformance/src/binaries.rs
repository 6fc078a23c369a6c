//! Where the binaries under test are.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// The plugin binary `name`: in `DPU_CNI_BIN_DIR`, else beside the binaries of this build.
///
/// # Errors
/// When it has not been built.
pub fn plugin(name: &str) -> Result<PathBuf> {
    let dir = match std::env::var_os("DPU_CNI_BIN_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => build_dir()?,
    };
    let path = dir.join(name);
    ensure!(path.is_file(), "{} is missing: run `cargo build --workspace` first", path.display());
    Ok(path)
}

/// `target/<profile>`, whether this is a program there or a test in its `deps`.
fn build_dir() -> Result<PathBuf> {
    let exe = std::env::current_exe().context("reading the path of this program")?;
    let dir = exe.parent().context("this program has no directory")?;
    Ok(if dir.ends_with("deps") { dir.parent().unwrap_or(dir) } else { dir }.to_path_buf())
}
