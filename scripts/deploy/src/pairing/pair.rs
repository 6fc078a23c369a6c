//! A card in its host, and where what is known of both does not agree.

use linux::Mac;

use super::claims::Source;
use super::nodes::{Card, Host, Port, address, label};
use super::odd::{Kind, Oddity};
use crate::inventory::document::Function;

/// A card in its host.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub(super) host: &'a Host,
    pub(super) card: &'a Card,
    /// Functions and ports of one address.
    pub(super) functions: Vec<(&'a Function, &'a Port)>,
    /// The serial number that both have.
    pub(super) serial: Option<&'a str>,
    /// Whether nothing speaks against it: it may be made known to a cluster.
    pub(super) is_sure: bool,
    /// Who says the same.
    pub(super) named_by: Vec<Source>,
}

impl Pair<'_> {
    /// Where address and serial number do not say the same.
    pub(super) fn disagreement(&self) -> Option<Oddity> {
        let (why, remedy) = match self.serial {
            None => self.other_board()?,
            Some(serial) if self.functions.is_empty() => self.other_address(serial)?,
            Some(_) => return None,
        };
        let odd = Oddity::new(Kind::SerialAndAddressDisagree, why, remedy);
        Some(odd.hosts([&self.host.name]).cards([&self.card.name]))
    }

    /// One address, two boards.
    fn other_board(&self) -> Option<(String, String)> {
        let card = self.card.serial.as_ref()?;
        let mut serials = self.functions.iter().filter_map(|(function, _)| function.serial.as_ref());
        let host = serials.find(|serial| *serial != card)?;
        let why = format!(
            "{} and {} have an address in common and not the serial number ({host} in the host, {card} on the card): \
             probably the board was exchanged or moved since one of them was looked at",
            self.host.name, self.card.name
        );
        Some((why, "make both inventories anew".to_owned()))
    }

    /// One board, two addresses.
    fn other_address(&self, serial: &str) -> Option<(String, String)> {
        let known: Vec<Mac> = self.card.ports.iter().filter_map(|port| port.mac).collect();
        let board = self.host.functions.iter().filter(|function| function.serial.as_deref() == Some(serial));
        let addressed: Vec<(&Function, Mac)> =
            board.filter_map(|function| Some((function, address(function)?))).collect();
        // One that both have and others too has been named.
        if known.is_empty() || addressed.iter().any(|(_, mac)| known.contains(mac)) {
            return None;
        }
        let &(function, mac) = addressed.first()?;
        let name = label(function);
        let (what, remedy) = if function.permanent_mac.is_none() {
            ("its permanent one is not known, probably it was set", format!("see `ethtool -P {name}`"))
        } else if function.mac.is_some_and(|mac| known.contains(&mac)) {
            let what = "the card has what was set on the host, so probably hw_addr changed";
            (what, "give the port its first hw_addr, or load the host's driver anew".to_owned())
        } else {
            let what = "probably the host's changed since the card was looked at";
            (what, "make both inventories anew".to_owned())
        };
        let why = format!(
            "{} and {} are one board ({serial}), but {name} has the address {mac} and the card knows {}: {what}",
            self.host.name,
            self.card.name,
            known.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
        );
        Some((why, remedy))
    }
}
