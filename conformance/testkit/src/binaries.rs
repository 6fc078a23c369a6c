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

/// The program `name` of the conformance folder, as this build has it.
///
/// # Errors
/// When it has not been built.
pub fn program(name: &str) -> Result<PathBuf> {
    let path = build_dir()?.join(name);
    ensure!(path.is_file(), "{} is missing: run `cargo build --workspace` first", path.display());
    Ok(path)
}

/// The example `name` of one of our libraries, as this build has it.
///
/// # Errors
/// When it has not been built.
pub fn example(name: &str) -> Result<PathBuf> {
    let path = build_dir()?.join("examples").join(name);
    ensure!(path.is_file(), "{} is missing: run `cargo build --workspace --examples` first", path.display());
    Ok(path)
}

/// `target/<profile>`, whether this is a program there or a test in its `deps`.
fn build_dir() -> Result<PathBuf> {
    let exe = std::env::current_exe().context("reading the path of this program")?;
    let dir = exe.parent().context("this program has no directory")?;
    Ok(if dir.ends_with("deps") { dir.parent().unwrap_or(dir) } else { dir }.to_path_buf())
}

/// Whether an ELF program (64 bits, little-endian) asks for no interpreter, `PT_INTERP`: elf(5).
pub fn is_static(program: &[u8]) -> bool {
    const PT_INTERP: u64 = 3;
    let number = |at: usize, size: usize| -> Option<u64> {
        let bytes = program.get(at..at.checked_add(size)?)?;
        Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    };
    let place = |at, size| number(at, size).and_then(|number| usize::try_from(number).ok());
    let (Some(headers), Some(size), Some(count)) = (place(0x20, 8), place(0x36, 2), place(0x38, 2)) else {
        return false;
    };
    (0..count)
        .all(|index| number(headers.saturating_add(index * size), 4).is_some_and(|kind| kind != PT_INTERP))
}
