//! Who has which address and which serial number: looked up, not searched for.

use std::collections::{BTreeMap, BTreeSet};

use linux::Mac;

use super::nodes::{Nodes, address, label};
use super::odd::{Kind, Oddity};

/// A function by the numbers of its host and of itself there.
pub(super) type FunctionId = (usize, usize);
/// A port by the numbers of its card and of itself there.
pub(super) type PortId = (usize, usize);

/// Both ends of an address: one of each, where all is well.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) functions: Vec<FunctionId>,
    pub(super) ports: Vec<PortId>,
}

impl Ends {
    /// Who belongs to whom by it.
    pub(super) fn only(&self) -> Option<(FunctionId, PortId)> {
        match (&self.functions[..], &self.ports[..]) {
            ([function], [port]) => Some((*function, *port)),
            _ => None,
        }
    }

    /// Whether it says nothing about who belongs to whom.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.functions.len() > 1 || self.ports.len() > 1
    }
}

/// Who has a serial number: the functions of one host, and one card, where all is well.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) hosts: BTreeSet<usize>,
    pub(super) cards: BTreeSet<usize>,
}

impl Board {
    /// Host and card, where there is one of each.
    pub(super) fn only(&self) -> Option<(usize, usize)> {
        let both = (*self.hosts.first()?, *self.cards.first()?);
        (!self.is_ambiguous()).then_some(both)
    }

    /// As [`Ends::is_ambiguous`].
    pub(super) fn is_ambiguous(&self) -> bool {
        self.hosts.len() > 1 || self.cards.len() > 1
    }
}

/// Addresses and serial numbers of all nodes.
#[derive(Debug, Default)]
pub(super) struct Index<'a> {
    pub(super) addresses: BTreeMap<Mac, Ends>,
    pub(super) boards: BTreeMap<&'a str, Board>,
}

impl<'a> Index<'a> {
    pub(super) fn of(nodes: &'a Nodes) -> Self {
        let mut index = Index::default();
        for (host, node) in nodes.hosts.iter().enumerate() {
            for (number, function) in node.functions.iter().enumerate() {
                if let Some(mac) = address(function) {
                    index.addresses.entry(mac).or_default().functions.push((host, number));
                }
                if let Some(serial) = &function.serial {
                    index.boards.entry(serial).or_default().hosts.insert(host);
                }
            }
        }
        for (card, node) in nodes.cards.iter().enumerate() {
            for (number, port) in node.ports.iter().enumerate() {
                if let Some(mac) = port.mac {
                    index.addresses.entry(mac).or_default().ports.push((card, number));
                }
            }
            if let Some(serial) = &node.serial {
                index.boards.entry(serial).or_default().cards.insert(card);
            }
        }
        index
    }

    /// What more than one has: it pairs nobody, as it does not for ovn-kubernetes
    /// (`sriovnet_dpu.go: GetPFRepresentorPortParamsFromMAC`).
    pub(super) fn twice(&self, nodes: &Nodes) -> Vec<Oddity> {
        let anew = "one was cloned or moved, or its inventory is old: make these inventories anew";
        let mut odd = Vec::new();
        for (mac, ends) in self.addresses.iter().filter(|(_, ends)| ends.is_ambiguous()) {
            let functions = ends.functions.iter().map(|&(host, number)| {
                let host = &nodes.hosts[host];
                format!("{} of {}", label(&host.functions[number]), host.name)
            });
            let ports = ends.ports.iter().map(|&(card, number)| {
                let card = &nodes.cards[card];
                format!("behind {} of {}", card.ports[number].name, card.name)
            });
            let who: Vec<String> = functions.chain(ports).collect();
            odd.push(
                Oddity::new(Kind::AddressTwice, format!("the address {mac} is {}", who.join(" and ")), anew)
                    .hosts(ends.functions.iter().map(|&(host, _)| &nodes.hosts[host].name))
                    .cards(ends.ports.iter().map(|&(card, _)| &nodes.cards[card].name)),
            );
        }
        for (serial, board) in self.boards.iter().filter(|(_, board)| board.is_ambiguous()) {
            let hosts = || board.hosts.iter().map(|&host| &nodes.hosts[host].name);
            let cards = || board.cards.iter().map(|&card| &nodes.cards[card].name);
            let who: Vec<String> = hosts().chain(cards()).map(ToString::to_string).collect();
            let why = format!("the serial number {serial} is in {}", who.join(" and "));
            odd.push(Oddity::new(Kind::SerialTwice, why, anew).hosts(hosts()).cards(cards()));
        }
        odd
    }
}
