//! What the kernel answered to one request.

use netlink_packet_core::{
    ErrorMessage, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP_INTR, NetlinkMessage, NetlinkPayload, NlasIterator,
};
use netlink_packet_route::RouteNetlinkMessage;
use nix::errno::Errno;

use crate::Error;

/// `NLMSGERR_ATTR_MSG` of linux/netlink.h: the explanation, a C string.
const EXPLANATION: u16 = 1;

/// Size of `struct nlmsghdr`.
const HEADER: usize = 16;

#[derive(Default)]
pub(super) struct Answer {
    /// The messages that were asked for, as far as they could be decoded.
    pub(super) content: Vec<RouteNetlinkMessage>,
    /// The error at the end.
    pub(super) refusal: Option<Refusal>,
    /// The dump is not of one moment.
    pub(super) interrupted: bool,
}

/// An error of the kernel.
pub(super) struct Refusal {
    errno: i32,
    hint: Option<String>,
}

impl Answer {
    /// Takes in the next message of the answer.
    pub(super) fn take(&mut self, message: NetlinkMessage<RouteNetlinkMessage>) {
        self.interrupted |= message.header.flags & NLM_F_DUMP_INTR != 0;
        match message.payload {
            NetlinkPayload::InnerMessage(content) => self.content.push(content),
            NetlinkPayload::Error(error) => self.refusal = Refusal::of(&error, message.header.flags),
            // A dump that fails after it has begun says so at its end.
            NetlinkPayload::Done(done) if done.code != 0 => {
                self.refusal = Some(Refusal { errno: done.code.abs(), hint: None });
            }
            _ => {}
        }
    }
}

impl Refusal {
    /// None if this is an acknowledgement.
    fn of(error: &ErrorMessage, flags: u16) -> Option<Refusal> {
        let code = error.code?;
        Some(Refusal { errno: code.get().abs(), hint: explanation(&error.header, flags) })
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
        let length = bytes.first_chunk().map(|length| u32::from_ne_bytes(*length))?;
        usize::try_from(length).ok()?.next_multiple_of(4)
    };
    let explanation =
        NlasIterator::new(bytes.get(request..)?).flatten().find(|nla| nla.kind() == EXPLANATION)?;
    let text = String::from_utf8_lossy(explanation.value());
    Some(text.trim_end_matches('\0').to_owned())
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

    #[test]
    fn takes_whatever_else_comes_for_no_explanation() {
        assert_eq!(explanation(&refused_request(), 0), None);
        for end in 0..refused_request().len() - 1 {
            let hint = explanation(&refused_request()[..end], NLM_F_ACK_TLVS);
            assert!(hint.is_none(), "{end}: {hint:?}");
        }
    }
}
