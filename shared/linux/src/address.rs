//! Addresses as netlink messages.

use ipnetwork::IpNetwork;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope};

use crate::wire::{
    AF_INET, AF_INET6, Attributes, Garbled, RTM_GETADDR, RTM_NEWADDR, Request, after, ip, u8_at, u32_at,
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
const IFA_F_PERMANENT: u8 = 0x80;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// `RTM_NEWADDR` for this address.
pub(crate) fn request(index: u32, address: IpNetwork) -> Request {
    Request::new(RTM_NEWADDR, &message(index, address))
}

fn message(index: u32, address: IpNetwork) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.index = index;
    message.header.prefix_len = address.prefix();
    message.header.scope = AddressScope::Universe;
    // No peer: both are the address itself.
    message.attributes.push(AddressAttribute::Local(address.ip()));
    message.attributes.push(AddressAttribute::Address(address.ip()));
    match address {
        IpNetwork::V4(address) => {
            message.header.family = AddressFamily::Inet;
            if address.prefix() < 31 {
                message.attributes.push(AddressAttribute::Broadcast(address.broadcast()));
            }
        }
        IpNetwork::V6(_) => {
            message.header.family = AddressFamily::Inet6;
            // Whoever assigned the address made sure that nobody else has it. Detection would take a second, or for
            // ever without a carrier, and the address could not be used before.
            message.header.flags = AddressHeaderFlags::Nodad;
        }
    }
    message
}

/// `RTM_GETADDR` for all links and families: to ask for one link only takes a socket option that older kernels
/// don't have, and a pod has few.
pub(crate) fn question() -> Request {
    Request::new(RTM_GETADDR, &AddressMessage::default())
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
    use super::*;

    fn read_back(message: &AddressMessage) -> Option<(u32, IpNetwork)> {
        decode(&Request::new(0, message).body).unwrap().map(|(index, assigned)| (index, assigned.address))
    }

    #[test]
    fn is_read_as_it_was_written() {
        for address in ["10.0.0.1/24", "fd00::1/64", "0.0.0.0/0"] {
            let address = address.parse().unwrap();
            assert_eq!(read_back(&message(5, address)), Some((5, address)));
        }
    }

    #[test]
    fn beside_a_peer_the_local_address_counts() {
        let mut message = message(5, "10.0.0.1/32".parse().unwrap());
        message.attributes[1] = AddressAttribute::Address("10.0.0.2".parse().unwrap());
        assert_eq!(read_back(&message), Some((5, "10.0.0.1/32".parse().unwrap())));
    }
}
