//! Policy routing rules as netlink messages.

use std::fmt;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};

use crate::wire::{
    AF_INET, AF_INET6, Attributes, Garbled, RTM_GETRULE, RTM_NEWRULE, Request, address, after, ip, number,
    u8_at, u32_at,
};

// Action and attributes, linux/fib_rules.h.
const FR_ACT_TO_TBL: u8 = 1;
const FRA_SRC: u16 = 2;
const FRA_TABLE: u16 = 15;

/// `ip rule add from <network> lookup <table>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The source, `10.128.0.5/32`.
    pub from: IpNetwork,
    /// The table.
    pub table: u32,
}

impl Rule {
    /// `RTM_NEWRULE` for it. The kernel chooses the priority, just before the rules there are.
    pub(crate) fn request(&self) -> Request {
        let Rule { from, table } = *self;
        // `struct fib_rule_hdr`.
        let mut header = [0; 12];
        header[0] = if from.is_ipv4() { AF_INET } else { AF_INET6 };
        header[2] = from.prefix();
        header[7] = FR_ACT_TO_TBL;
        let mut attributes = vec![address(FRA_SRC, from.network())];
        // It has one byte for the table.
        match u8::try_from(table) {
            Ok(table) => header[4] = table,
            Err(_) => attributes.push(number(FRA_TABLE, table)),
        }
        Request::new(RTM_NEWRULE, &header, &attributes)
    }

    /// Decodes `RTM_NEWRULE`: `struct fib_rule_hdr`, then attributes. None for a rule of another kind.
    pub(crate) fn decode(body: &[u8]) -> Result<Option<Rule>, Garbled> {
        let (prefix, action) = (u8_at(body, 2)?, u8_at(body, 7)?);
        let (mut from, mut table) = (None, u32::from(u8_at(body, 4)?));
        for attribute in Attributes(after(body, 12)?) {
            match attribute? {
                (FRA_SRC, value) => from = Some(ip(value)?),
                (FRA_TABLE, value) => table = u32_at(value, 0)?,
                _ => {}
            }
        }
        let Some(from) = from.filter(|_| action == FR_ACT_TO_TBL) else { return Ok(None) };
        Ok(Some(Rule { from: IpNetwork::new(from, prefix).map_err(|_| Garbled)?, table }))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule that {} looks up table {}", self.from, self.table)
    }
}

/// `RTM_GETRULE` for all families.
pub(crate) fn question() -> Request {
    Request::new(RTM_GETRULE, &[0; 12], &[])
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::AddressFamily;
    use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};

    use super::*;
    use crate::wire::witness;

    #[test]
    fn is_written_as_another_writes_it() {
        let mut message = RuleMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.src_len = 32;
        message.header.action = RuleAction::ToTable;
        message.attributes = vec![RuleAttribute::Source([10, 0, 0, 6].into()), RuleAttribute::Table(1005)];
        let rule = Rule { from: "10.0.0.6/32".parse().unwrap(), table: 1005 };
        assert_eq!(rule.request().body, witness(&message));
        (message.header.table, _) = (105, message.attributes.pop());
        assert_eq!(Rule { table: 105, ..rule }.request().body, witness(&message));
        assert_eq!(question().body, witness(&RuleMessage::default()));
    }

    #[test]
    fn is_read_as_it_was_written() {
        for (from, table) in [("10.0.0.6/32", 105), ("fd00::6/128", 1000)] {
            let rule = Rule { from: from.parse().unwrap(), table };
            assert_eq!(Rule::decode(&rule.request().body), Ok(Some(rule)));
        }
    }

    #[test]
    fn those_of_everybody_are_of_another_kind() {
        let mut message = RuleMessage::default();
        message.header.action = RuleAction::ToTable;
        assert_eq!(Rule::decode(&witness(&message)), Ok(None));
    }
}
