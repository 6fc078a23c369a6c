//! The decoder of netlink replies as the fuzz targets (conformance/fuzz) call it. In no other build.

use netlink_packet_core::{NetlinkBuffer, NetlinkMessage};

use super::answer::Answer;
use super::message::Message;
use super::reply::Reply;

/// Reads the messages of a datagram as the answer to one request. How many there were before it ended or could not be
/// read.
pub fn datagram(mut bytes: &[u8]) -> usize {
    let mut answer = Answer::default();
    let mut taken = 0;
    loop {
        let Ok(message) = NetlinkMessage::<Message>::deserialize(bytes) else { return taken };
        taken += 1;
        if answer.take(message, Reply::decode) {
            if let Some(refusal) = answer.refusal {
                let _ = refusal.is_no_device();
                let _ = refusal.into_error("fuzz".to_owned()).to_string();
            }
            return taken;
        }
        // As netlink-proto does it: each message says its own length.
        let length = NetlinkBuffer::new_checked(bytes).map_or(0, |buffer| buffer.length() as usize);
        match bytes.get(length.next_multiple_of(4)..) {
            Some(rest) if length > 0 => bytes = rest,
            _ => return taken,
        }
    }
}
