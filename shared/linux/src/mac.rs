//! Ethernet hardware addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An Ethernet hardware address; written, read and serialized as `0a:58:0a:80:00:05`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac([u8; 6]);

/// A text that is not six bytes in hexadecimal, parted by `:`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a MAC address such as 0a:58:0a:80:00:05")]
pub struct InvalidMac(String);

impl Mac {
    /// The six bytes in the order in which they are written.
    pub fn octets(self) -> [u8; 6] {
        self.0
    }

    /// The address in a netlink attribute: none unless it is six bytes long (InfiniBand's has twenty) and not
    /// all zero, which is how drivers say that they have none.
    pub(crate) fn from_attribute(bytes: &[u8]) -> Option<Mac> {
        <[u8; 6]>::try_from(bytes).ok().filter(|octets| *octets != [0; 6]).map(Mac)
    }
}

impl From<[u8; 6]> for Mac {
    fn from(octets: [u8; 6]) -> Mac {
        Mac(octets)
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Mac {
    type Err = InvalidMac;

    /// Reads six two-digit groups, of either case, parted by `:`.
    fn from_str(text: &str) -> Result<Mac, InvalidMac> {
        let invalid = || InvalidMac(text.to_owned());
        let mut octets = [0; 6];
        let mut groups = text.split(':');
        for octet in &mut octets {
            let group = groups.next().filter(|group| group.len() == 2).ok_or_else(invalid)?;
            // from_str_radix alone would take a sign.
            if !group.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(invalid());
            }
            *octet = u8::from_str_radix(group, 16).map_err(|_| invalid())?;
        }
        if groups.next().is_some() { Err(invalid()) } else { Ok(Mac(octets)) }
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Mac, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_it_was_read() {
        let mac: Mac = "0A:58:0a:80:00:05".parse().unwrap();
        assert_eq!(mac.octets(), [0x0a, 0x58, 0x0a, 0x80, 0x00, 0x05]);
        assert_eq!(mac.to_string(), "0a:58:0a:80:00:05");
    }

    #[test]
    fn only_six_plain_groups_are_an_address() {
        for text in [
            "",
            "0a:58:0a:80:00",
            "0a:58:0a:80:00:05:06",
            "0a-58-0a-80-00-05",
            "+a:58:0a:80:00:05",
            "a:58:0a:80:00:05",
        ] {
            assert!(text.parse::<Mac>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_attribute_without_an_ethernet_address_is_none() {
        assert_eq!(Mac::from_attribute(&[0; 6]), None);
        assert_eq!(Mac::from_attribute(&[1; 20]), None);
        assert_eq!(Mac::from_attribute(&[1; 6]), Some(Mac([1; 6])));
    }
}
