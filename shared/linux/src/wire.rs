//! What every message over a netlink socket is made of: attributes, put together for requests and taken apart of replies.
//!
//! Here, because a decoder of everything fails on whatever a newer kernel adds, or makes longer, and takes the whole
//! message with it: then no pod would start on that kernel. Ours look only at the attributes they need. And an encoder of
//! everything (netlink-packet-route, of which tests know what is right) is a tenth of the plugin.

use std::net::IpAddr;

use netlink_packet_core::{DefaultNla, Emitable, NLA_TYPE_MASK};

// Message types, linux/rtnetlink.h.
pub(crate) const RTM_NEWLINK: u16 = 16;
pub(crate) const RTM_GETLINK: u16 = 18;
pub(crate) const RTM_SETLINK: u16 = 19;
pub(crate) const RTM_NEWADDR: u16 = 20;
pub(crate) const RTM_GETADDR: u16 = 22;
pub(crate) const RTM_NEWROUTE: u16 = 24;
pub(crate) const RTM_DELROUTE: u16 = 25;
pub(crate) const RTM_GETROUTE: u16 = 26;
pub(crate) const RTM_NEWRULE: u16 = 32;
pub(crate) const RTM_GETRULE: u16 = 34;
pub(crate) const RTM_NEWLINKPROP: u16 = 108;
pub(crate) const RTM_DELLINKPROP: u16 = 109;

// Address families, linux/socket.h.
pub(crate) const AF_INET: u8 = 2;
pub(crate) const AF_INET6: u8 = 10;

/// A request without its netlink header.
#[derive(Clone)]
pub(crate) struct Request {
    /// One of the `RTM_` types, or the number of a generic family.
    pub(crate) kind: u16,
    pub(crate) body: Vec<u8>,
}

/// A message that ends too early, or whose lengths contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Garbled;

impl Request {
    /// With the header that this kind of message has, and attributes.
    pub(crate) fn new(kind: u16, header: &[u8], attributes: &[DefaultNla]) -> Request {
        Request { kind, body: [header, &encoded(attributes)].concat() }
    }

    /// About a link, whose flags stay as they are.
    pub(crate) fn about_link(kind: u16, index: u32, attributes: &[DefaultNla]) -> Request {
        Request::new(kind, &link_header(index, 0, 0), attributes)
    }
}

/// `struct ifinfomsg`: a link, and how those of its flags are to be that are in the mask.
pub(crate) fn link_header(index: u32, flags: u32, mask: u32) -> [u8; 16] {
    let mut header = [0; 16];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header[8..12].copy_from_slice(&flags.to_ne_bytes());
    header[12..].copy_from_slice(&mask.to_ne_bytes());
    header
}

/// An attribute with these bytes.
pub(crate) fn attribute(kind: u16, value: &[u8]) -> DefaultNla {
    DefaultNla::new(kind, value.to_vec())
}

/// An attribute that is a number.
pub(crate) fn number(kind: u16, value: u32) -> DefaultNla {
    attribute(kind, &value.to_ne_bytes())
}

/// An attribute that is a string, with a NUL.
pub(crate) fn string(kind: u16, value: &str) -> DefaultNla {
    attribute(kind, &[value.as_bytes(), &[0]].concat())
}

/// An attribute that is an address.
pub(crate) fn address(kind: u16, value: IpAddr) -> DefaultNla {
    match value {
        IpAddr::V4(address) => attribute(kind, &address.octets()),
        IpAddr::V6(address) => attribute(kind, &address.octets()),
    }
}

/// An attribute of attributes. Families that are younger than its mark, `NLA_F_NESTED`, want that in its kind.
pub(crate) fn nested(kind: u16, attributes: &[DefaultNla]) -> DefaultNla {
    attribute(kind, &encoded(attributes))
}

/// Attributes in a row.
pub(crate) fn encoded(attributes: &[DefaultNla]) -> Vec<u8> {
    let mut bytes = vec![0; attributes.buffer_len()];
    attributes.emit(&mut bytes);
    bytes
}

/// A message as netlink-packet-route encodes it.
#[cfg(test)]
pub(crate) fn witness(message: &impl Emitable) -> Vec<u8> {
    let mut body = vec![0; message.buffer_len()];
    message.emit(&mut body);
    body
}

/// Attributes in a row, each its length and kind (two bytes each), its value, and padding to a multiple of four.
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<(u16, &'a [u8]), Garbled>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let attribute = self.split();
        if attribute.is_err() {
            // Where the next one begins is anybody's guess.
            self.0 = &[];
        }
        Some(attribute)
    }
}

impl<'a> Attributes<'a> {
    fn split(&mut self) -> Result<(u16, &'a [u8]), Garbled> {
        let length = usize::from(u16_at(self.0, 0)?);
        let kind = u16_at(self.0, 2)? & NLA_TYPE_MASK;
        let value = self.0.get(4..length).ok_or(Garbled)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Ok((kind, value))
    }
}

/// The byte at this offset.
pub(crate) fn u8_at(bytes: &[u8], offset: usize) -> Result<u8, Garbled> {
    bytes.get(offset).copied().ok_or(Garbled)
}

/// Two bytes in the machine's order.
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Result<u16, Garbled> {
    array_at(bytes, offset).map(u16::from_ne_bytes)
}

/// Four bytes in the machine's order.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Result<u32, Garbled> {
    array_at(bytes, offset).map(u32::from_ne_bytes)
}

/// What follows a header of this length.
pub(crate) fn after(bytes: &[u8], header: usize) -> Result<&[u8], Garbled> {
    bytes.get(header..).ok_or(Garbled)
}

/// A string, with or without its NUL.
pub(crate) fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

/// An address of either family, told by its length.
pub(crate) fn ip(value: &[u8]) -> Result<IpAddr, Garbled> {
    if let Ok(octets) = <[u8; 4]>::try_from(value) {
        return Ok(IpAddr::from(octets));
    }
    <[u8; 16]>::try_from(value).map(IpAddr::from).map_err(|_| Garbled)
}

fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], Garbled> {
    bytes.get(offset..).and_then(|bytes| bytes.first_chunk()).copied().ok_or(Garbled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_split_at_their_padding() {
        let bytes = [5, 0, 1, 0, b'a', 0, 0, 0, 4, 0, 2, 0x80, 6, 0, 3, 0, b'b', b'c'];
        let attributes: Vec<_> = Attributes(&bytes).collect();
        assert_eq!(attributes, [Ok((1, &b"a"[..])), Ok((2, &b""[..])), Ok((3, &b"bc"[..]))]);
    }

    #[test]
    fn a_wrong_length_ends_the_row() {
        for bytes in [&[3, 0, 1, 0][..], &[9, 0, 1, 0, 0, 0, 0, 0], &[4, 0, 1]] {
            assert_eq!(Attributes(bytes).collect::<Vec<_>>(), [Err(Garbled)], "{bytes:?}");
        }
    }
}
