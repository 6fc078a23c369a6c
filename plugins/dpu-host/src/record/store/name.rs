//! How records are called on disk.

use cni::Attachment;

/// How much of a record's file name follows its interface's: a hash of 16 digits, `.json`.
pub(super) const ENDING: usize = 21;

/// The file name of an attachment. The frame has checked the characters of its parts; the hash stands for what is
/// cut off, and the record inside says in full whose it is.
pub(crate) fn key(attachment: &Attachment) -> String {
    let parts = [&attachment.network, &attachment.container, &attachment.ifname];
    let hash = parts.iter().flat_map(|part| part.bytes().chain([0])).fold(
        0xcbf2_9ce4_8422_2325_u64,
        |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3) // FNV-1a: the same in every version
        },
    );
    format!("{}{hash:016x}.json", beginning(&attachment.container, &attachment.ifname))
}

/// How the file names of an interface's attachments begin, in whatever network.
pub(super) fn beginning(container: &str, ifname: &str) -> String {
    let container: String = container.chars().take(64).collect();
    format!("{container}-{ifname}-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attachment(network: &str, container: &str, ifname: &str) -> Attachment {
        Attachment { network: network.into(), container: container.into(), ifname: ifname.into() }
    }

    #[test]
    fn every_attachment_has_a_file_name_of_its_own() {
        let long = "c".repeat(1000);
        let other = format!("{long}d");
        let keys = [
            key(&attachment("n", "c", "eth0")),
            key(&attachment("m", "c", "eth0")),
            key(&attachment("n", "c", "net1")),
            key(&attachment("nc", "", "eth0")),
            key(&attachment("n", &long, "eth0")),
            key(&attachment("n", &other, "eth0")),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        assert!(keys.iter().all(|key| key.len() < 128 && !key.contains('/')));
    }

    #[test]
    fn a_file_name_outlives_versions() {
        assert_eq!(key(&attachment("ovn-kubernetes", "abc", "eth0")), "abc-eth0-f84f56d9bb47b65e.json");
    }
}
