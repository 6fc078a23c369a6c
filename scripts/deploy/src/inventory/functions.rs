//! The physical functions of a node's network cards, from sysfs.

use std::cell::OnceCell;

use linux::Mac;
use linux::sriov::PciAddress;
use serde_json::Value;

use super::devlink::{address, port_name};
use super::document::{Function, Vf};
use super::sources::{Sources, strange};
use super::{firmware, vpd};
use crate::fault::{Fault, Faults};

const DEVICES: &str = "/sys/bus/pci/devices";
const LINKS: [&str; 4] = ["ip", "-j", "link", "show"];

/// Reads them all, and notes what could not be read.
pub(super) fn read(sources: &Sources, unread: &mut Faults) -> Vec<Function> {
    let links = Links { sources, answer: OnceCell::new() };
    let addresses = sources.tree.names(DEVICES).into_iter().filter_map(|name| name.parse().ok());
    addresses.filter_map(|pci| function(&links, pci, unread)).collect()
}

/// One; none where it is a VF, no network card, or one that neither has VFs nor is a DPU's.
fn function(links: &Links<'_>, pci: PciAddress, unread: &mut Faults) -> Option<Function> {
    let sources = links.sources;
    let at = |name: &str| format!("{DEVICES}/{pci}/{name}");
    let id = |name: &str| Some(sources.attribute(&at(name)).ok()?.strip_prefix("0x")?.to_owned());
    if !id("class")?.starts_with("02") || sources.tree.exists(&at("physfn")) {
        return None;
    }
    let netdev = netdev(sources, pci);
    let mut function = Function {
        pci,
        vendor: id("vendor")?,
        device: id("device")?,
        driver: sources.tree.target(&at("driver")),
        mac: None,
        permanent_mac: None,
        serial: None,
        total_vfs: sources.attribute(&at("sriov_totalvfs")).ok().and_then(|count| count.parse().ok()),
        vfs: vfs(sources, pci),
        firmware: None,
        netdev,
    };
    if !function.is_dpu() && function.total_vfs.is_none_or(|count| count == 0) {
        return None;
    }
    if let Some(netdev) = &function.netdev {
        let path = at(&format!("net/{netdev}/address"));
        function.mac = sources.attribute(&path).ok().as_deref().and_then(address);
        function.permanent_mac = unread.keep(links.permanent(&at(""), netdev, function.mac)).flatten();
    }
    function.serial = unread.keep(serial(sources, &at("vpd"), pci));
    if function.is_dpu() {
        let address = pci.to_string();
        let command = ["mstconfig", "-e", "-d", &address, "q"];
        let answer = sources.answer(&format!("mstconfig-{pci}.txt"), &command);
        let read = |text: String| {
            firmware::parse(&text, &function.device).ok_or_else(|| strange(&command, "no table of keys"))
        };
        function.firmware = unread.keep(answer.and_then(read));
    }
    Some(function)
}

/// On a card a function has its representors beside the uplink.
fn netdev(sources: &Sources, pci: PciAddress) -> Option<String> {
    let names = sources.tree.names(&format!("{DEVICES}/{pci}/net"));
    names.into_iter().find(|name| !port_name(sources, name).is_some_and(|port| port.contains("pf")))
}

fn vfs(sources: &Sources, pci: PciAddress) -> Vec<Vf> {
    let directory = format!("{DEVICES}/{pci}");
    let links = sources.tree.names(&directory).into_iter().filter(|name| name.starts_with("virtfn"));
    let addresses =
        links.filter_map(|link| sources.tree.target(&format!("{directory}/{link}"))?.parse().ok());
    let mut vfs: Vec<Vf> = addresses
        .map(|pci: PciAddress| Vf {
            pci,
            driver: sources.tree.target(&format!("{DEVICES}/{pci}/driver")),
            netdev: sources.tree.names(&format!("{DEVICES}/{pci}/net")).into_iter().next(),
        })
        .collect();
    vfs.sort_by_key(|vf| vf.pci);
    vfs
}

fn serial(sources: &Sources, path: &str, pci: PciAddress) -> Result<String, Fault> {
    let bytes = sources.tree.bytes(path, vpd::LARGEST).map_err(|error| {
        Fault::new(format!("the serial number of {pci} cannot be read ({error})"), "run this as root")
    })?;
    vpd::serial(&bytes).map_err(|why| {
        let remedy = format!("see `lspci -vv -s {pci}`, as root");
        Fault::new(format!("the serial number of {pci} cannot be read ({why})"), remedy)
    })
}

/// What `ip` says of all links, asked once and only where sysfs does not tell.
struct Links<'a> {
    sources: &'a Sources,
    answer: OnceCell<Result<Value, Fault>>,
}

impl Links<'_> {
    /// `addr_assign_type` 0 is the address that the card gave (`include/uapi/linux/netdevice.h: NET_ADDR_PERM`). Where
    /// another was set since, `ip` has the first as `permaddr`.
    fn permanent(&self, directory: &str, netdev: &str, mac: Option<Mac>) -> Result<Option<Mac>, Fault> {
        let assigned = self.sources.attribute(&format!("{directory}net/{netdev}/addr_assign_type"));
        if assigned.is_ok_and(|kind| kind == "0") {
            return Ok(mac);
        }
        let answer = self.answer.get_or_init(|| self.sources.json("ip-link.json", &LINKS));
        let links = answer.as_ref().map_err(Clone::clone)?.as_array();
        let link = links.into_iter().flatten().find(|link| link["ifname"] == netdev);
        let permanent = link.and_then(|link| link["permaddr"].as_str()).and_then(address);
        permanent.map(Some).ok_or_else(|| {
            let why = format!(
                "the permanent address of {netdev} is not known: another was set, and ip does not say it"
            );
            Fault::new(why, format!("see `ethtool -P {netdev}`"))
        })
    }
}
