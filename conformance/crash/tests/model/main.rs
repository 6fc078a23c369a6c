//! Random sequences of everything that runtimes, the kernel, the device plugin and the server do to `dpu-host`, and
//! what has to hold after every step of each. A sequence that fails is cut down to the steps that it takes.
//!
//! `MODEL_SEQUENCES` says how many, `MODEL_SEED` which is the first (each next one has the next seed), `MODEL_SCRIPT`
//! names a file with one sequence to be played instead.

mod events;
mod expected;
mod field;
mod observed;
mod play;
mod script;
mod search;
mod verbs;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use crash::report;

/// Sequences in one run; `scripts/test` makes two, of the plugins as built for tests and as shipped.
const SEQUENCES: u64 = 300;

#[test]
fn no_sequence_loses_a_vf() -> Result<()> {
    if let Some(file) = std::env::var_os("MODEL_SCRIPT") {
        return search::replay(Path::new(&file));
    }
    let first = number("MODEL_SEED")?.unwrap_or_else(search::any_seed);
    search::run(first, number("MODEL_SEQUENCES")?.unwrap_or(SEQUENCES))
}

/// Each of these once failed.
#[test]
fn what_failed_before_holds() -> Result<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model/found");
    for script in fs::read_dir(&dir).with_context(|| format!("reading {}", dir.display()))? {
        search::replay(&script?.path())?;
    }
    Ok(())
}

fn number(variable: &str) -> Result<Option<u64>> {
    let Ok(text) = std::env::var(variable) else { return Ok(None) };
    text.parse().map(Some).with_context(|| format!("{variable} must be a number"))
}
