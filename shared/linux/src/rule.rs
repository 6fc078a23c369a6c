//! Policy routing rules as netlink messages.

use ipnetwork::IpNetwork;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};

use crate::wire::{RTM_NEWRULE, Request};

/// `RTM_NEWRULE` for `from <network> lookup <table>`. The kernel chooses the priority, just before the rules there are.
pub(crate) fn request(from: IpNetwork, table: u32) -> Request {
    let mut message = RuleMessage::default();
    message.header.family = if from.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    message.header.action = RuleAction::ToTable;
    message.header.src_len = from.prefix();
    message.attributes.push(RuleAttribute::Source(from.network()));
    // The header has one byte for the table.
    match u8::try_from(table) {
        Ok(table) => message.header.table = table,
        Err(_) => message.attributes.push(RuleAttribute::Table(table)),
    }
    Request::new(RTM_NEWRULE, &message)
}
