//! What a physical function says about its virtual functions, as netlink messages.

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage, LinkVfInfo, VfInfo, VfInfoMac};

use crate::Mac;

/// `RTM_SETLINK` on the PF that sets this VF's address.
pub(crate) fn set_mac(pf_index: u32, vf: u32, mac: Mac) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = pf_index;
    let info = LinkVfInfo(vec![VfInfo::Mac(VfInfoMac::new(vf, &mac.octets()))]);
    message.attributes.push(LinkAttribute::VfInfoList(vec![info]));
    message
}

/// The address of this VF in a PF's answer.
pub(crate) fn mac_from_answer(answer: RouteNetlinkMessage, vf: u32) -> Option<Mac> {
    let RouteNetlinkMessage::NewLink(message) = answer else { return None };
    let vfs = message.attributes.into_iter().find_map(|attribute| match attribute {
        LinkAttribute::VfInfoList(vfs) => Some(vfs),
        _ => None,
    })?;
    vfs.iter().flat_map(|LinkVfInfo(infos)| infos).find_map(|info| match info {
        // The field has room for the longest address there is; an Ethernet one comes first.
        VfInfo::Mac(info) if info.vf_id == vf => Mac::from_attribute(info.mac.get(..6)?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The PF's list is written and read in the same form, so what we send is a fair picture of an answer.
    #[test]
    fn each_vf_has_its_own_address() {
        let [one, two] = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]].map(Mac::from);
        let mut message = set_mac(7, 0, one);
        message.attributes.extend(set_mac(7, 1, two).attributes);
        let [LinkAttribute::VfInfoList(first), LinkAttribute::VfInfoList(second)] = &message.attributes[..]
        else {
            panic!("{message:?}")
        };
        let list = LinkAttribute::VfInfoList([first.clone(), second.clone()].concat());
        message.attributes = vec![LinkAttribute::Mtu(1500), list];
        let answer = RouteNetlinkMessage::NewLink(message);
        assert_eq!(mac_from_answer(answer.clone(), 0), Some(one));
        assert_eq!(mac_from_answer(answer.clone(), 1), Some(two));
        assert_eq!(mac_from_answer(answer, 2), None);
    }
}
