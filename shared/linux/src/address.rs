//! Addresses as netlink messages.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

/// `RTM_NEWADDR` for this address.
pub(crate) fn message(index: u32, address: IpNetwork) -> AddressMessage {
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

/// `RTM_GETADDR` for all families. The index is a wish that the kernel grants only to sockets with strict checking.
pub(crate) fn question(index: u32) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Unspec;
    message.header.index = index;
    message
}

/// The address in the answer, if it is one of this link's.
pub(crate) fn from_answer(answer: RouteNetlinkMessage, index: u32) -> Option<IpNetwork> {
    let RouteNetlinkMessage::NewAddress(message) = answer else { return None };
    if message.header.index != index {
        return None;
    }
    let mut own: Option<IpAddr> = None;
    for attribute in message.attributes {
        match attribute {
            // With a peer, `Address` is the peer's.
            AddressAttribute::Local(ip) => own = Some(ip),
            AddressAttribute::Address(ip) => own = own.or(Some(ip)),
            _ => {}
        }
    }
    IpNetwork::new(own?, message.header.prefix_len).ok()
}
