//! `conformance`: one program, three subcommands.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

/// Conformance suite, simulated node and benchmark for CNI plugins.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Check any CNI plugin binary against the specification and the runtimes' expectations.
    Check(conformance::check::Args),
    /// Run a simulated DPU host node: ovnkube-node's CNI server, a kubelet and VFs.
    Node(conformance::node::Args),
    /// Measure plugins side by side.
    Bench(conformance::bench::Args),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Check(args) => conformance::check::run(args),
        Command::Node(args) => conformance::node::run(args),
        Command::Bench(args) => conformance::bench::run(args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("conformance: {error:#}");
        ExitCode::from(2)
    })
}
