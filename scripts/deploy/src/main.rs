//! Renders, checks, audits and removes what puts dpu-cni on two clusters.
//!
//! The scripts beside this crate (`render`, `pod-spec`, `audit` and others) are one line each: they call this.
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
mod sbom;
mod shell;
mod tree;
mod uninstall;
mod yaml;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::outcome::Report;

/// What the scripts do.
#[derive(Parser)]
#[command(name = "deploy", version, about, no_binary_name = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Each is called what a person typed; the scripts say the short name.
#[derive(Subcommand)]
enum Command {
    /// Write the manifests of one cluster, in the order in which they are applied
    #[command(name = "scripts/render", alias = "render")]
    Render(render::Args),
    /// Say whether workloads can run on a DPU host, and change those that cannot
    #[command(name = "scripts/pod-spec", alias = "pod-spec")]
    PodSpec(pod_spec::Args),
    /// Say whether a node, a copy of its files or a must-gather is as it must be
    #[command(name = "scripts/audit", alias = "audit")]
    Audit(audit::Args),
    /// Say what this node, a host or a card, is: a document for `match`
    #[command(name = "scripts/inventory", alias = "inventory")]
    Inventory(inventory::Args),
    /// Say which card is in which host, by their inventories
    #[command(name = "scripts/match", alias = "match")]
    Match(pairing::Args),
    /// Take everything away again
    #[command(name = "scripts/uninstall", alias = "uninstall")]
    Uninstall(uninstall::Args),
    /// Write down what is in a plugin, as CycloneDX
    Sbom(sbom::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse_from(std::env::args_os().skip(1)).command {
        Command::Render(args) => render::run(&args),
        Command::PodSpec(args) => pod_spec::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Inventory(args) => inventory::run(&args),
        Command::Match(args) => pairing::run(&args),
        Command::Uninstall(args) => uninstall::run(&args),
        Command::Sbom(args) => sbom::run(&args),
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
