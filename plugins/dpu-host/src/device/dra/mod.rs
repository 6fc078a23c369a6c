//! VFs that a pod has by dynamic resource allocation: by a claim of its own, or by an extended resource that the scheduler
//! makes a claim of (KEP-5004).
//!
//! The kubelet tells a claim's devices as their driver calls them; neither the request nor the class nor the extended
//! resource they are of. What they are is told by their name, where the driver makes it of the address, else by the file
//! that the driver leaves for the pod (KEP-5304). Their CDI names tell no device from another, and the kubelet's own
//! checkpoint is nobody else's.

mod driver;
mod metadata;
mod proof;

use std::collections::BTreeSet;

use cni::Error;
use kubelet::{Claim, ClaimDevice, Listing, PodDevices};
use linux::sriov::PciAddress;

pub(crate) use self::driver::on_node;
#[cfg(fuzzing)]
pub(crate) use self::metadata::told;
use super::{DeviceId, choice};
use crate::error::{self, Lack};
use crate::node::Node;

/// What is to be done about a claim's device that is none of the DPU's.
const SELECTION: &str = "check what its driver and the DeviceClass select: that must be VFs of the DPU only";

/// What a pod has by claims.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// VFs that it may be given, container by container, sorted in each.
    pub(crate) vfs: Vec<DeviceId>,
    /// Of the first claim of which nothing says which VF it is.
    pub(crate) untold: Option<Lack>,
    /// The first device of a driver that counts and that no pod can be given.
    pub(crate) unfit: Option<Error>,
    /// Drivers that do not count, of all claims.
    pub(crate) foreign: BTreeSet<String>,
    /// The claims that have VFs, as `namespace/name`.
    pub(crate) with_vfs: BTreeSet<String>,
}

/// Whether a pod has been given a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Given {
    /// It has not.
    No,
    /// It has a claim of which it cannot be told.
    Untold,
    /// It has.
    Yes,
}

/// Everything that the pod has by claims of the drivers that count.
pub(crate) fn survey(node: &Node, pod: &PodDevices) -> Survey {
    let mut survey = Survey::default();
    for container in &pod.containers {
        let mut vfs = BTreeSet::new();
        for claim in &container.claims {
            survey.look(node, claim, &mut vfs);
        }
        survey.vfs.extend(vfs.into_iter().map(DeviceId::Pci));
    }
    survey.vfs = choice::once(std::mem::take(&mut survey.vfs));
    survey
}

/// Those of the VFs that are proven to be of the resource, else all of them.
pub(crate) fn of_resource(vfs: Vec<DeviceId>, resource: &str) -> Vec<DeviceId> {
    let proven: Vec<DeviceId> = vfs.iter().filter(|id| proof::is_of(id, resource)).cloned().collect();
    if proven.is_empty() { vfs } else { proven }
}

/// Whether the pod has been given `id`, by a device plugin or a claim.
pub(crate) fn gives(node: &Node, pod: &PodDevices, id: &DeviceId) -> Given {
    let name = id.to_string();
    if pod.devices().any(|device| device.id == name) {
        return Given::Yes;
    }
    let mut given = Given::No;
    for claim in pod.claims() {
        // Whoever takes it for one that has not had better be sure: any driver may have given it.
        let told: Vec<_> = if claim.devices.is_empty() {
            devices(node, &claim).into_iter().map(|(_, address)| address).chain([None]).collect()
        } else {
            claim.devices.iter().map(|device| address(&claim, device)).collect()
        };
        if told.iter().flatten().any(|address| DeviceId::Pci(*address) == *id) {
            return Given::Yes;
        }
        if told.contains(&None) {
            given = Given::Untold;
        }
    }
    given
}

/// Namespaces and names of the pods that have been given `id`.
pub(crate) fn owners<'a>(
    node: &'a Node,
    listing: &'a Listing,
    id: &'a DeviceId,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let has = move |pod: &&PodDevices| gives(node, pod, id) == Given::Yes;
    listing.pods().filter(has).map(|pod| (pod.namespace.as_str(), pod.name.as_str()))
}

impl Survey {
    fn look(&mut self, node: &Node, claim: &Claim, vfs: &mut BTreeSet<PciAddress>) {
        let name = format!("{}/{}", claim.namespace, claim.name);
        let others = claim.devices.iter().filter(|device| !counts(node, &device.driver));
        self.foreign.extend(others.map(|device| device.driver.clone()));
        let devices = devices(node, claim);
        if claim.devices.is_empty() && devices.is_empty() {
            self.untold.get_or_insert(Lack::Unprepared { claim: name.clone() });
        }
        for (device, address) in devices {
            let Some(address) = address else {
                let ClaimDevice { driver, name: device, .. } = device;
                self.untold.get_or_insert(Lack::Untold { claim: name.clone(), driver, device });
                continue;
            };
            match unfit(node, &address) {
                None => {
                    vfs.insert(address);
                    self.with_vfs.insert(name.clone());
                }
                Some(why) => {
                    let why = format!("of claim {name} {why}");
                    let unfit = error::bad_device(&DeviceId::Pci(address), why, SELECTION);
                    self.unfit.get_or_insert(unfit);
                }
            }
        }
    }
}

/// A claim's devices of the drivers that count, each with its address where that can be told. Of a claim without
/// devices, those of which a driver's file tells.
fn devices(node: &Node, claim: &Claim) -> Vec<(ClaimDevice, Option<PciAddress>)> {
    if claim.devices.is_empty() {
        let drivers = node.config.dra_drivers.iter();
        let of = |driver: &String| metadata::devices(claim, driver).into_iter();
        return drivers.flat_map(of).map(|(device, address)| (device, Some(address))).collect();
    }
    let counting = claim.devices.iter().filter(|device| counts(node, &device.driver));
    counting.map(|device| (device.clone(), address(claim, device))).collect()
}

/// Whether a driver's devices may be pods' VFs. One that is not told may be any.
fn counts(node: &Node, driver: &str) -> bool {
    driver.is_empty() || node.config.dra_drivers.iter().any(|known| known == driver)
}

fn address(claim: &Claim, device: &ClaimDevice) -> Option<PciAddress> {
    driver::address(&device.driver, &device.name).or_else(|| metadata::address(claim, device))
}

/// Why the device is no VF that a pod of this node can have.
fn unfit(node: &Node, address: &PciAddress) -> Option<String> {
    if !node.sysfs.exists(address) {
        return Some("does not exist on this node".into());
    }
    match node.sysfs.pf(address) {
        None => Some("is not a virtual function".into()),
        Some(pf) if node.lists(&pf) => None,
        Some(pf) => Some(format!("is a VF of {pf}, which physicalFunctions does not list")),
    }
}
