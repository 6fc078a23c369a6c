//! The pairs: by the address of the host's function first, which is what ovn-kubernetes itself goes by
//! (`go-controller/pkg/util/dpuops_linux.go`), by the board's serial number where there is no address.

use std::collections::{BTreeMap, BTreeSet};

use super::index::{Ends, FunctionId, Index, PortId};
use super::nodes::Nodes;
use super::odd::{Kind, Oddity};
use super::pair::Pair;

/// What two nodes have in common.
#[derive(Debug, Default)]
struct Link<'a> {
    ends: Vec<(FunctionId, PortId)>,
    serial: Option<&'a str>,
    is_doubtful: bool,
}

/// Pairs all that can be, in the order of their hosts.
pub(super) fn pairs<'a>(nodes: &'a Nodes, index: &Index<'a>, odd: &mut Vec<Oddity>) -> Vec<Pair<'a>> {
    let mut links: BTreeMap<(usize, usize), Link<'a>> = BTreeMap::new();
    for (function, port) in index.addresses.values().filter_map(Ends::only) {
        links.entry((function.0, port.0)).or_default().ends.push((function, port));
    }
    let mut others_of = Others::default();
    for (&(host, card), link) in &links {
        others_of.hosts.entry(card).or_default().insert(host);
        let boards = link
            .ends
            .iter()
            .filter_map(|&((_, number), _)| nodes.hosts[host].functions[number].serial.as_deref());
        for serial in boards {
            others_of.cards.entry((host, serial)).or_default().insert(card);
        }
    }
    for (&serial, board) in &index.boards {
        let Some((host, card)) = board.only() else { continue };
        let others = others_of.than(host, card, serial);
        if !others.is_empty() {
            odd.push(elsewhere(nodes, serial, (host, card), &others));
        }
        for other in &others {
            links.entry(*other).and_modify(|link| link.is_doubtful = true);
        }
        if others.is_empty() {
            links.entry((host, card)).or_default().serial = Some(serial);
        }
    }
    let pair = |((host, card), mut link): ((usize, usize), Link<'a>)| {
        let (host, card) = (&nodes.hosts[host], &nodes.cards[card]);
        link.ends.sort_unstable();
        let functions = link
            .ends
            .iter()
            .map(|&((_, function), (_, port))| (&host.functions[function], &card.ports[port]));
        let mut pair = Pair {
            host,
            card,
            functions: functions.collect(),
            serial: link.serial,
            is_sure: !link.is_doubtful,
            named_by: Vec::new(),
        };
        if let Some(oddity) = pair.disagreement() {
            // Of what is doubtful already it has been said why.
            odd.extend(pair.is_sure.then_some(oddity));
            pair.is_sure = false;
        }
        pair
    };
    links.into_iter().map(pair).collect()
}

/// Who is paired with whom by an address.
#[derive(Default)]
struct Others<'a> {
    /// The hosts of a card.
    hosts: BTreeMap<usize, BTreeSet<usize>>,
    /// The cards of a host's board, by its serial number.
    cards: BTreeMap<(usize, &'a str), BTreeSet<usize>>,
}

impl Others<'_> {
    /// Pairs that cannot be true if this host and this card are one board.
    fn than(&self, host: usize, card: usize, serial: &str) -> Vec<(usize, usize)> {
        let hosts = self.hosts.get(&card).filter(|hosts| !hosts.contains(&host)).into_iter().flatten();
        let cards =
            self.cards.get(&(host, serial)).filter(|cards| !cards.contains(&card)).into_iter().flatten();
        hosts.map(|&other| (other, card)).chain(cards.map(|&other| (host, other))).collect()
    }
}

/// A board with the address of another.
fn elsewhere(nodes: &Nodes, serial: &str, board: (usize, usize), others: &[(usize, usize)]) -> Oddity {
    let host = |pair: &(usize, usize)| &nodes.hosts[pair.0].name;
    let card = |pair: &(usize, usize)| &nodes.cards[pair.1].name;
    let shown: Vec<String> =
        others.iter().map(|other| format!("{} is in {}", card(other), host(other))).collect();
    let why = format!(
        "by its serial number ({serial}) {} is in {}, but by its address {}: probably the address was set, for a serial \
         number cannot be",
        card(&board),
        host(&board),
        shown.join(" and ")
    );
    let remedy = "see hw_addr in `devlink port show` on the card, and make the inventories anew";
    let all = || others.iter().chain([&board]);
    Oddity::new(Kind::SerialAndAddressDisagree, why, remedy).hosts(all().map(host)).cards(all().map(card))
}

/// Hosts with several cards, and cards with several hosts: ovn-kubernetes serves neither, for its pods say by the
/// number of the function alone which card is meant (`dpu.connection-details`).
pub(super) fn several(pairs: &mut [Pair<'_>], odd: &mut Vec<Oddity>) {
    let mut cards: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut hosts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for pair in pairs.iter() {
        cards.entry(&pair.host.name).or_default().push(&pair.card.name);
        hosts.entry(&pair.card.name).or_default().push(&pair.host.name);
    }
    cards.retain(|_, cards| cards.len() > 1);
    hosts.retain(|_, hosts| hosts.len() > 1);
    let names = |names: &[_]| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    for (host, cards) in &cards {
        let why =
            format!("{host} has {} cards, {}, and ovn-kubernetes serves one", cards.len(), names(cards));
        let remedy = "take one out of the cluster, or switch it to NIC mode";
        odd.push(Oddity::new(Kind::SeveralCards, why, remedy).hosts([*host]).cards(cards.iter().copied()));
    }
    for (card, hosts) in &hosts {
        let why =
            format!("{card} has {} hosts, {}, and ovn-kubernetes serves one", hosts.len(), names(hosts));
        let remedy = "make these inventories anew; a card of several hosts is not supported";
        odd.push(Oddity::new(Kind::SeveralHosts, why, remedy).hosts(hosts.iter().copied()).cards([*card]));
    }
    let (cards, hosts): (BTreeSet<_>, BTreeSet<_>) =
        (cards.into_keys().cloned().collect(), hosts.into_keys().cloned().collect());
    for pair in pairs {
        pair.is_sure &= !cards.contains(&pair.host.name) && !hosts.contains(&pair.card.name);
    }
}
