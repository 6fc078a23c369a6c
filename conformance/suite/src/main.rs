//! `cni-conformance`: the suite alone, for any CNI plugin.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

/// Holds any CNI plugin binary to the specification and to what runtimes expect.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(flatten)]
    args: suite::Args,
}

fn main() -> ExitCode {
    suite::run(Command::parse().args, |_| None).unwrap_or_else(|error| {
        eprintln!("cni-conformance: {error:#}");
        ExitCode::from(2)
    })
}
