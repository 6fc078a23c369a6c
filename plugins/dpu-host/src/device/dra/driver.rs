//! Drivers of dynamic resource allocation that give VFs, and what they call them.

use std::path::Path;

use cni::paths;
use linux::sriov::PciAddress;

/// The driver of the SR-IOV network operator (`k8snetworkplumbingwg/dra-driver-sriov`).
const SRIOV: &str = "sriovnetwork.k8snetworkplumbingwg.io";
/// That of ovn-kubernetes (OKEP on dynamic resource allocation).
const OVN: &str = "k8s.ovn.org";
/// DraNet (`kubernetes-sigs/dranet`), whose devices have other names, too: that of their link, or one made of it.
const DRANET: &str = "dra.net";

/// Where the kubelet's plugins keep their sockets and files, a folder each
/// (`k8s.io/dynamic-resource-allocation/kubeletplugin`).
pub(super) const PLUGINS: &str = "/var/lib/kubelet/plugins";

/// The address that is in a device's name. Names are labels of DNS, so `:` and `.` became `-`.
pub(super) fn address(driver: &str, device: &str) -> Option<PciAddress> {
    let digits = match driver {
        SRIOV => device,
        OVN | DRANET => device.strip_prefix("pci-")?,
        _ => return None,
    };
    let [domain, bus, slot, function] = digits.split('-').collect::<Vec<_>>()[..] else { return None };
    format!("{domain}:{bus}:{slot}.{function}").parse().ok()
}

/// The first of the drivers that runs on this node.
pub(crate) fn on_node(drivers: &[String]) -> Option<&str> {
    let is_there = |driver: &&String| paths::rooted(Path::new(PLUGINS)).join(driver).exists();
    drivers.iter().find(is_there).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_out_of_the_names_of_its_own_driver_only() {
        let read = |driver, device| address(driver, device).map(|address| address.to_string());
        let vf = Some("0000:08:00.2".to_owned());
        assert_eq!(read(SRIOV, "0000-08-00-2"), vf);
        assert_eq!(read(OVN, "pci-0000-08-00-2"), vf);
        assert_eq!(read(DRANET, "pci-0000-08-00-2"), vf);
        for (driver, device) in [
            (SRIOV, "pci-0000-08-00-2"),
            (SRIOV, "0000-08-00-8"),
            (SRIOV, "0000-08-00"),
            (SRIOV, "0000-08-00-2-1"),
            (SRIOV, ""),
            (OVN, "0000-08-00-2"),
            (DRANET, "eth1"),
            (DRANET, "net-mv2gqmi"),
            ("gpu.example.com", "0000-08-00-2"),
            ("", "0000-08-00-2"),
        ] {
            assert_eq!(read(driver, device), None, "{driver} {device}");
        }
    }
}
