//! Renders, checks, audits and removes what puts dpu-cni on two clusters: the program `dpu-cni`.
//!
//! The scripts beside this crate (`render`, `pod-spec`, `audit` and others) are one line each: they call it.
#![forbid(unsafe_code)]

mod audit;
mod fault;
mod inventory;
mod known;
mod managed;
mod manifest;
mod need;
mod outcome;
mod pairing;
mod pod_spec;
mod render;
mod shell;
mod tree;
mod uninstall;
mod yaml;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::outcome::Report;

/// The command line.
#[derive(Parser)]
#[command(name = "dpu-cni", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the manifests of one cluster, in the order in which they are applied
    Render(render::Args),
    /// Say whether workloads can run on a DPU host, and change those that cannot
    PodSpec(pod_spec::Args),
    /// Say whether a node, a copy of its files or a must-gather is as it must be
    Audit(audit::Args),
    /// Say what this node, a host or a card, is: a document for `match`
    Inventory(inventory::Args),
    /// Say which card is in which host, by their inventories
    Match(pairing::Args),
    /// Take everything away again
    Uninstall(uninstall::Args),
}

/// `dpu-cni`, with its subcommands and their options.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs it, with this process's arguments. Exit status 2 when there is no answer; what else it can be is the subcommand's.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Render(args) => render::run(&args),
        Command::PodSpec(args) => pod_spec::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Inventory(args) => inventory::run(&args),
        Command::Match(args) => pairing::run(&args),
        Command::Uninstall(args) => uninstall::run(&args),
    };
    match outcome {
        Ok(Report { text, code }) => match std::io::stdout().lock().write_all(text.as_bytes()) {
            Ok(()) => code,
            // Whoever read us has heard enough.
            Err(_) => ExitCode::FAILURE,
        },
        Err(faults) => {
            eprint!("{faults}");
            ExitCode::from(2)
        }
    }
}
