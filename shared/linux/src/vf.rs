//! What a physical function says about its virtual functions, as netlink messages.

use crate::Mac;
use crate::wire::{Attributes, Garbled, RTM_SETLINK, Request, after, attribute, nested, u32_at};

// Attributes, linux/if_link.h.
pub(crate) const IFLA_VFINFO_LIST: u16 = 22;
const IFLA_VF_INFO: u16 = 1;
const IFLA_VF_MAC: u16 = 1;

/// The address that a PF has set aside for one of its VFs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VfMac {
    /// The VF's number.
    pub(crate) vf: u32,
    /// None if it has none.
    pub(crate) mac: Option<Mac>,
}

/// `RTM_SETLINK` on the PF that sets this VF's address.
pub(crate) fn set_mac(pf_index: u32, vf: u32, mac: Mac) -> Request {
    // `struct ifla_vf_mac` has room for the longest address there is; an Ethernet one comes first.
    let mut value = [0; 36];
    value[..4].copy_from_slice(&vf.to_ne_bytes());
    value[4..10].copy_from_slice(&mac.octets());
    let info = nested(IFLA_VF_INFO, &[attribute(IFLA_VF_MAC, &value)]);
    Request::about_link(RTM_SETLINK, pf_index, &[nested(IFLA_VFINFO_LIST, &[info])])
}

/// Decodes the value of `IFLA_VFINFO_LIST`.
pub(crate) fn decode(list: &[u8]) -> Result<Vec<VfMac>, Garbled> {
    let mut vfs = Vec::new();
    for entry in Attributes(list) {
        let (IFLA_VF_INFO, info) = entry? else { continue };
        for attribute in Attributes(info) {
            if let (IFLA_VF_MAC, value) = attribute? {
                let mac = after(value, 4)?.get(..6).and_then(Mac::from_attribute);
                vfs.push(VfMac { vf: u32_at(value, 0)?, mac });
            }
        }
    }
    Ok(vfs)
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::{LinkAttribute, LinkMessage, LinkVfInfo, VfInfo, VfInfoMac};

    use super::*;
    use crate::Link;
    use crate::wire::witness;

    fn info(vf: u32, mac: Mac) -> LinkVfInfo {
        LinkVfInfo(vec![VfInfo::Mac(VfInfoMac::new(vf, &mac.octets()))])
    }

    #[test]
    fn an_address_is_set_as_another_sets_it() {
        let mac = Mac::from([2, 0, 0, 0, 0, 1]);
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.attributes = vec![LinkAttribute::VfInfoList(vec![info(3, mac)])];
        assert_eq!(set_mac(7, 3, mac).body, witness(&message));
    }

    #[test]
    fn each_vf_has_its_own_address() {
        let [one, none] = [[2, 0, 0, 0, 0, 1], [0; 6]].map(Mac::from);
        let mut message = LinkMessage::default();
        message.attributes =
            vec![LinkAttribute::Mtu(1500), LinkAttribute::VfInfoList(vec![info(0, one), info(1, none)])];
        let (_, vfs) = Link::decode(&witness(&message)).unwrap();
        assert_eq!(vfs, [VfMac { vf: 0, mac: Some(one) }, VfMac { vf: 1, mac: None }]);
    }
}
