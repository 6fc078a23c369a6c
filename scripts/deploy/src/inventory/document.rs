//! What an inventory says: the document that `inventory` writes and `match` reads. Its schema is `inventory.schema.json`
//! beside this crate; a field that comes later is passed over by who does not know it, another meaning is another version.

use std::collections::BTreeMap;

use linux::Mac;
use linux::sriov::PciAddress;
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::NodeName;
use crate::fault::Fault;
use crate::known::NVIDIA;

/// A host, or a card, as it was when this was read. What is `null` is not known; why, `unread` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Inventory {
    pub(crate) api_version: Version,
    pub(crate) kind: Kind,
    /// The node's name in its cluster.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) node: NodeName,
    /// What the firmware calls the machine (DMI).
    pub(crate) product: Option<String>,
    /// The physical functions that have VFs or are a DPU's.
    pub(crate) functions: Vec<Function>,
    /// What only a card has; `null` on a host.
    pub(crate) card: Option<Card>,
    /// What could not be read, why, and what to do about it.
    pub(crate) unread: Vec<Fault>,
}

/// The only version that there is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(crate) enum Version {
    #[serde(rename = "dpu-cni/v1")]
    V1,
}

/// As every object of Kubernetes has one, so that files of both can be told apart.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(crate) enum Kind {
    Inventory,
}

/// A physical function of a network card.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Function {
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) pci: PciAddress,
    /// PCI vendor ID, four hexadecimal digits.
    pub(crate) vendor: String,
    /// PCI device ID, four hexadecimal digits.
    pub(crate) device: String,
    pub(crate) driver: Option<String>,
    /// Its network device, on a card the uplink.
    pub(crate) netdev: Option<String>,
    /// The address that it has now.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) mac: Option<Mac>,
    /// The address that the card gave it, whatever was set since.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) permanent_mac: Option<Mac>,
    /// The board's serial number (PCI VPD, keyword SN).
    pub(crate) serial: Option<String>,
    /// How many VFs it could have (`sriov_totalvfs`).
    pub(crate) total_vfs: Option<u32>,
    pub(crate) vfs: Vec<Vf>,
    /// What `mstconfig` says, where it is there.
    pub(crate) firmware: Option<Firmware>,
}

impl Function {
    /// Whether it is a BlueField-2's or -3's, which have the same numbers on both sides.
    pub(crate) fn is_dpu(&self) -> bool {
        self.vendor == NVIDIA && ["a2d6", "a2dc"].contains(&self.device.as_str())
    }
}

/// A virtual function.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Vf {
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) pci: PciAddress,
    pub(crate) driver: Option<String>,
    /// None while a pod has it.
    pub(crate) netdev: Option<String>,
}

/// The firmware's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Firmware {
    /// The mode that the card is in.
    pub(crate) mode: Mode,
    /// The mode that it will be in after the next power cycle.
    pub(crate) next_mode: Mode,
    /// `NUM_OF_VFS`.
    pub(crate) num_of_vfs: Option<u32>,
    /// Keys that wait for a power cycle.
    pub(crate) pending: Vec<String>,
}

/// Who has the card's switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mode {
    /// The card's own processor.
    Dpu,
    /// The host, as with any other network card.
    Nic,
    /// The keys do not agree, or are not all there.
    Unknown,
}

/// What only a card has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Card {
    /// The mode of each function's switch, in devlink's words: `switchdev`, `legacy`.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, String>"))]
    pub(crate) eswitch: BTreeMap<PciAddress, String>,
    /// The ports of these switches.
    pub(crate) ports: Vec<Port>,
    /// `null` where Open vSwitch was not asked.
    pub(crate) ovs: Option<Ovs>,
}

impl Card {
    /// The tenant's node that the card works for, as Open vSwitch has it (ovn-kubernetes `dist/images/ovnkube.sh`).
    pub(crate) fn host_node(&self) -> Option<&str> {
        self.ovs.as_ref()?.external_ids.get("host-k8s-nodename").map(String::as_str)
    }
}

/// A port of the card's switch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Port {
    /// devlink's name of it, or the file that stands in for devlink.
    pub(crate) name: String,
    pub(crate) netdev: Option<String>,
    /// In devlink's words: `physical`, `pcipf`, `pcivf`, `pcisf`.
    pub(crate) flavour: String,
    /// 1 for the first host that the card serves.
    pub(crate) controller: Option<u32>,
    /// The number of the host's physical function.
    pub(crate) pf: Option<u32>,
    /// The number of its VF.
    pub(crate) vf: Option<u32>,
    /// Whether the function behind it is not the card's own.
    pub(crate) external: bool,
    /// The permanent address of the function behind it.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) hw_addr: Option<Mac>,
}

impl Port {
    /// Whether a physical function of a host is behind it.
    pub(crate) fn is_host_function(&self) -> bool {
        self.flavour == "pcipf" && (self.external || self.controller.is_none())
    }
}

/// What Open vSwitch has in its database.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ovs {
    /// Of the only row of `Open_vSwitch`: `host-k8s-nodename`, `ovn-encap-ip` and others.
    pub(crate) external_ids: BTreeMap<String, String>,
    /// Of the same row: `hw-offload` and others.
    pub(crate) other_config: BTreeMap<String, String>,
    pub(crate) bridges: Vec<Bridge>,
}

/// A bridge; the host's representor is a port of one of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bridge {
    pub(crate) name: String,
    /// Empty is the kernel's.
    pub(crate) datapath: String,
    pub(crate) ports: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With UPDATE=1 it is written anew.
    #[test]
    fn the_published_schema_is_of_these_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/inventory.schema.json");
        let schema = schemars::schema_for!(Inventory);
        let text = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &text).expect("written");
        }
        assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), text);
    }
}
