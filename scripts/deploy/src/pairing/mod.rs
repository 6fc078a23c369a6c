//! `match`: which card is in which host, and what makes that known to those who run the cards.

mod claims;
mod evidence;
mod index;
mod join;
mod lonely;
mod node_state;
mod nodes;
mod objects;
mod odd;
mod pair;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as ClapArgs, ValueEnum};
use serde_json::Value;

use self::claims::Claims;
use self::nodes::Nodes;
use self::odd::Oddity;
use self::pair::Pair;
use crate::fault::Faults;
use crate::outcome::{Outcome, Report};
use crate::yaml;

/// The command line.
#[derive(ClapArgs)]
#[command(
    override_usage = "dpu-cni match [--objects FILE]... [--as FORM] FILE...",
    after_help = "Exit status: 0 all are paired and nothing is odd, 1 something is odd, 2 there was nothing to pair."
)]
pub(crate) struct Args {
    /// Inventories of hosts and of cards, one or several in a file; - is standard input. For hosts without one:
    /// `oc get sriovnetworknodestates -A -o json`
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Hold the pairs to these objects: `oc get nodes,configmaps -A -o json` of the cards' cluster
    #[arg(long, value_name = "FILE")]
    objects: Vec<PathBuf>,
    /// What is printed: the pairs, or what makes them known to whoever runs the cards
    #[arg(long = "as", value_name = "FORM", value_enum, default_value = "table")]
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Table,
    /// For programs
    Json,
    /// Commands that tell ovn-kubernetes, by Open vSwitch on each card
    Ovs,
    /// The ConfigMap of OpenShift's DPU network operator
    EnvOverrides,
    /// Commands that set the label that DPF reads
    Dpf,
}

/// All that was found out.
struct Found<'a> {
    pairs: Vec<Pair<'a>>,
    odd: Vec<Oddity>,
}

/// Pairs them, and says what is odd.
pub(crate) fn run(args: &Args) -> Outcome {
    let nodes = Nodes::read(&args.files)?;
    let objects = objects_of(args)?;
    let claims = Claims::of(&nodes, &objects);
    let found = find(&nodes, &claims);
    let text = match args.form {
        Form::Table => report::table(&found.pairs, &found.odd),
        Form::Json => report::json(&found.pairs, &found.odd)?,
        Form::Ovs => objects::ovs(&found.pairs),
        Form::EnvOverrides => objects::env_overrides(&found.pairs, &objects)?,
        Form::Dpf => objects::dpf(&found.pairs),
    };
    if !matches!(args.form, Form::Table | Form::Json) {
        // What goes to a shell or to a cluster has no room for it.
        found.odd.iter().for_each(|odd| eprintln!("odd: {odd}"));
    }
    Ok(Report { text, code: ExitCode::from(u8::from(!found.odd.is_empty())) })
}

/// The objects of a cluster; one file that cannot be read is not passed over, for it may say something else.
fn objects_of(args: &Args) -> Result<Vec<Value>, Faults> {
    let mut faults = Faults::default();
    let read = args.objects.iter().filter_map(|path| faults.keep(yaml::objects(path))).flatten().collect();
    faults.none_or(read)
}

fn find<'a>(nodes: &'a Nodes, claims: &'a Claims) -> Found<'a> {
    let index = index::Index::of(nodes);
    let mut odd = index.twice(nodes);
    let mut pairs = join::pairs(nodes, &index, &mut odd);
    join::several(&mut pairs, &mut odd);
    lonely::check(nodes, &index, &pairs, claims, &mut odd);
    evidence::check(&mut pairs, claims, &mut odd);
    Found { pairs, odd }
}
