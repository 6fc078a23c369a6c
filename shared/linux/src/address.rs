//! Addresses as netlink messages.

use ipnetwork::IpNetwork;

use crate::wire::{
    self, AF_INET, AF_INET6, Attributes, Garbled, RTM_GETADDR, RTM_NEWADDR, Request, after, ip, u8_at, u32_at,
};

/// An address that a link has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// It, with the length of its network's prefix.
    pub address: IpNetwork,
    /// It stays until somebody takes it away; one that was leased or advertised runs out (`IFA_F_PERMANENT`).
    pub permanent: bool,
}

// Attributes and flags, linux/if_addr.h.
const IFA_F_NODAD: u8 = 2;
const IFA_F_PERMANENT: u8 = 0x80;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;

/// `RTM_NEWADDR` for this address.
pub(crate) fn request(index: u32, address: IpNetwork) -> Request {
    // No peer: both are the address itself.
    let mut attributes =
        vec![wire::address(IFA_LOCAL, address.ip()), wire::address(IFA_ADDRESS, address.ip())];
    let (family, flags) = match address {
        IpNetwork::V4(address) => {
            if address.prefix() < 31 {
                attributes.push(wire::address(IFA_BROADCAST, address.broadcast().into()));
            }
            (AF_INET, 0)
        }
        // Whoever assigned the address made sure that nobody else has it. Detection would take a second, or for ever
        // without a carrier, and the address could not be used before.
        IpNetwork::V6(_) => (AF_INET6, IFA_F_NODAD),
    };
    let [a, b, c, d] = index.to_ne_bytes();
    // `struct ifaddrmsg`; its scope is universe.
    Request::new(RTM_NEWADDR, &[family, address.prefix(), flags, 0, a, b, c, d], &attributes)
}

/// `RTM_GETADDR` for all links and families: to ask for one link only takes a socket option that older kernels
/// don't have, and a pod has few.
pub(crate) fn question() -> Request {
    Request::new(RTM_GETADDR, &[0; 8], &[])
}

/// Decodes `RTM_NEWADDR`, `struct ifaddrmsg` and attributes, to a link's index and its address. None for families
/// other than ours.
pub(crate) fn decode(body: &[u8]) -> Result<Option<(u32, Assigned)>, Garbled> {
    if !matches!(u8_at(body, 0)?, AF_INET | AF_INET6) {
        return Ok(None);
    }
    let (prefix, index) = (u8_at(body, 1)?, u32_at(body, 4)?);
    let permanent = u8_at(body, 2)? & IFA_F_PERMANENT != 0;
    let (mut address, mut local) = (None, None);
    for attribute in Attributes(after(body, 8)?) {
        match attribute? {
            (IFA_ADDRESS, value) => address = Some(ip(value)?),
            (IFA_LOCAL, value) => local = Some(ip(value)?),
            _ => {}
        }
    }
    // With a peer, `IFA_ADDRESS` is the peer's.
    let own = local.or(address).ok_or(Garbled)?;
    let address = IpNetwork::new(own, prefix).map_err(|_| Garbled)?;
    Ok(Some((index, Assigned { address, permanent })))
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::AddressFamily;
    use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};

    use super::*;
    use crate::wire::witness;

    fn read_back(body: &[u8]) -> Option<(u32, IpNetwork)> {
        decode(body).unwrap().map(|(index, assigned)| (index, assigned.address))
    }

    fn message(address: &str) -> AddressMessage {
        let address: IpNetwork = address.parse().unwrap();
        let mut message = AddressMessage::default();
        message.header.index = 5;
        message.header.prefix_len = address.prefix();
        message.header.family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        message.attributes =
            vec![AddressAttribute::Local(address.ip()), AddressAttribute::Address(address.ip())];
        message
    }

    #[test]
    fn is_written_as_another_writes_it() {
        let written = |address: &str| request(5, address.parse().unwrap()).body;
        assert_eq!(written("10.0.0.1/31"), witness(&message("10.0.0.1/31")));
        let mut ipv4 = message("10.0.0.1/24");
        ipv4.attributes.push(AddressAttribute::Broadcast([10, 0, 0, 255].into()));
        assert_eq!(written("10.0.0.1/24"), witness(&ipv4));
        let mut ipv6 = message("fd00::1/64");
        ipv6.header.flags = AddressHeaderFlags::Nodad;
        assert_eq!(written("fd00::1/64"), witness(&ipv6));
        assert_eq!(question().body, witness(&AddressMessage::default()));
    }

    #[test]
    fn is_read_as_it_was_written() {
        for address in ["10.0.0.1/24", "fd00::1/64", "0.0.0.0/0"] {
            let address = address.parse().unwrap();
            assert_eq!(read_back(&request(5, address).body), Some((5, address)));
        }
    }

    #[test]
    fn beside_a_peer_the_local_address_counts() {
        let mut message = message("10.0.0.1/32");
        message.attributes[1] = AddressAttribute::Address("10.0.0.2".parse().unwrap());
        assert_eq!(read_back(&witness(&message)), Some((5, "10.0.0.1/32".parse().unwrap())));
    }
}
