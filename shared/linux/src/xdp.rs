//! XDP programs on a link. They stay on it when it moves to another namespace.

use crate::wire::{Attributes, Garbled, RTM_SETLINK, Request, attribute, nested, number};

// Attributes, linux/if_link.h.
pub(crate) const IFLA_XDP: u16 = 43;
const IFLA_XDP_FD: u16 = 1;
const IFLA_XDP_FLAGS: u16 = 3;
const IFLA_XDP_DRV_PROG_ID: u16 = 5;
const IFLA_XDP_SKB_PROG_ID: u16 = 6;
const IFLA_XDP_HW_PROG_ID: u16 = 7;

/// Who runs an XDP program. A link has room for one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpMode {
    /// The driver (`xdpdrv`).
    Driver,
    /// The kernel, for any link (`xdpgeneric`).
    Generic,
    /// The card (`xdpoffload`).
    Card,
}

/// Decodes the value of `IFLA_XDP`: the modes in which there is a program.
pub(crate) fn decode(nested: &[u8]) -> Result<Vec<XdpMode>, Garbled> {
    let mut modes = Vec::new();
    for attribute in Attributes(nested) {
        match attribute?.0 {
            IFLA_XDP_DRV_PROG_ID => modes.push(XdpMode::Driver),
            IFLA_XDP_SKB_PROG_ID => modes.push(XdpMode::Generic),
            IFLA_XDP_HW_PROG_ID => modes.push(XdpMode::Card),
            _ => {}
        }
    }
    Ok(modes)
}

/// `RTM_SETLINK` that takes the program of this mode off.
pub(crate) fn off(index: u32, mode: XdpMode) -> Request {
    // XDP_FLAGS_ of linux/if_link.h.
    let flags = match mode {
        XdpMode::Generic => 2,
        XdpMode::Driver => 4,
        XdpMode::Card => 8,
    };
    let none = attribute(IFLA_XDP_FD, &(-1_i32).to_ne_bytes());
    Request::about_link(RTM_SETLINK, index, &[nested(IFLA_XDP, &[none, number(IFLA_XDP_FLAGS, flags)])])
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::{LinkAttribute, LinkMessage, LinkXdp};

    use super::*;
    use crate::Link;
    use crate::wire::witness;

    #[test]
    fn a_program_is_taken_off_as_another_does_it() {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.attributes = vec![LinkAttribute::Xdp(vec![LinkXdp::Fd(-1), LinkXdp::Flags(2)])];
        assert_eq!(off(7, XdpMode::Generic).body, witness(&message));
    }

    /// The other decoder's encoder is our witness.
    #[test]
    fn each_mode_has_a_program_of_its_own() {
        let mut message = LinkMessage::default();
        let programs = [LinkXdp::DrvProgId(5), LinkXdp::SkbProgId(6), LinkXdp::HwProgId(7)];
        message.attributes.push(LinkAttribute::Xdp(programs.into()));
        let (link, _) = Link::decode(&witness(&message)).unwrap();
        assert_eq!(link.xdp, [XdpMode::Driver, XdpMode::Generic, XdpMode::Card]);
    }
}
