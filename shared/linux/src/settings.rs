//! Settings of a link that stay with it when it moves to another namespace: what `ip link set` changes besides names,
//! address and MTU.

use netlink_packet_core::DefaultNla;
use serde::{Deserialize, Serialize};

use crate::Mac;
use crate::wire::{Garbled, attribute, number, u8_at, u32_at};

// Attributes, linux/if_link.h.
const IFLA_BROADCAST: u16 = 2;
const IFLA_TXQLEN: u16 = 13;
const IFLA_LINKMODE: u16 = 17;
const IFLA_GROUP: u16 = 27;
const IFLA_GSO_MAX_SEGS: u16 = 40;
const IFLA_GSO_MAX_SIZE: u16 = 41;
const IFLA_GRO_MAX_SIZE: u16 = 58;
const IFLA_GSO_IPV4_MAX_SIZE: u16 = 63;
const IFLA_GRO_IPV4_MAX_SIZE: u16 = 64;

// Flags, linux/if.h.
const IFF_DEBUG: u32 = 1 << 2;
const IFF_NOTRAILERS: u32 = 1 << 5;
const IFF_NOARP: u32 = 1 << 7;
const IFF_MULTICAST: u32 = 1 << 12;
const IFF_PORTSEL: u32 = 1 << 13;
const IFF_AUTOMEDIA: u32 = 1 << 14;
const IFF_DYNAMIC: u32 = 1 << 15;

/// `IF_LINK_MODE_DEFAULT` of linux/if.h: the carrier alone says whether the link works.
const MODE_DEFAULT: u8 = 0;

/// What an Ethernet broadcast is sent to.
const EVERYBODY: [u8; 6] = [0xff; 6];

/// Settings of a link as one `RTM_GETLINK` tells them and one `RTM_SETLINK` gives them. What a kernel does not know is
/// `None`, and stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The `IFF_` flags that anybody may change (`__dev_change_flags` in net/core/dev.c), without up, promiscuous and
    /// all-multicast.
    pub flags: u32,
    /// The address that broadcasts go to; none where it is not an Ethernet one.
    pub broadcast: Option<Mac>,
    /// `IF_LINK_MODE_DEFAULT` (0), or one that leaves it to a program to say that the link works.
    pub mode: u8,
    /// The group that links may be changed by.
    pub group: Option<u32>,
    /// Packets in the transmission queue.
    pub tx_queue_len: Option<u32>,
    /// Largest packet that is handed over to be segmented, in bytes.
    pub gso_max_size: Option<u32>,
    /// Into how many segments.
    pub gso_max_segs: Option<u32>,
    /// Largest packet that is put together on reception, in bytes (Linux 5.19).
    pub gro_max_size: Option<u32>,
    /// As `gso_max_size`, for IPv4 (Linux 6.3).
    pub gso_ipv4_max_size: Option<u32>,
    /// As `gro_max_size`, for IPv4 (Linux 6.3).
    pub gro_ipv4_max_size: Option<u32>,
}

impl Settings {
    /// The flags that are settings.
    pub(crate) const FLAGS: u32 =
        IFF_DEBUG | IFF_NOTRAILERS | IFF_NOARP | IFF_DYNAMIC | IFF_MULTICAST | IFF_PORTSEL | IFF_AUTOMEDIA;

    /// Those of a link with these flags, before its attributes are read.
    pub(crate) fn with(flags: u32) -> Self {
        Settings { flags: flags & Self::FLAGS, ..Settings::default() }
    }

    /// Takes in an attribute of `RTM_NEWLINK`, if it is one of a setting.
    pub(crate) fn take(&mut self, kind: u16, value: &[u8]) -> Result<(), Garbled> {
        match kind {
            IFLA_BROADCAST => self.broadcast = Mac::from_attribute(value),
            IFLA_LINKMODE => self.mode = u8_at(value, 0)?,
            _ => {
                if let Some((_, number)) = self.numbers().into_iter().find(|(known, _)| *known == kind) {
                    *number = Some(u32_at(value, 0)?);
                }
            }
        }
        Ok(())
    }

    /// The same with nothing that keeps packets from their way: ARP, multicast and broadcasts work, and a carrier is
    /// all that it takes.
    #[must_use]
    pub fn open(&self) -> Settings {
        Settings {
            flags: self.flags & !(IFF_NOARP | IFF_DEBUG) | IFF_MULTICAST,
            broadcast: self.broadcast.map(|_| Mac::from(EVERYBODY)),
            mode: MODE_DEFAULT,
            ..self.clone()
        }
    }

    /// What of these settings keeps packets from their way, in words; the first that does.
    pub fn obstacle(&self) -> Option<&'static str> {
        let open = self.open();
        let closed = |flag: u32| (self.flags ^ open.flags) & flag != 0;
        [
            (closed(IFF_NOARP), "ARP is off"),
            (closed(IFF_MULTICAST), "multicast is off"),
            (self.broadcast != open.broadcast, "its broadcast address is another one"),
            (self.mode != open.mode, "it is in mode dormant"),
        ]
        .into_iter()
        .find_map(|(closed, what)| closed.then_some(what))
    }

    /// The attributes of `RTM_SETLINK` for these settings. The kernel takes the IPv4 limits from the general ones that
    /// come with them and then from their own (`do_setlink`).
    pub(crate) fn attributes(&self) -> Vec<DefaultNla> {
        let mut settings = self.clone();
        let numbers = settings.numbers().into_iter().filter_map(|(kind, number)| Some((kind, (*number)?)));
        let mut attributes: Vec<DefaultNla> = numbers.map(|(kind, value)| number(kind, value)).collect();
        attributes.extend(self.broadcast.map(|mac| attribute(IFLA_BROADCAST, &mac.octets())));
        attributes.push(attribute(IFLA_LINKMODE, &[self.mode]));
        attributes
    }

    /// The settings that are a number each, with their attributes.
    fn numbers(&mut self) -> [(u16, &mut Option<u32>); 7] {
        [
            (IFLA_GROUP, &mut self.group),
            (IFLA_TXQLEN, &mut self.tx_queue_len),
            (IFLA_GSO_MAX_SIZE, &mut self.gso_max_size),
            (IFLA_GSO_MAX_SEGS, &mut self.gso_max_segs),
            (IFLA_GRO_MAX_SIZE, &mut self.gro_max_size),
            (IFLA_GSO_IPV4_MAX_SIZE, &mut self.gso_ipv4_max_size),
            (IFLA_GRO_IPV4_MAX_SIZE, &mut self.gro_ipv4_max_size),
        ]
    }
}
