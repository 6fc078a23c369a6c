//! The few replies that we ask for.

use crate::vf::VfMac;
use crate::wire::{Garbled, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE, RTM_NEWRULE};
use crate::{Assigned, Link, Route, Rule, address};

/// A reply to one of our questions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A link, and what it says about its virtual functions if it was asked.
    Link(Box<Link>, Vec<VfMac>),
    /// An address of the link with this index.
    Address(u32, Assigned),
    /// A unicast route.
    Route(Route),
    /// A rule by which a source looks up a table.
    Rule(Rule),
    /// A message of a generic family: whoever asked knows which.
    Generic(Vec<u8>),
    /// Nothing that we care for.
    Other,
}

/// How the messages on a socket are decoded: type and body.
pub(crate) type Decode = fn(u16, &[u8]) -> Result<Reply, Garbled>;

impl Reply {
    /// Decodes a message of this type, given without its netlink header.
    pub(crate) fn decode(kind: u16, body: &[u8]) -> Result<Reply, Garbled> {
        match kind {
            RTM_NEWLINK => Link::decode(body).map(|(link, vfs)| Reply::Link(Box::new(link), vfs)),
            RTM_NEWADDR => Ok(address::decode(body)?
                .map_or(Reply::Other, |(index, address)| Reply::Address(index, address))),
            RTM_NEWROUTE => Ok(Route::decode(body)?.map_or(Reply::Other, Reply::Route)),
            RTM_NEWRULE => Ok(Rule::decode(body)?.map_or(Reply::Other, Reply::Rule)),
            _ => Ok(Reply::Other),
        }
    }

    /// The same for generic netlink, where types are the numbers of families.
    pub(crate) fn generic(_family: u16, body: &[u8]) -> Result<Reply, Garbled> {
        Ok(Reply::Generic(body.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_reply_can_be_looked_at() {
        for kind in [RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWRULE, 0] {
            for length in 0..64 {
                for filling in [0, 1, 4, 0xff] {
                    let _ = Reply::decode(kind, &vec![filling; length]);
                }
            }
        }
    }
}
