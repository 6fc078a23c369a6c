//! A host as the SR-IOV operator's daemon sees it (`api/v1/sriovnetworknodestate_types.go: InterfaceExt`): where there is no
//! inventory, its functions' present addresses are better than nothing.

use linux::sriov::PciAddress;
use serde::Deserialize;
use serde_json::Value;

use crate::inventory::NodeName;
use crate::inventory::document::Function;

/// The object's kind.
pub(super) const KIND: &str = "SriovNetworkNodeState";

#[derive(Deserialize)]
struct State {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    name: NodeName,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    interfaces: Vec<Interface>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Interface {
    pci_address: PciAddress,
    vendor: String,
    #[serde(rename = "deviceID")]
    device: String,
    driver: Option<String>,
    name: Option<String>,
    mac: Option<String>,
    totalvfs: Option<u32>,
}

/// Its name, which is the node's, and its functions.
pub(super) fn host(
    object: Value,
) -> Result<(NodeName, Vec<Function>), serde_path_to_error::Error<serde_json::Error>> {
    let state: State = serde_path_to_error::deserialize(object)?;
    Ok((state.metadata.name, state.status.interfaces.into_iter().map(function).collect()))
}

fn function(interface: Interface) -> Function {
    Function {
        pci: interface.pci_address,
        vendor: interface.vendor,
        device: interface.device,
        driver: interface.driver,
        netdev: interface.name,
        mac: interface.mac.as_deref().and_then(|mac| mac.parse().ok()),
        permanent_mac: None,
        serial: None,
        total_vfs: interface.totalvfs,
        vfs: Vec::new(),
        firmware: None,
    }
}
