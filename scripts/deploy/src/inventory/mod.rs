//! `inventory`: what a host or a card is, as a document that `match` reads.

mod devlink;
pub(crate) mod document;
mod firmware;
mod functions;
mod name;
mod ovs;
mod sources;
mod vpd;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as ClapArgs;

use self::document::{Card, Function, Inventory, Kind, Port, Version};
pub(crate) use self::name::NodeName;
use self::sources::Sources;
use crate::fault::{Fault, Faults};
use crate::outcome::{self, Outcome, Report};

/// The command line.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// A copy of a node's files, with what commands say there in `commands/`; default: this node
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// The node's name in its cluster; default: its host name
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
}

/// Reads what can be read, and says it.
pub(crate) fn run(args: &Args) -> Outcome {
    if !args.root.is_dir() {
        let why = format!("{} is no directory", args.root.display());
        return Err(Fault::new(why, "name one with --root").into());
    }
    let sources = Sources::new(&args.root);
    let node = args.node.clone().or_else(|| host_name(&sources)).unwrap_or_default();
    let node = NodeName::try_from(node).map_err(|why| Fault::new(why, "say it with --node"))?;
    let inventory = read(&sources, node);
    Ok(Report { text: outcome::json(&inventory)?, code: ExitCode::SUCCESS })
}

/// A kubelet takes the host name in lower case.
fn host_name(sources: &Sources) -> Option<String> {
    let name = sources.attribute("/proc/sys/kernel/hostname").or_else(|_| sources.attribute("/etc/hostname"));
    name.ok().map(|name| name.to_lowercase())
}

fn read(sources: &Sources, node: NodeName) -> Inventory {
    let mut unread = Faults::default();
    let product = sources.attribute("/sys/class/dmi/id/product_name").ok();
    let functions = functions::read(sources, &mut unread);
    let card = card(sources, product.as_deref(), &functions, &mut unread);
    // Each function of a card lacks the same.
    let unread = unread.distinct();
    Inventory { api_version: Version::V1, kind: Kind::Inventory, node, product, functions, card, unread }
}

/// A card is one by its name, or by a port of its switch that has a host's function behind it: only the card's own
/// processor has such. On what is a host by its name nothing of this is missed.
fn card(
    sources: &Sources,
    product: Option<&str>,
    functions: &[Function],
    unread: &mut Faults,
) -> Option<Card> {
    let (ports, fault) = match devlink::ports(sources) {
        Ok(ports) => (ports, None),
        Err(fault) => (devlink::ports_of_sysfs(sources), Some(fault)),
    };
    if !product.is_some_and(|name| name.contains("BlueField")) && !ports.iter().any(Port::is_host_function) {
        unread.extend(fault.filter(|_| product.is_none()));
        return None;
    }
    unread.extend(fault);
    let mut eswitch = BTreeMap::new();
    for function in functions.iter().filter(|function| function.is_dpu()) {
        if let Some(mode) = unread.keep(devlink::eswitch(sources, function)) {
            eswitch.insert(function.pci, mode);
        }
    }
    let ovs = unread.keep(ovs::read(sources));
    Some(Card { eswitch, ports, ovs })
}
