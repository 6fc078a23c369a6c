//! Network links as the plugins see them, and the one request that changes them.

use std::fmt;
use std::os::fd::{AsFd, AsRawFd};

use netlink_packet_core::{DefaultNla, NLA_F_NESTED, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};

use crate::vf::{self, IFLA_VFINFO_LIST, VfMac};
use crate::wire::{
    Attributes, Garbled, RTM_DELLINKPROP, RTM_GETLINK, RTM_NEWLINKPROP, RTM_SETLINK, Request, after,
    attribute, link_header, nested, number, string, text, u32_at,
};
use crate::xdp::{self, IFLA_XDP};
use crate::{Mac, Netns, Settings, Sysctls, XdpMode};

// Attributes, linux/if_link.h.
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_IFALIAS: u16 = 20;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_EXT_MASK: u16 = 29;
const IFLA_PROP_LIST: u16 = 52;
const IFLA_ALT_IFNAME: u16 = 53;
const IFLA_PERM_ADDRESS: u16 = 54;
const IFLA_PARENT_DEV_NAME: u16 = 56;

// Flags, linux/if.h.
const IFF_UP: u32 = 1;
const IFF_PROMISC: u32 = 1 << 8;
const IFF_ALLMULTI: u32 = 1 << 9;
const IFF_LOWER_UP: u32 = 1 << 16;

// What else is asked for, linux/rtnetlink.h.
const RTEXT_FILTER_VF: u32 = 1;
const RTEXT_FILTER_SKIP_STATS: u32 = 1 << 3;

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
    /// Whether there is somebody at the other end (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// Promiscuity that was switched on by hand; what a bridge or a packet socket adds is not counted.
    pub promiscuous: bool,
    /// All-multicast mode that was switched on by hand.
    pub allmulti: bool,
    /// What else stays with it when it moves.
    pub settings: Settings,
    /// What of it is a file below `/proc/sys/net`: no move takes that along.
    pub sysctls: Sysctls,
    /// The modes in which it has an XDP program.
    pub xdp: Vec<XdpMode>,
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
    /// The index of the bridge, bond or switch that it is a port of.
    pub master: Option<u32>,
    /// The address that the device was made with, if the driver tells it; VFs mostly have none.
    pub permanent_mac: Option<Mac>,
}

/// What one `RTM_SETLINK` shall change; what is `None` stays as it is.
///
/// The kernel (`do_setlink`) works through it in a fixed order: namespace, MAC, MTU, name, alias, flags, settings; on an
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
    /// All of its other settings.
    pub settings: Option<&'a Settings>,
}

impl Link {
    /// Decodes `RTM_NEWLINK`: `struct ifinfomsg`, then attributes of linux/if_link.h.
    pub(crate) fn decode(body: &[u8]) -> Result<(Link, Vec<VfMac>), Garbled> {
        let flags = u32_at(body, 8)?;
        let mut link = Link {
            index: u32_at(body, 4)?,
            name: String::new(),
            mac: None,
            mtu: 0,
            up: flags & IFF_UP != 0,
            carrier: flags & IFF_LOWER_UP != 0,
            promiscuous: flags & IFF_PROMISC != 0,
            allmulti: flags & IFF_ALLMULTI != 0,
            settings: Settings::with(flags),
            sysctls: Sysctls::default(),
            xdp: Vec::new(),
            alias: None,
            altnames: Vec::new(),
            parent: None,
            kind: None,
            peer: None,
            master: None,
            permanent_mac: None,
        };
        let mut vfs = Vec::new();
        for attribute in Attributes(after(body, 16)?) {
            let (kind, value) = attribute?;
            match kind {
                IFLA_ADDRESS => link.mac = Mac::from_attribute(value),
                IFLA_IFNAME => link.name = text(value),
                IFLA_MTU => link.mtu = u32_at(value, 0)?,
                IFLA_LINK => link.peer = Some(u32_at(value, 0)?),
                IFLA_MASTER => link.master = Some(u32_at(value, 0)?).filter(|master| *master != 0),
                IFLA_LINKINFO => link.kind = texts(value, IFLA_INFO_KIND)?.pop(),
                IFLA_IFALIAS => link.alias = Some(text(value)).filter(|alias| !alias.is_empty()),
                IFLA_VFINFO_LIST => vfs = vf::decode(value)?,
                IFLA_PROP_LIST => link.altnames = texts(value, IFLA_ALT_IFNAME)?,
                IFLA_PERM_ADDRESS => link.permanent_mac = Mac::from_attribute(value),
                IFLA_PARENT_DEV_NAME => link.parent = Some(text(value)),
                IFLA_AF_SPEC => link.sysctls = Sysctls::decode(value)?,
                IFLA_XDP => link.xdp = xdp::decode(value)?,
                _ => link.settings.take(kind, value)?,
            }
        }
        Ok((link, vfs))
    }
}

/// The strings of this kind among nested attributes.
fn texts(nested: &[u8], kind: u16) -> Result<Vec<String>, Garbled> {
    let mut texts = Vec::new();
    for attribute in Attributes(nested) {
        let (found, value) = attribute?;
        if found == kind {
            texts.push(text(value));
        }
    }
    Ok(texts)
}

impl LinkChange<'_> {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        let Self { netns, name, mac, mtu, up, promiscuous, allmulti, alias, settings } = self;
        let flags = [up, promiscuous, allmulti];
        netns.is_none()
            && name.is_none()
            && mac.is_none()
            && mtu.is_none()
            && alias.is_none()
            && settings.is_none()
            && flags.iter().all(|flag| flag.is_none())
    }

    /// `RTM_SETLINK` for this change.
    pub(crate) fn request(&self, index: u32) -> Request {
        let (mut flags, mut mask) = (0, 0);
        for (flag, wanted) in
            [(IFF_UP, self.up), (IFF_PROMISC, self.promiscuous), (IFF_ALLMULTI, self.allmulti)]
        {
            // What the mask leaves out keeps its state.
            mask |= if wanted.is_some() { flag } else { 0 };
            flags |= if wanted == Some(true) { flag } else { 0 };
        }
        let attributes = [
            self.netns.map(|netns| attribute(IFLA_NET_NS_FD, &netns.as_fd().as_raw_fd().to_ne_bytes())),
            self.mac.map(|mac| attribute(IFLA_ADDRESS, &mac.octets())),
            self.mtu.map(|mtu| number(IFLA_MTU, mtu)),
            self.name.map(|name| string(IFLA_IFNAME, name)),
            // Not NUL-terminated: the kernel takes a single NUL for an alias, and only no byte at all for none.
            self.alias.map(|alias| attribute(IFLA_IFALIAS, alias.as_bytes())),
        ];
        let mut attributes: Vec<DefaultNla> = attributes.into_iter().flatten().collect();
        if let Some(settings) = self.settings {
            mask |= Settings::FLAGS;
            flags |= settings.flags & Settings::FLAGS;
            attributes.extend(settings.attributes());
        }
        Request::new(RTM_SETLINK, &link_header(index, flags, mask), &attributes)
    }
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
            self.settings.map(|_| "flags, queue and limits".to_owned()),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}

/// Which link is asked for.
pub(crate) enum Which<'a> {
    /// The one with this index.
    Index(u32),
    /// The one that owns this name, as its own or as an alternative one (`__dev_get_by_name` knows both).
    Name(&'a str),
    /// Every one, in a dump.
    All,
}

/// `RTM_GETLINK`, without statistics and VF information: on a PF with many VFs these are most of the answer.
pub(crate) fn question(which: Which<'_>) -> Request {
    let mask = number(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    match which {
        Which::Index(index) => Request::about_link(RTM_GETLINK, index, &[mask]),
        Which::Name(name) => Request::about_link(RTM_GETLINK, 0, &[mask, string(IFLA_IFNAME, name)]),
        Which::All => Request::about_link(RTM_GETLINK, 0, &[mask]),
    }
}

/// `RTM_GETLINK` with what a PF knows of its VFs.
pub(crate) fn question_with_vfs(index: u32) -> Request {
    Request::about_link(
        RTM_GETLINK,
        index,
        &[number(IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS)],
    )
}

/// `RTM_NEWLINKPROP` with one more alternative name.
pub(crate) fn add_altname(index: u32, name: &str) -> Request {
    Request::about_link(RTM_NEWLINKPROP, index, &[altname(name)])
}

/// `RTM_DELLINKPROP` with an alternative name to take away.
pub(crate) fn del_altname(index: u32, name: &str) -> Request {
    Request::about_link(RTM_DELLINKPROP, index, &[altname(name)])
}

fn altname(name: &str) -> DefaultNla {
    nested(IFLA_PROP_LIST | NLA_F_NESTED, &[string(IFLA_ALT_IFNAME, name)])
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::{
        InfoKind, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage, LinkMode, Prop,
    };

    use super::*;
    use crate::wire::witness;

    fn message(attributes: Vec<LinkAttribute>) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.attributes = attributes;
        message
    }

    #[test]
    fn a_change_touches_nothing_that_it_does_not_name() {
        assert_eq!(LinkChange::default().request(7).body, witness(&message(vec![])));
    }

    #[test]
    fn flags_to_clear_are_in_the_mask_only() {
        let change = LinkChange { up: Some(false), promiscuous: Some(true), ..LinkChange::default() };
        let mut wanted = message(vec![]);
        wanted.header.change_mask = LinkFlags::Up | LinkFlags::Promisc;
        wanted.header.flags = LinkFlags::Promisc;
        assert_eq!(change.request(7).body, witness(&wanted));
    }

    #[test]
    fn a_change_is_as_another_writes_it() {
        let netns = Netns::own().unwrap();
        let settings = Settings { tx_queue_len: Some(500), flags: 1 << 12, ..Settings::default() };
        let change = LinkChange {
            netns: Some(&netns),
            name: Some("eth0"),
            mac: Some([2, 0, 0, 0, 0, 1].into()),
            mtu: Some(1400),
            alias: Some("mine"),
            settings: Some(&settings),
            allmulti: Some(true),
            ..LinkChange::default()
        };
        let mut wanted = message(vec![
            LinkAttribute::NetNsFd(netns.as_fd().as_raw_fd()),
            LinkAttribute::Address(vec![2, 0, 0, 0, 0, 1]),
            LinkAttribute::Mtu(1400),
            LinkAttribute::IfName("eth0".to_owned()),
            LinkAttribute::Other(DefaultNla::new(IFLA_IFALIAS, b"mine".to_vec())),
            LinkAttribute::TxQueueLen(500),
            LinkAttribute::Mode(LinkMode::Default),
        ]);
        wanted.header.flags = LinkFlags::Allmulti | LinkFlags::Multicast;
        wanted.header.change_mask = LinkFlags::Allmulti
            | LinkFlags::Debug
            | LinkFlags::Notrailers
            | LinkFlags::Noarp
            | LinkFlags::Dynamic
            | LinkFlags::Multicast
            | LinkFlags::Portsel
            | LinkFlags::Automedia;
        assert_eq!(change.request(7).body, witness(&wanted));
    }

    #[test]
    fn questions_are_as_another_writes_them() {
        let mask = || LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]);
        assert_eq!(question(Which::Index(7)).body, witness(&message(vec![mask()])));
        let mut named = message(vec![mask(), LinkAttribute::IfName("eth0".to_owned())]);
        named.header.index = 0;
        assert_eq!(question(Which::Name("eth0")).body, witness(&named));
        let with_vfs = LinkAttribute::ExtMask(vec![LinkExtentMask::Vf, LinkExtentMask::SkipStats]);
        assert_eq!(question_with_vfs(7).body, witness(&message(vec![with_vfs])));
        let altname = LinkAttribute::PropList(vec![Prop::AltIfName("long-name".to_owned())]);
        assert_eq!(add_altname(7, "long-name").body, witness(&message(vec![altname])));
    }

    /// The other decoder's encoder is our witness.
    #[test]
    fn a_link_is_read_as_another_writes_it() {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.header.flags = LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Allmulti;
        message.attributes = vec![
            LinkAttribute::IfName("eth0".to_owned()),
            LinkAttribute::Address(vec![2, 0, 0, 0, 0, 1]),
            LinkAttribute::PermAddress(vec![2, 0, 0, 0, 0, 2]),
            LinkAttribute::Mtu(1400),
            LinkAttribute::Link(3),
            LinkAttribute::Controller(5),
            LinkAttribute::ParentDevName("0000:3b:00.2".to_owned()),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth)]),
            LinkAttribute::PropList(vec![Prop::AltIfName("a".to_owned()), Prop::AltIfName("b".to_owned())]),
            LinkAttribute::IfAlias(String::new()),
        ];
        let (link, vfs) = Link::decode(&witness(&message)).unwrap();
        assert_eq!((link.index, link.name.as_str(), link.mtu), (7, "eth0", 1400));
        assert_eq!((link.up, link.carrier, link.promiscuous, link.allmulti), (true, true, false, true));
        assert_eq!(link.mac, Some([2, 0, 0, 0, 0, 1].into()));
        assert_eq!(link.permanent_mac, Some([2, 0, 0, 0, 0, 2].into()));
        assert_eq!(
            (link.peer, link.master, link.parent.as_deref(), link.kind.as_deref()),
            (Some(3), Some(5), Some("0000:3b:00.2"), Some("veth"))
        );
        assert_eq!((link.altnames, link.alias, vfs), (vec!["a".to_owned(), "b".to_owned()], None, vec![]));
    }

    #[test]
    fn a_change_says_what_it_is() {
        let change =
            LinkChange { name: Some("eth0"), mtu: Some(1400), up: Some(false), ..LinkChange::default() };
        assert_eq!(change.to_string(), "name eth0, MTU 1400, down");
    }
}
