//! Offload features of a link as ethtool's generic netlink family has them: linux/ethtool_netlink.h, and
//! Documentation/networking/ethtool-netlink.rst of the kernel.
//!
//! Three messages, written here. The ethtool crate knows the features' names but cannot set them, and comes with
//! a connection of its own beside rtnetlink's.

use netlink_packet_core::{DefaultNla, NLA_F_NESTED};
use serde::{Deserialize, Serialize};

use crate::wire::{Attributes, Garbled, Request, after, attribute, nested, number, string, u16_at, u32_at};

/// `GENL_ID_CTRL`: the family that knows the numbers of the others.
const CONTROLLER: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;

const ETHTOOL_MSG_FEATURES_GET: u8 = 11;
const ETHTOOL_MSG_FEATURES_SET: u8 = 12;
const ETHTOOL_A_FEATURES_HEADER: u16 = 1;
const ETHTOOL_A_FEATURES_HW: u16 = 2;
const ETHTOOL_A_FEATURES_WANTED: u16 = 3;
const ETHTOOL_A_HEADER_DEV_INDEX: u16 = 1;
const ETHTOOL_A_HEADER_FLAGS: u16 = 3;
const ETHTOOL_FLAG_COMPACT_BITSETS: u32 = 1;
const ETHTOOL_FLAG_OMIT_REPLY: u32 = 2;
const ETHTOOL_A_BITSET_SIZE: u16 = 2;
const ETHTOOL_A_BITSET_VALUE: u16 = 4;
const ETHTOOL_A_BITSET_MASK: u16 = 5;

/// Size of `struct genlmsghdr`.
const HEADER: usize = 4;

/// The features of a link (`ethtool -k`), by the running kernel's numbers for them: 32 in each word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    /// How many features the kernel has.
    size: u32,
    /// Those that can be changed.
    changeable: Vec<u32>,
    /// Those that are asked for; what is in force depends on the others, too.
    wanted: Vec<u32>,
}

impl Features {
    /// Decodes the answer to [`question`].
    pub(crate) fn decode(body: &[u8]) -> Result<Features, Garbled> {
        let mut features = Features { size: 0, changeable: Vec::new(), wanted: Vec::new() };
        for attribute in Attributes(after(body, HEADER)?) {
            match attribute? {
                (ETHTOOL_A_FEATURES_HW, bits) => (features.size, features.changeable) = bitset(bits)?,
                (ETHTOOL_A_FEATURES_WANTED, bits) => (_, features.wanted) = bitset(bits)?,
                _ => {}
            }
        }
        Ok(features)
    }

    /// `ETHTOOL_MSG_FEATURES_SET` that gives a link these features.
    pub(crate) fn request(&self, family: u16, index: u32) -> Request {
        let value = self.wanted.iter().zip(&self.changeable).map(|(wanted, mask)| wanted & mask);
        let bits = [
            number(ETHTOOL_A_BITSET_SIZE, self.size),
            words(ETHTOOL_A_BITSET_VALUE, value),
            words(ETHTOOL_A_BITSET_MASK, self.changeable.iter().copied()),
        ];
        let flags = ETHTOOL_FLAG_COMPACT_BITSETS | ETHTOOL_FLAG_OMIT_REPLY;
        let attributes = [header(index, flags), nested(ETHTOOL_A_FEATURES_WANTED | NLA_F_NESTED, &bits)];
        message(family, ETHTOOL_MSG_FEATURES_SET, &attributes)
    }
}

/// `CTRL_CMD_GETFAMILY`: which number ethtool's family has.
pub(crate) fn family_question() -> Request {
    message(CONTROLLER, CTRL_CMD_GETFAMILY, &[string(CTRL_ATTR_FAMILY_NAME, "ethtool")])
}

/// Decodes the answer to that.
pub(crate) fn family(body: &[u8]) -> Result<u16, Garbled> {
    for attribute in Attributes(after(body, HEADER)?) {
        if let (CTRL_ATTR_FAMILY_ID, id) = attribute? {
            return u16_at(id, 0);
        }
    }
    Err(Garbled)
}

/// `ETHTOOL_MSG_FEATURES_GET`: the features of a link, without their names.
pub(crate) fn question(family: u16, index: u32) -> Request {
    message(family, ETHTOOL_MSG_FEATURES_GET, &[header(index, ETHTOOL_FLAG_COMPACT_BITSETS)])
}

/// Size and words of a compact bitset.
fn bitset(nested: &[u8]) -> Result<(u32, Vec<u32>), Garbled> {
    let (mut size, mut words) = (0, Vec::new());
    for attribute in Attributes(nested) {
        match attribute? {
            (ETHTOOL_A_BITSET_SIZE, value) => size = u32_at(value, 0)?,
            (ETHTOOL_A_BITSET_VALUE, value) => {
                words = value.chunks(4).map(|word| u32_at(word, 0)).collect::<Result<_, _>>()?;
            }
            _ => {}
        }
    }
    Ok((size, words))
}

fn header(index: u32, flags: u32) -> DefaultNla {
    nested(
        ETHTOOL_A_FEATURES_HEADER | NLA_F_NESTED,
        &[number(ETHTOOL_A_HEADER_DEV_INDEX, index), number(ETHTOOL_A_HEADER_FLAGS, flags)],
    )
}

fn words(kind: u16, values: impl IntoIterator<Item = u32>) -> DefaultNla {
    attribute(kind, &values.into_iter().flat_map(u32::to_ne_bytes).collect::<Vec<u8>>())
}

/// A message of a generic family: its command in version 1, and attributes.
fn message(family: u16, command: u8, attributes: &[DefaultNla]) -> Request {
    Request::new(family, &[command, 1, 0, 0], attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_nothing_but_what_can_be_changed() {
        let features = Features { size: 64, changeable: vec![0b0110, 1], wanted: vec![0b0011, 0] };
        let body = features.request(20, 7).body;
        let Some(Ok((_, bits))) = Attributes(&body[HEADER..]).nth(1) else { panic!("no bits: {body:?}") };
        assert_eq!(bitset(bits), Ok((64, vec![0b0010, 0])));
    }

    #[test]
    fn any_answer_can_be_looked_at() {
        for length in 0..64 {
            for filling in [0, 1, 4, 0xff] {
                let body = vec![filling; length];
                let _ = (Features::decode(&body), family(&body));
            }
        }
    }
}
