//! Network links as the plugins see them, and the one request that changes them.

use crate::{Mac, Netns};

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
