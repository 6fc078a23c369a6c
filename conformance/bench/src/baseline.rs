//! The program that does nothing: a process that starts and ends, which no plugin can beat.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

/// Compiles it statically against musl and against glibc, as far as they are here; by name.
///
/// # Errors
/// Without a C compiler, or without any static C library.
pub(super) fn build(scratch: &Path) -> Result<Vec<(&'static str, PathBuf)>> {
    let source = scratch.join("baseline.c");
    fs::write(&source, include_str!("baseline.c"))?;
    let compiled = |compiler: &str, program: &str, extra: &[PathBuf]| {
        let program = scratch.join(program);
        let mut cc = Command::new(compiler);
        cc.args(["-static", "-O2", "-s", "-o"]).arg(&program).arg(&source).args(extra);
        cc.output().is_ok_and(|output| output.status.success()).then_some(program)
    };
    let musl = compiled("musl-gcc", "musl", &[]).or_else(|| compiled("cc", "musl", &musl_of_rust()?));
    let glibc = compiled("cc", "glibc", &[]);
    let baselines: Vec<_> = [("does nothing (C, musl)", musl), ("does nothing (C, glibc)", glibc)]
        .into_iter()
        .filter_map(|(name, path)| Some((name, path?)))
        .collect();
    ensure!(
        !baselines.is_empty(),
        "the program that does nothing needs a C compiler and a static C library: install gcc and libc6-dev"
    );
    Ok(baselines)
}

/// What links a C program with the musl that Rust brings along for its own static programs.
fn musl_of_rust() -> Option<Vec<PathBuf>> {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let printed =
        Command::new("rustc").args(["--print", "target-libdir", "--target", &target]).output().ok()?;
    let dir = Path::new(String::from_utf8(printed.stdout).ok()?.trim()).join("self-contained");
    let files = ["crt1.o", "crti.o", "libc.a", "crtn.o"].map(|file| dir.join(file));
    let alone = ["-nostdlib", "-nostartfiles"].map(PathBuf::from);
    files.iter().all(|file| file.is_file()).then(|| alone.into_iter().chain(files).collect())
}
