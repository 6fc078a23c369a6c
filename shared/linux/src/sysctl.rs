//! Settings of an interface that are files below `/proc/sys/net`: those that a network plugin has a say in, as a link
//! tells them (`IFLA_AF_SPEC`), so that nobody has to enter its namespace to read them.

use serde::{Deserialize, Serialize};

use crate::wire::{AF_INET, AF_INET6, Attributes, Garbled, u8_at, u32_at};

// Attributes of linux/if_link.h, nested in IFLA_AF_SPEC by family.
const IFLA_INET_CONF: u16 = 1;
const IFLA_INET6_CONF: u16 = 2;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
// Places in `IFLA_INET_CONF`, `IPV4_DEVCONF_*` of linux/ip.h less one.
const RP_FILTER: usize = 7;
const ARP_ANNOUNCE: usize = 17;
const ARP_IGNORE: usize = 18;
// Places in `IFLA_INET6_CONF`, `DEVCONF_*` of linux/ipv6.h.
const ACCEPT_RA: usize = 3;
const DAD_TRANSMITS: usize = 6;
const DISABLE_IPV6: usize = 26;
const ACCEPT_DAD: usize = 27;

/// Settings of an interface. What a kernel does not tell, or nobody has set, is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sysctls {
    /// Whether it is without IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_ipv6: Option<i32>,
    /// Whether an address is looked for on the link before it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_dad: Option<i32>,
    /// How often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dad_transmits: Option<i32>,
    /// How its link-local address comes to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr_gen_mode: Option<i32>,
    /// Whether it listens to routers' advertisements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_ra: Option<i32>,
    /// Which ARP requests it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arp_ignore: Option<i32>,
    /// Which address its own ARP requests carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arp_announce: Option<i32>,
    /// Whether packets must come the way that answers would go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rp_filter: Option<i32>,
}

impl Sysctls {
    /// Family, name and value of each that is set, in the order in which they are to be written: nothing of IPv6 is
    /// there to be set while that is off.
    pub fn set(&self) -> impl Iterator<Item = (&'static str, &'static str, i32)> + use<> {
        [
            ("ipv6", "disable_ipv6", self.disable_ipv6),
            ("ipv6", "accept_dad", self.accept_dad),
            ("ipv6", "dad_transmits", self.dad_transmits),
            ("ipv6", "addr_gen_mode", self.addr_gen_mode),
            ("ipv6", "accept_ra", self.accept_ra),
            ("ipv4", "arp_ignore", self.arp_ignore),
            ("ipv4", "arp_announce", self.arp_announce),
            ("ipv4", "rp_filter", self.rp_filter),
        ]
        .into_iter()
        .filter_map(|(family, name, value)| Some((family, name, value?)))
    }

    /// Decodes the value of `IFLA_AF_SPEC`. Older kernels' lists end earlier.
    pub(crate) fn decode(families: &[u8]) -> Result<Self, Garbled> {
        let mut found = Sysctls::default();
        for family in Attributes(families) {
            let (family, attributes) = family?;
            for attribute in Attributes(attributes) {
                let (kind, value) = attribute?;
                let at = |place: usize| u32_at(value, place * 4).ok().map(u32::cast_signed);
                match (u8::try_from(family), kind) {
                    (Ok(AF_INET), IFLA_INET_CONF) => {
                        found.rp_filter = at(RP_FILTER);
                        found.arp_announce = at(ARP_ANNOUNCE);
                        found.arp_ignore = at(ARP_IGNORE);
                    }
                    (Ok(AF_INET6), IFLA_INET6_CONF) => {
                        found.accept_ra = at(ACCEPT_RA);
                        found.dad_transmits = at(DAD_TRANSMITS);
                        found.disable_ipv6 = at(DISABLE_IPV6);
                        found.accept_dad = at(ACCEPT_DAD);
                    }
                    (Ok(AF_INET6), IFLA_INET6_ADDR_GEN_MODE) => {
                        found.addr_gen_mode = Some(i32::from(u8_at(value, 0)?));
                    }
                    _ => {}
                }
            }
        }
        Ok(found)
    }
}
