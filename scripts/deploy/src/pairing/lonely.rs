//! Cards without a host, functions without a card, and ports that no function is behind.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::Claims;
use super::index::Index;
use super::nodes::{Card, Host, Nodes, address, label};
use super::odd::{Kind, Oddity};
use super::pair::Pair;
use crate::inventory::NodeName;
use crate::inventory::document::{Function, Mode};

/// Names them all; where an address or a serial number that several have is the reason, that has been said.
pub(super) fn check(
    nodes: &Nodes,
    index: &Index<'_>,
    pairs: &[Pair<'_>],
    claims: &Claims,
    odd: &mut Vec<Oddity>,
) {
    let mut of_host: BTreeMap<&NodeName, Vec<&Pair<'_>>> = BTreeMap::new();
    let mut of_card: BTreeMap<&NodeName, Vec<&Pair<'_>>> = BTreeMap::new();
    for pair in pairs {
        of_host.entry(&pair.host.name).or_default().push(pair);
        of_card.entry(&pair.card.name).or_default().push(pair);
    }
    let known: BTreeSet<&str> = nodes.hosts.iter().map(|host| host.name.as_str()).collect();
    for card in &nodes.cards {
        match of_card.get(&card.name) {
            None if !is_ambiguous(card, index) => odd.push(without_host(card, claims, &known)),
            None => {}
            Some(pairs) => odd.extend(ports(card, pairs, index)),
        }
    }
    for host in &nodes.hosts {
        odd.extend(functions(host, of_host.get(&host.name).map_or(&[], Vec::as_slice), index));
    }
}

fn is_ambiguous(card: &Card, index: &Index<'_>) -> bool {
    let mut addresses = card.ports.iter().filter_map(|port| index.addresses.get(&port.mac?));
    let board = card.serial.as_deref().and_then(|serial| index.boards.get(serial));
    addresses.any(|ends| ends.is_ambiguous()) || board.is_some_and(|board| board.is_ambiguous())
}

fn without_host(card: &Card, claims: &Claims, known: &BTreeSet<&str>) -> Oddity {
    let name = &card.name;
    let addresses =
        card.ports.iter().filter_map(|port| Some(format!("{} (behind {})", port.mac?, port.name)));
    let serial = card.serial.iter().map(|serial| format!("the serial number {serial}"));
    let facts: Vec<String> = addresses.chain(serial).collect();
    let mut why = if facts.is_empty() {
        format!("{name} has no host: neither an address behind its ports nor a serial number is known")
    } else {
        format!("{name} has no host: no host has {}", facts.join(", or "))
    };
    let claims = claims.about(name.as_str());
    for claim in claims {
        why += &format!("; {} names {}", claim.place, claim.host);
    }
    let missing = claims.iter().find(|claim| !known.contains(claim.host.as_str()));
    let remedy = match missing {
        _ if facts.is_empty() => "make its inventory anew as root, and see `unread` there".to_owned(),
        Some(claim) => format!("give the inventory of {} too", claim.host),
        None => "give its host's inventory too, made as root".to_owned(),
    };
    Oddity::new(Kind::CardWithoutHost, why, remedy).cards([name])
}

/// Of a card that has a host: what is paired by its serial number alone has said so.
fn ports(card: &Card, pairs: &[&Pair<'_>], index: &Index<'_>) -> Vec<Oddity> {
    if pairs.iter().all(|pair| pair.functions.is_empty()) {
        return Vec::new();
    }
    let alone = card.ports.iter().filter_map(|port| Some((port, port.mac?))).filter(|(_, mac)| {
        let ends = index.addresses.get(mac);
        ends.is_some_and(|ends| ends.functions.is_empty() && !ends.is_ambiguous())
    });
    alone
        .map(|(port, mac)| {
            let why = format!("no host has {mac}, which is behind {} of {}", port.name, card.name);
            let remedy = "see whether the host has that function, and make its inventory anew";
            let hosts = pairs.iter().map(|pair| &pair.host.name);
            Oddity::new(Kind::PortWithoutFunction, why, remedy).hosts(hosts).cards([&card.name])
        })
        .collect()
}

/// Those of a host, in one sentence.
fn functions(host: &Host, pairs: &[&Pair<'_>], index: &Index<'_>) -> Option<Oddity> {
    let is_paired = |function: &Function| {
        let serial = function.serial.as_deref();
        pairs.iter().any(|pair| {
            let by_address = pair.functions.iter().any(|(paired, _)| paired.pci == function.pci);
            by_address || (pair.functions.is_empty() && serial.is_some() && pair.serial == serial)
        })
    };
    let is_said = |function: &Function| {
        address(function).and_then(|mac| index.addresses.get(&mac)).is_some_and(|ends| ends.is_ambiguous())
    };
    let dpus = host.functions.iter().filter(|function| function.is_dpu());
    let alone: Vec<&Function> = dpus.filter(|function| !is_paired(function) && !is_said(function)).collect();
    let first = alone.first()?;
    let shown: Vec<String> = alone
        .iter()
        .map(|function| match address(function) {
            Some(mac) => format!("{} ({mac})", label(function)),
            None => format!("{} (of no known address)", label(function)),
        })
        .collect();
    let mut why = format!("no card has {} of {}", shown.join(" and "), host.name);
    let is_nic = alone
        .iter()
        .any(|function| function.firmware.as_ref().is_some_and(|firmware| firmware.mode == Mode::Nic));
    let remedy = if is_nic {
        why += ", whose firmware is in NIC mode: its card has no switch of its own";
        format!("switch {} to DPU mode, or leave this host out", first.pci)
    } else {
        "give its card's inventory too, made as root, while the card runs in DPU mode".to_owned()
    };
    let cards = pairs.iter().map(|pair| &pair.card.name);
    Some(Oddity::new(Kind::FunctionWithoutCard, why, remedy).hosts([&host.name]).cards(cards))
}
