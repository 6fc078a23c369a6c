//! Our requests and replies as netlink-proto wants its messages.

use std::convert::Infallible;
use std::fmt;

use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader, NetlinkPayload, NetlinkSerializable};

use crate::wire::Request;

/// The payload of a netlink message in either direction.
pub(super) enum Message {
    Request(Request),
    /// As it came: what its type means depends on the socket.
    Reply {
        kind: u16,
        body: Vec<u8>,
    },
}

/// netlink-proto demands it for its trace; the full text would double the size of this crate.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Request(request) => write!(f, "request {}", request.kind),
            Message::Reply { kind, .. } => write!(f, "reply {kind}"),
        }
    }
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        self.request().map_or(0, |request| request.kind)
    }

    fn buffer_len(&self) -> usize {
        self.request().map_or(0, |request| request.body.len())
    }

    fn serialize(&self, buffer: &mut [u8]) {
        if let Some(request) = self.request() {
            buffer[..request.body.len()].copy_from_slice(&request.body);
        }
    }
}

impl NetlinkDeserializable for Message {
    type Error = Infallible;

    /// Never fails: netlink-proto drops what cannot be decoded, and who asked would wait for it in vain.
    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Message, Infallible> {
        Ok(Message::Reply { kind: header.message_type, body: payload.to_vec() })
    }
}

impl From<Request> for NetlinkPayload<Message> {
    fn from(request: Request) -> NetlinkPayload<Message> {
        NetlinkPayload::InnerMessage(Message::Request(request))
    }
}

impl Message {
    /// We send nothing but requests.
    fn request(&self) -> Option<&Request> {
        match self {
            Message::Request(request) => Some(request),
            Message::Reply { .. } => None,
        }
    }
}
