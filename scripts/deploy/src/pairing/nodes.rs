//! Hosts and cards, out of their inventories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use linux::Mac;

use super::node_state;
use crate::fault::{Fault, Faults};
use crate::inventory::NodeName;
use crate::inventory::document::{self, Function, Inventory};
use crate::yaml;

/// What is paired.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    pub(super) hosts: Vec<Host>,
    pub(super) cards: Vec<Card>,
}

/// A server, and what it has of cards.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: NodeName,
    pub(super) functions: Vec<Function>,
}

/// A card, and what it has of its host.
#[derive(Debug)]
pub(super) struct Card {
    pub(super) name: NodeName,
    /// Those that a host's function is behind.
    pub(super) ports: Vec<Port>,
    /// The board's serial number, as its own functions have it.
    pub(super) serial: Option<String>,
    /// Whom it works for, as its Open vSwitch has it.
    pub(super) host_node: Option<String>,
}

/// A port that a host's function is behind.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) name: String,
    pub(super) mac: Option<Mac>,
}

impl Nodes {
    /// Reads all of them.
    ///
    /// # Errors
    /// Each file that is none, each second inventory of a node, and that there is nothing to pair.
    pub(super) fn read(files: &[PathBuf]) -> Result<Nodes, Faults> {
        let mut faults = Faults::default();
        let mut nodes = Nodes::default();
        let mut states = Vec::new();
        let mut stated: BTreeMap<NodeName, &Path> = BTreeMap::new();
        let mut seen: BTreeMap<(bool, NodeName), &Path> = BTreeMap::new();
        for path in files {
            for value in faults.keep(yaml::objects(path)).into_iter().flatten() {
                if value["kind"] == node_state::KIND {
                    let remedy = "ask the API server for it again";
                    let state = node_state::host(value).map_err(|error| mistaken(path, &error, remedy));
                    let Some((name, functions)) = faults.keep(state) else { continue };
                    if let Some(first) = stated.insert(name.clone(), path) {
                        faults.push(again("host", &name, first, path));
                    } else {
                        states.push((name, functions));
                    }
                    continue;
                }
                let remedy = "make it anew, with `dpu-cni inventory` of this version";
                let inventory =
                    serde_path_to_error::deserialize(value).map_err(|error| mistaken(path, &error, remedy));
                let Some(inventory) = faults.keep::<Inventory>(inventory) else { continue };
                let key = (inventory.card.is_some(), inventory.node.clone());
                if let Some(first) = seen.insert(key, path) {
                    let what = if inventory.card.is_some() { "card" } else { "host" };
                    faults.push(again(what, &inventory.node, first, path));
                } else {
                    nodes.add(inventory);
                }
            }
        }
        // An inventory knows more.
        states.retain(|(name, _)| !seen.contains_key(&(false, name.clone())));
        nodes.hosts.extend(states.into_iter().map(|(name, functions)| Host { name, functions }));
        let mut functions = nodes.hosts.iter().flat_map(|host| &host.functions);
        if nodes.cards.is_empty() && !functions.any(Function::is_dpu) {
            faults.push_if_first(nothing());
        }
        faults.none_or(nodes)
    }

    fn add(&mut self, inventory: Inventory) {
        let Inventory { node: name, functions, card, .. } = inventory;
        match card {
            Some(card) => self.cards.push(Card::new(name, &functions, &card)),
            None => self.hosts.push(Host { name, functions }),
        }
    }
}

impl Card {
    fn new(name: NodeName, functions: &[Function], card: &document::Card) -> Self {
        let ports = card.ports.iter().filter(|port| port.is_host_function());
        let ports = ports.map(|port| Port {
            name: port.netdev.clone().unwrap_or_else(|| port.name.clone()),
            mac: port.hw_addr.filter(known),
        });
        let serial = functions.iter().filter(|function| function.is_dpu()).find_map(|own| own.serial.clone());
        Card { name, ports: ports.collect(), serial, host_node: card.host_node().map(str::to_owned) }
    }
}

/// All zero is none, also in a document that somebody else wrote.
fn known(mac: &Mac) -> bool {
    mac.octets() != [0; 6]
}

/// The address by which a function is known to its card.
pub(super) fn address(function: &Function) -> Option<Mac> {
    function.permanent_mac.or(function.mac).filter(known)
}

/// As a person calls it.
pub(super) fn label(function: &Function) -> String {
    function.netdev.clone().unwrap_or_else(|| function.pci.to_string())
}

fn mistaken(path: &Path, error: &serde_path_to_error::Error<serde_json::Error>, remedy: &str) -> Fault {
    Fault::new(format!("{}: {}: {}", path.display(), error.path(), error.inner()), remedy)
}

fn again(what: &str, name: &NodeName, first: &Path, second: &Path) -> Fault {
    let (first, second) = (first.display(), second.display());
    Fault::new(format!("{second}: the {what} {name} is in {first} too"), "leave the older one out")
}

/// Nothing to pair is a mistake of who calls, not a healthy pair of clusters.
fn nothing() -> Fault {
    Fault::new(
        "neither a card nor a DPU's function is in these inventories",
        "make them on the hosts and on the cards, with `dpu-cni inventory`",
    )
}
