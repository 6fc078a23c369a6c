//! `conformance bench`.

use std::process::ExitCode;

/// Arguments of `conformance bench`.
#[derive(clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
