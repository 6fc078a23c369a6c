//! `cni-conformance`: the suite alone, for any CNI plugin.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::FromArgMatches;

fn main() -> ExitCode {
    let told = suite::Args::from_arg_matches(&suite::command().get_matches());
    let args = told.unwrap_or_else(|error| error.exit());
    suite::run(args, |_| None).unwrap_or_else(|error| {
        eprintln!("cni-conformance: {error:#}");
        ExitCode::from(2)
    })
}
