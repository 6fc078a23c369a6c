//! Network links as the plugins see them, and the one request that changes them.

use std::fmt;
use std::os::fd::{AsFd, AsRawFd};

use netlink_packet_core::{DefaultNla, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage, Prop};

use crate::{Mac, Netns};

/// `IFLA_IFALIAS` of linux/if_link.h.
const IFLA_IFALIAS: u16 = 20;

/// Flags of a request that adds an alternative name; the list grows, and the name must be new.
pub(crate) const NEW_ALTNAME: u16 = NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND;

/// A network link, as one `RTM_GETLINK` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Interface index; a link usually keeps it when it moves, but not when the target namespace uses it already.
    pub index: u32,
    /// Its name (not one of the alternative ones).
    pub name: String,
    /// The address in use; none where it is not an Ethernet one.
    pub mac: Option<Mac>,
    /// Bytes.
    pub mtu: u32,
    /// Administratively up (`IFF_UP`); says nothing about the carrier.
    pub up: bool,
    /// Promiscuity that was switched on by hand; what a bridge or a packet socket adds is not counted.
    pub promiscuous: bool,
    /// All-multicast mode that was switched on by hand.
    pub allmulti: bool,
    /// `ip link set alias`.
    pub alias: Option<String>,
    /// Alternative names (`ip link property add altname`), in the kernel's order.
    pub altnames: Vec<String>,
    /// The bus address of its device (`IFLA_PARENT_DEV_NAME`), for instance `0000:3b:00.2`: a function's identity
    /// in whatever namespace it is and whatever its name. None for virtual links and before Linux 5.14.
    pub parent: Option<String>,
    /// Kind of a virtual link (`veth`, `vlan`); none for hardware.
    pub kind: Option<String>,
    /// The index of the other end or lower link (`IFLA_LINK`), in *its* namespace.
    pub peer: Option<u32>,
    /// The address that the device was made with, if the driver tells it; VFs mostly have none.
    pub permanent_mac: Option<Mac>,
}

/// What one `RTM_SETLINK` shall change; what is `None` stays as it is.
///
/// The kernel (`do_setlink`) works through it in a fixed order: namespace, MAC, MTU, name, alias, flags; on an
/// error it stops there and takes nothing back.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkChange<'a> {
    /// Move the link there. It arrives down, whatever it was, without addresses and routes.
    pub netns: Option<&'a Netns>,
    /// Rename it. Together with `netns`, a name that is taken there fails with `EEXIST` *after* the move.
    pub name: Option<&'a str>,
    /// Its address. Some drivers take it only while the link is down.
    pub mac: Option<Mac>,
    /// Bytes.
    pub mtu: Option<u32>,
    /// Up or down.
    pub up: Option<bool>,
    /// Promiscuous or not.
    pub promiscuous: Option<bool>,
    /// All-multicast or not.
    pub allmulti: Option<bool>,
    /// A new alias; the empty one removes it.
    pub alias: Option<&'a str>,
}

impl Link {
    /// The link in an answer.
    pub(crate) fn from_answer(answer: RouteNetlinkMessage) -> Option<Link> {
        let RouteNetlinkMessage::NewLink(message) = answer else { return None };
        let flags = message.header.flags;
        let mut link = Link {
            index: message.header.index,
            name: String::new(),
            mac: None,
            mtu: 0,
            up: flags.contains(LinkFlags::Up),
            promiscuous: flags.contains(LinkFlags::Promisc),
            allmulti: flags.contains(LinkFlags::Allmulti),
            alias: None,
            altnames: Vec::new(),
            parent: None,
            kind: None,
            peer: None,
            permanent_mac: None,
        };
        for attribute in message.attributes {
            link.take(attribute);
        }
        Some(link)
    }

    fn take(&mut self, attribute: LinkAttribute) {
        match attribute {
            LinkAttribute::IfName(name) => self.name = name,
            LinkAttribute::Address(mac) => self.mac = Mac::from_attribute(&mac),
            LinkAttribute::PermAddress(mac) => self.permanent_mac = Mac::from_attribute(&mac),
            LinkAttribute::Mtu(mtu) => self.mtu = mtu,
            LinkAttribute::IfAlias(alias) => self.alias = Some(alias).filter(|alias| !alias.is_empty()),
            LinkAttribute::ParentDevName(parent) => self.parent = Some(parent),
            LinkAttribute::Link(peer) => self.peer = Some(peer),
            LinkAttribute::PropList(properties) => {
                self.altnames.extend(properties.into_iter().filter_map(|property| match property {
                    Prop::AltIfName(name) => Some(name),
                    _ => None,
                }));
            }
            LinkAttribute::LinkInfo(infos) => {
                self.kind = infos.into_iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind.to_string()),
                    _ => None,
                });
            }
            _ => {}
        }
    }
}

impl LinkChange<'_> {
    /// `RTM_SETLINK` for this change.
    pub(crate) fn message(&self, index: u32) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = index;
        let flags = [
            (LinkFlags::Up, self.up),
            (LinkFlags::Promisc, self.promiscuous),
            (LinkFlags::Allmulti, self.allmulti),
        ];
        for (flag, wanted) in flags {
            // What the mask leaves out keeps its state.
            message.header.change_mask.set(flag, wanted.is_some());
            message.header.flags.set(flag, wanted == Some(true));
        }
        let attributes = [
            self.netns.map(|netns| LinkAttribute::NetNsFd(netns.as_fd().as_raw_fd())),
            self.mac.map(|mac| LinkAttribute::Address(mac.octets().to_vec())),
            self.mtu.map(LinkAttribute::Mtu),
            self.name.map(|name| LinkAttribute::IfName(name.to_owned())),
            self.alias.map(alias),
        ];
        message.attributes.extend(attributes.into_iter().flatten());
        message
    }
}

/// An alias is not NUL-terminated: the kernel takes a single NUL for an alias, and only no byte at all for none.
fn alias(text: &str) -> LinkAttribute {
    LinkAttribute::Other(DefaultNla::new(IFLA_IFALIAS, text.as_bytes().to_vec()))
}

impl fmt::Display for LinkChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let switch = |name: &str, on: bool| format!("{name} {}", if on { "on" } else { "off" });
        let parts = [
            self.netns.map(|netns| format!("move to {}", netns.path().display())),
            self.name.map(|name| format!("name {name}")),
            self.mac.map(|mac| format!("MAC address {mac}")),
            self.mtu.map(|mtu| format!("MTU {mtu}")),
            self.up.map(|up| if up { "up" } else { "down" }.to_owned()),
            self.promiscuous.map(|on| switch("promiscuous", on)),
            self.allmulti.map(|on| switch("allmulti", on)),
            self.alias.map(|alias| format!("alias {alias:?}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}

/// `RTM_GETLINK`, without statistics and VF information: on a PF with many VFs these are most of the answer.
pub(crate) fn question<const N: usize>(attributes: [LinkAttribute; N]) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    message.attributes.extend(attributes);
    message
}

/// The property list with this one alternative name.
pub(crate) fn altname(index: u32, name: &str) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.attributes.push(LinkAttribute::PropList(vec![Prop::AltIfName(name.to_owned())]));
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_touches_nothing_that_it_does_not_name() {
        let message = LinkChange::default().message(7);
        assert_eq!(message.header.index, 7);
        assert!(message.header.change_mask.is_empty() && message.header.flags.is_empty());
        assert!(message.attributes.is_empty());
    }

    #[test]
    fn flags_to_clear_are_in_the_mask_only() {
        let change = LinkChange { up: Some(false), promiscuous: Some(true), ..LinkChange::default() };
        let header = change.message(7).header;
        assert_eq!(header.change_mask, LinkFlags::Up | LinkFlags::Promisc);
        assert_eq!(header.flags, LinkFlags::Promisc);
    }

    #[test]
    fn a_change_says_what_it_is() {
        let change =
            LinkChange { name: Some("eth0"), mtu: Some(1400), up: Some(false), ..LinkChange::default() };
        assert_eq!(change.to_string(), "name eth0, MTU 1400, down");
    }
}
