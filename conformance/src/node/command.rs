//! `conformance node`.

use std::process::ExitCode;

/// Arguments of `conformance node`.
#[derive(clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
