//! The switches of a card and their ports, from devlink's JSON. Where devlink cannot be asked, the vendor's files and
//! names in sysfs stand in for it, as they do for ovn-kubernetes (`sriovnet_switchdev.go`).

use std::collections::BTreeMap;

use linux::Mac;
use linux::sriov::PciAddress;
use serde::Deserialize;

use super::document::{Function, Port};
use super::sources::{Sources, strange};
use crate::fault::Fault;

const NETDEVS: &str = "/sys/class/net";
const PORTS: [&str; 4] = ["devlink", "-j", "port", "show"];

#[derive(Deserialize)]
struct Ports {
    port: BTreeMap<String, Row>,
}

/// A port as iproute2 prints it (`devlink/devlink.c: pr_out_port`).
#[derive(Deserialize)]
struct Row {
    netdev: Option<String>,
    flavour: Option<String>,
    controller: Option<u32>,
    pfnum: Option<u32>,
    vfnum: Option<u32>,
    #[serde(default)]
    external: bool,
    #[serde(default)]
    function: Behind,
}

/// The function behind a port.
#[derive(Default, Deserialize)]
struct Behind {
    hw_addr: Option<String>,
}

#[derive(Deserialize)]
struct Switches {
    dev: BTreeMap<String, Switch>,
}

#[derive(Deserialize)]
struct Switch {
    mode: Option<String>,
}

/// All ports.
pub(super) fn ports(sources: &Sources) -> Result<Vec<Port>, Fault> {
    let answer = sources.json("devlink-port.json", &PORTS)?;
    let ports: Ports = serde_path_to_error::deserialize(answer).map_err(|error| strange(&PORTS, error))?;
    Ok(ports.port.into_iter().map(|(name, row)| port(name, row)).collect())
}

fn port(name: String, row: Row) -> Port {
    Port {
        name,
        netdev: row.netdev,
        flavour: row.flavour.unwrap_or_default(),
        controller: row.controller,
        pf: row.pfnum,
        vf: row.vfnum,
        external: row.external,
        hw_addr: row.function.hw_addr.as_deref().and_then(address),
    }
}

/// An address; all zero is how a function says that it has none.
pub(super) fn address(text: &str) -> Option<Mac> {
    text.parse().ok().filter(|mac: &Mac| mac.octets() != [0; 6])
}

/// The hosts' functions by sysfs: the uplink `p<N>` has a file about PF N, and the representor of that is named by the
/// port's name. Without devlink the other ports are left out.
pub(super) fn ports_of_sysfs(sources: &Sources) -> Vec<Port> {
    let names = sources.tree.names(NETDEVS);
    let named: BTreeMap<String, &String> =
        names.iter().filter_map(|netdev| Some((port_name(sources, netdev)?, netdev))).collect();
    let uplinks = named.iter().filter_map(|(port, uplink)| {
        let number: u32 = port.strip_prefix('p')?.parse().ok()?;
        let name = format!("{NETDEVS}/{uplink}/smart_nic/pf/config");
        let config = sources.attribute(&name).ok();
        let representor = [format!("c1pf{number}"), format!("pf{number}")];
        let netdev = representor.iter().find_map(|name| named.get(name));
        if config.is_none() && netdev.is_none() {
            return None;
        }
        Some(Port {
            name,
            netdev: netdev.map(|netdev| (*netdev).clone()),
            flavour: "pcipf".to_owned(),
            controller: None,
            pf: Some(number),
            vf: None,
            external: true,
            hw_addr: config.as_deref().and_then(configured),
        })
    });
    uplinks.collect()
}

/// `MAC        : 0c:42:a1:de:cf:7c`
fn configured(config: &str) -> Option<Mac> {
    let (_, mac) =
        config.lines().find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == "MAC"))?;
    address(mac.trim())
}

/// A port's name, such as `p0`, `pf0` or `c1pf0vf3`; none where the driver has none.
pub(super) fn port_name(sources: &Sources, netdev: &str) -> Option<String> {
    sources.attribute(&format!("{NETDEVS}/{netdev}/phys_port_name")).ok().filter(|name| !name.is_empty())
}

/// The mode of a function's switch. Without devlink: an uplink of a switch has that switch's number.
pub(super) fn eswitch(sources: &Sources, function: &Function) -> Result<String, Fault> {
    let device = format!("pci/{}", function.pci);
    mode(sources, &function.pci, &device).or_else(|fault| {
        let uplink = function.netdev.as_ref().map(|netdev| format!("{NETDEVS}/{netdev}/phys_switch_id"));
        let number = uplink.and_then(|path| sources.attribute(&path).ok()).unwrap_or_default();
        if number.is_empty() { Err(fault) } else { Ok("switchdev".to_owned()) }
    })
}

fn mode(sources: &Sources, function: &PciAddress, device: &str) -> Result<String, Fault> {
    let command = ["devlink", "-j", "dev", "eswitch", "show", device];
    let answer = sources.json(&format!("devlink-eswitch-{function}.json"), &command)?;
    let mut switches: Switches =
        serde_path_to_error::deserialize(answer).map_err(|error| strange(&command, error))?;
    let mode = switches.dev.remove(device).and_then(|switch| switch.mode);
    mode.ok_or_else(|| strange(&command, format!("no mode of {device}")))
}
