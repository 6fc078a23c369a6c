//! `uninstall`: takes everything away again, in the order in which it can be missed.

mod callers;
mod cluster;
mod node;
mod vfs;

use clap::{Args as ClapArgs, Subcommand};

use crate::outcome::Outcome;

/// The command line.
#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Take the plugin off this node, where no MachineConfig put it there
    Node(node::Args),
    /// Print, or run, the commands that take a rendering off its cluster
    Cluster(cluster::Args),
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Outcome {
    match &args.command {
        Command::Node(args) => node::run(args),
        Command::Cluster(args) => cluster::run(args),
    }
}
