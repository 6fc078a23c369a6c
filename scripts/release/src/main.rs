//! What `scripts/build-release` adds to the programs of a release.
#![forbid(unsafe_code)]

mod sbom;
mod share;

use std::process::ExitCode;

use clap::Parser;

/// What a release has besides its programs.
#[derive(Parser)]
enum Command {
    /// Write down what is in a program, as CycloneDX
    Sbom(sbom::Args),
    /// Write a program's man pages, one for each subcommand, and completions for shells
    Share(share::Args),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Sbom(args) => sbom::run(&args),
        Command::Share(args) => share::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("release: {error:#}");
            ExitCode::from(2)
        }
    }
}
