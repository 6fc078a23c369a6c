//! PCI addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The address of a PCI function, written `0000:3b:00.2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciAddress {
    /// Domain (also called segment).
    pub domain: u16,
    /// Bus.
    pub bus: u8,
    /// Device (also called slot), below 32.
    pub device: u8,
    /// Function, below 8.
    pub function: u8,
}

/// A text that is not a PCI address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a PCI address such as 0000:3b:00.2 (hexadecimal, lower case, with its domain)")]
pub struct InvalidPciAddress(String);

impl FromStr for PciAddress {
    type Err = InvalidPciAddress;

    /// Accepts what ovn-kubernetes and the SR-IOV device plugin accept, `[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]`,
    /// and nothing else: the text becomes part of a path.
    fn from_str(text: &str) -> Result<PciAddress, InvalidPciAddress> {
        parse(text).ok_or_else(|| InvalidPciAddress(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<PciAddress> {
    let (domain, rest) = text.split_once(':')?;
    let (bus, rest) = rest.split_once(':')?;
    let (device, function) = rest.split_once('.')?;
    Some(PciAddress {
        domain: hex(domain, 4)?,
        bus: u8::try_from(hex(bus, 2)?).ok()?,
        device: u8::try_from(hex(device, 2)?).ok().filter(|device| *device < 32)?,
        function: u8::try_from(hex(function, 1)?).ok().filter(|function| *function < 8)?,
    })
}

/// Exactly so many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u16> {
    let plain = text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if plain && text.len() == digits { u16::from_str_radix(text, 16).ok() } else { None }
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PciAddress { domain, bus, device, function } = self;
        write!(f, "{domain:04x}:{bus:02x}:{device:02x}.{function}")
    }
}

impl Serialize for PciAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PciAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PciAddress, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_it_was_read() {
        for text in ["0000:3b:00.2", "ffff:ff:1f.7", "0001:00:10.0"] {
            assert_eq!(text.parse::<PciAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nothing_else_is_accepted() {
        for text in [
            "",
            "3b:00.2",
            "0000:3B:00.2",
            "0000:3b:20.2",
            "0000:3b:00.8",
            "0000:3b:00",
            "0000:3b:00.2 ",
            "10000:3b:00.2",
            "+000:3b:00.2",
            "../3b:00.2",
            "0000:3b:00.2/..",
        ] {
            assert!(text.parse::<PciAddress>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn sorts_by_place_on_the_bus() {
        let mut addresses: Vec<PciAddress> = ["0000:3b:10.0", "0000:3b:02.7", "0000:0a:1f.0"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        addresses.sort();
        assert_eq!(
            addresses.iter().map(PciAddress::to_string).collect::<Vec<_>>(),
            ["0000:0a:1f.0", "0000:3b:02.7", "0000:3b:10.0"]
        );
    }
}
