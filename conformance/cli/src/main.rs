//! `conformance`: one program, five subcommands.
#![forbid(unsafe_code)]

mod matrix;
mod simulated_node;

use std::process::ExitCode;

use clap::Parser;
use suite::fixture::Fixture;

use crate::simulated_node::SimulatedNode;

/// Conformance suite, simulated node, Kubernetes node and benchmark for CNI plugins.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Check any CNI plugin binary against the specification and the runtimes' expectations.
    Check(suite::Args),
    /// Print the reports of many plugins as one page.
    Matrix(matrix::Args),
    /// Run a simulated DPU host node: ovnkube-node's CNI server, a kubelet and VFs.
    Node(node::Args),
    /// Run a real Kubernetes node on the VFs of a simulated DPU host.
    Cluster(cluster::Args),
    /// Measure plugins side by side.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Check(args) => suite::run(args, builtin),
        Command::Matrix(args) => matrix::run(&args),
        Command::Node(args) => node::run(args),
        Command::Cluster(args) => cluster::run(args),
        Command::Bench(args) => bench::run(args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("conformance: {error:#}");
        ExitCode::from(2)
    })
}

/// The surroundings that `--setup` knows by name.
fn builtin(name: &str) -> Option<Box<dyn Fixture>> {
    (name == "simulated-node").then(|| Box::new(SimulatedNode::default()) as Box<dyn Fixture>)
}
