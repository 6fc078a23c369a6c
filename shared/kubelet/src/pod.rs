//! What the kubelet has given to one pod.

use std::collections::{BTreeMap, BTreeSet};

use crate::wire::{ContainerResources, DynamicResource, PodResources};

/// A pod, and what each of its containers has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodDevices {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its containers in the kubelet's order; init containers that go on running among them.
    pub containers: Vec<Container>,
}

/// One container's devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// What device plugins gave it, each once and sorted: the kubelet's order is that of a Go map, another one at each
    /// call.
    pub devices: BTreeSet<Device>,
    /// What it has by dynamic resource allocation.
    pub claims: Vec<Claim>,
}

/// A device plugin's device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Device {
    /// Its ID.
    pub id: String,
    /// The extended resource, `prefix/name`.
    pub resource: String,
}

/// A resource claim with its devices, all of them: the API does not tell which one a container asked for, nor of what
/// class or extended resource it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its devices, each once and sorted. None does not mean that it has none: some drivers tell the kubelet nothing.
    pub devices: BTreeSet<ClaimDevice>,
}

/// A device of a claim. Two are the same when all of this is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClaimDevice {
    /// The driver; empty before Kubernetes 1.31.
    pub driver: String,
    /// The driver's pool.
    pub pool: String,
    /// The device as its driver calls it; empty before Kubernetes 1.31.
    pub name: String,
    /// Which share of a device that several claims have.
    pub share: Option<String>,
}

impl PodDevices {
    /// The claims of all containers, each once with all of its devices, in the order of their first appearance.
    pub fn claims(&self) -> Vec<Claim> {
        merged(self.containers.iter().flat_map(|container| container.claims.iter().cloned()))
    }

    /// The devices of all containers that device plugins gave.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        self.containers.iter().flat_map(|container| &container.devices)
    }
}

impl From<PodResources> for PodDevices {
    fn from(PodResources { name, namespace, containers }: PodResources) -> Self {
        PodDevices { namespace, name, containers: containers.into_iter().map(Container::from).collect() }
    }
}

impl From<ContainerResources> for Container {
    fn from(container: ContainerResources) -> Self {
        let devices = container.devices.into_iter().flat_map(|devices| {
            let resource = devices.resource_name;
            devices.device_ids.into_iter().map(move |id| Device { id, resource: resource.clone() })
        });
        Container {
            devices: devices.collect(),
            claims: merged(container.dynamic_resources.into_iter().map(Claim::from)),
        }
    }
}

impl From<DynamicResource> for Claim {
    fn from(claim: DynamicResource) -> Self {
        let devices = claim.claim_resources.into_iter().map(|device| ClaimDevice {
            driver: device.driver_name,
            pool: device.pool_name,
            name: device.device_name,
            share: device.share_id,
        });
        Claim { namespace: claim.claim_namespace, name: claim.claim_name, devices: devices.collect() }
    }
}

/// Claims of one name as one.
fn merged(claims: impl Iterator<Item = Claim>) -> Vec<Claim> {
    let mut at: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut merged: Vec<Claim> = Vec::new();
    for claim in claims {
        let next = merged.len();
        match *at.entry((claim.namespace.clone(), claim.name.clone())).or_insert(next) {
            known if known < next => merged[known].devices.extend(claim.devices),
            _ => merged.push(claim),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{CdiDevice, ClaimResource, ContainerDevices};

    fn devices(resource: &str, id: &str) -> ContainerDevices {
        ContainerDevices { resource_name: resource.into(), device_ids: vec![id.into()] }
    }

    fn claim(name: &str, devices: &[(&str, &str, Option<&str>)]) -> DynamicResource {
        let device = |(driver, name, share): &(&str, &str, Option<&str>)| ClaimResource {
            cdi_devices: vec![CdiDevice { name: format!("{driver}/vf={name}") }],
            driver_name: (*driver).into(),
            pool_name: "node-1".into(),
            device_name: (*name).into(),
            share_id: share.map(str::to_owned),
        };
        DynamicResource {
            claim_name: name.into(),
            claim_namespace: "web".into(),
            claim_resources: devices.iter().map(device).collect(),
        }
    }

    #[test]
    fn a_containers_devices_are_sorted() {
        let container = |ids: [&str; 3]| {
            let devices = ids.map(|id| devices("x/vf", id)).to_vec();
            Container::from(ContainerResources { devices, ..ContainerResources::default() })
        };
        assert_eq!(container(["b", "c", "a"]), container(["a", "b", "c"]));
        let ids: Vec<_> = container(["c", "a", "c"]).devices.into_iter().map(|device| device.id).collect();
        assert_eq!(ids, ["a", "c"]);
    }

    /// kubernetes #141335: at each retry of a driver that fails the same device once more.
    #[test]
    fn a_repeated_device_is_one_its_shares_several() {
        let repeated = vec![("d", "vf-2", None); 10_000];
        let read = Claim::from(claim("one", &repeated));
        assert_eq!(read.devices.len(), 1);
        let shared =
            Claim::from(claim("one", &[("d", "vf-2", Some("s")), ("d", "vf-2", None), ("e", "vf-2", None)]));
        assert_eq!(shared.devices.len(), 3);
    }

    #[test]
    fn a_claim_of_several_containers_is_one() {
        let container = |claims: Vec<DynamicResource>| ContainerResources {
            dynamic_resources: claims,
            ..ContainerResources::default()
        };
        let pod = PodDevices::from(PodResources {
            containers: vec![
                container(vec![claim("b", &[("d", "2", None)]), claim("a", &[])]),
                container(vec![claim("b", &[("d", "2", None), ("d", "3", None)])]),
            ],
            ..PodResources::default()
        });
        let names: Vec<_> =
            pod.claims().iter().map(|claim| (claim.name.clone(), claim.devices.len())).collect();
        assert_eq!(names, [("b".to_owned(), 2), ("a".to_owned(), 0)]);
    }
}
