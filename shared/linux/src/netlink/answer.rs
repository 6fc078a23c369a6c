//! What the kernel answered to one request.

use netlink_packet_core::{
    ErrorMessage, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP_INTR, NetlinkMessage, NetlinkPayload,
};
use nix::errno::Errno;

use super::message::Message;
use super::reply::{Decode, Reply};
use crate::Error;
use crate::wire::{Attributes, Garbled, text, u32_at};

/// `NLMSGERR_ATTR_MSG` of linux/netlink.h: the explanation, a C string.
const EXPLANATION: u16 = 1;

/// Size of `struct nlmsghdr`.
const HEADER: usize = 16;

#[derive(Default)]
pub(super) struct Answer {
    /// The replies to a question.
    pub(super) replies: Vec<Reply>,
    /// There was a reply that could not be read.
    pub(super) garbled: bool,
    /// The dump is not of one moment.
    pub(super) interrupted: bool,
    /// The error at the end.
    pub(super) refusal: Option<Refusal>,
}

/// An error of the kernel.
pub(super) struct Refusal {
    errno: i32,
    hint: Option<String>,
}

impl Answer {
    /// Takes in the next message of the answer. True if it was the last.
    pub(super) fn take(&mut self, message: NetlinkMessage<Message>, decode: Decode) -> bool {
        let flags = message.header.flags;
        self.interrupted |= flags & NLM_F_DUMP_INTR != 0;
        match message.payload {
            NetlinkPayload::InnerMessage(Message::Reply { kind, body }) => match decode(kind, &body) {
                Ok(reply) => self.replies.push(reply),
                Err(Garbled) => self.garbled = true,
            },
            NetlinkPayload::InnerMessage(Message::Request(_)) => self.garbled = true,
            NetlinkPayload::Error(error) => {
                self.refusal = Refusal::of(&error, flags);
                return true;
            }
            NetlinkPayload::Done(done) => {
                // A dump that fails after it has begun says so at its end.
                self.refusal =
                    (done.code != 0).then(|| Refusal { errno: done.code.wrapping_abs(), hint: None });
                return true;
            }
            _ => {}
        }
        false
    }
}

impl Refusal {
    /// None if this is an acknowledgement.
    fn of(error: &ErrorMessage, flags: u16) -> Option<Refusal> {
        let code = error.code?;
        Some(Refusal { errno: code.get().wrapping_abs(), hint: explanation(&error.header, flags) })
    }

    pub(super) fn is_no_device(&self) -> bool {
        self.errno == Errno::ENODEV as i32
    }

    pub(super) fn into_error(self, what: String) -> Error {
        Error::Kernel { what, errno: self.errno, hint: self.hint }
    }
}

/// The extended acknowledgement behind an error code: our request (whole, or its header alone if `NLM_F_CAPPED`),
/// then attributes.
fn explanation(bytes: &[u8], flags: u16) -> Option<String> {
    if flags & NLM_F_ACK_TLVS == 0 {
        return None;
    }
    let request = if flags & NLM_F_CAPPED != 0 {
        HEADER
    } else {
        usize::try_from(u32_at(bytes, 0).ok()?).ok()?.next_multiple_of(4)
    };
    let mut attributes = Attributes(bytes.get(request..)?).flatten();
    attributes.find_map(|(kind, value)| (kind == EXPLANATION).then(|| text(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Length 20 (a header and four more bytes), then `NLMSGERR_ATTR_MSG` "no\0" with its padding.
    fn refused_request() -> Vec<u8> {
        let mut bytes = 20_u32.to_ne_bytes().to_vec();
        bytes.extend([0; 16]);
        bytes.extend(7_u16.to_ne_bytes());
        bytes.extend(EXPLANATION.to_ne_bytes());
        bytes.extend(b"no\0\0");
        bytes
    }

    #[test]
    fn finds_the_explanation_behind_the_request() {
        assert_eq!(explanation(&refused_request(), NLM_F_ACK_TLVS), Some("no".to_owned()));
        let mut capped = refused_request();
        capped.drain(16..20);
        assert_eq!(explanation(&capped, NLM_F_ACK_TLVS | NLM_F_CAPPED), Some("no".to_owned()));
    }

    /// Fuzzing found it: the smallest number has no positive counterpart.
    #[test]
    fn any_code_is_an_error_code() {
        let code = i32::MIN.to_ne_bytes();
        let (done, refused) = ([&code[..], &[0; 4]].concat(), [&code[..], &[0; 16]].concat());
        for (kind, body) in [(3_u16, done), (2, refused)] {
            let mut bytes = u32::try_from(16 + body.len()).unwrap().to_ne_bytes().to_vec();
            bytes.extend(kind.to_ne_bytes());
            bytes.extend([0; 10]);
            bytes.extend(body);
            let mut answer = Answer::default();
            assert!(answer.take(NetlinkMessage::deserialize(&bytes).unwrap(), Reply::decode));
            assert!(answer.refusal.is_some(), "{kind}");
        }
    }

    #[test]
    fn takes_whatever_else_comes_for_no_explanation() {
        assert_eq!(explanation(&refused_request(), 0), None);
        for end in 0..refused_request().len() - 1 {
            let hint = explanation(&refused_request()[..end], NLM_F_ACK_TLVS);
            assert!(hint.is_none(), "{end}: {hint:?}");
        }
    }
}
