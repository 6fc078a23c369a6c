//! All pods of a node, and which device is whose.

use bytes::Bytes;

use crate::Failure;
use crate::message;
use crate::wire::PodResources;

/// All pods of a node with their devices, by one answer that came whole. What is not in it the kubelet does not know:
/// a pod that has ended, or, right after its start, any pod that it has yet to hear of from the API server.
#[derive(Clone, Debug)]
pub struct Listing {
    pods: Vec<PodResources>,
    pid: Option<i32>,
}

impl Listing {
    /// Reads the message of an answer by the kubelet that is this process.
    pub(crate) fn read(message: Bytes, pid: Option<i32>) -> Result<Self, Failure> {
        let pods = message::pods(message)?.collect::<Result<Vec<_>, _>>()?;
        if pods.iter().any(|pod| pod.name.is_empty() || pod.namespace.is_empty()) {
            return Err(Failure::Garbage("a pod without a name".into()));
        }
        Ok(Listing { pods, pid })
    }

    /// The kubelet's process; `None` when it is in another PID namespace than this one, whose processes are all that
    /// can be seen from here.
    pub fn pid(&self) -> Option<i32> {
        self.pid
    }

    /// How many pods of this name there are: two while the last one's namesake has not ended.
    pub fn count(&self, namespace: &str, name: &str) -> usize {
        self.pods.iter().filter(|pod| pod.namespace == namespace && pod.name == name).count()
    }

    /// Whether a pod of this name has been given the device, of whatever resource.
    pub fn gives(&self, namespace: &str, name: &str, device: &str) -> bool {
        self.owners(device).any(|owner| owner == (namespace, name))
    }

    /// Namespaces and names of the pods that have been given the device, of whatever resource.
    pub fn owners<'a>(&'a self, device: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let has = move |pod: &&PodResources| {
            let mut devices = pod.containers.iter().flat_map(|container| &container.devices);
            devices.any(|devices| devices.device_ids.iter().any(|id| id == device))
        };
        self.pods.iter().filter(has).map(|pod| (pod.namespace.as_str(), pod.name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::wire::{ContainerDevices, ContainerResources, ListPodResourcesResponse};

    fn pod(name: &str, devices: &[(&str, &str)]) -> PodResources {
        let container = |(resource, id): &(&str, &str)| ContainerResources {
            devices: vec![ContainerDevices {
                resource_name: (*resource).into(),
                device_ids: vec![(*id).into()],
            }],
            ..ContainerResources::default()
        };
        PodResources {
            name: name.into(),
            namespace: "web".into(),
            containers: devices.iter().map(container).collect(),
        }
    }

    fn read(pod_resources: Vec<PodResources>) -> Result<Listing, Failure> {
        Listing::read(ListPodResourcesResponse { pod_resources }.encode_to_vec().into(), None)
    }

    #[test]
    fn tells_whose_a_device_is_whatever_its_resource() {
        let pods =
            vec![pod("a", &[("x/gpu", "g"), ("x/vf", "v")]), pod("b", &[]), pod("c", &[("y/vf", "v")])];
        let listing = read(pods).expect("an answer");
        assert_eq!(listing.owners("v").collect::<Vec<_>>(), [("web", "a"), ("web", "c")]);
        assert!(
            listing.gives("web", "a", "g")
                && !listing.gives("web", "b", "g")
                && !listing.gives("x", "a", "g")
        );
    }

    #[test]
    fn counts_namesakes() {
        let listing =
            read(vec![pod("a", &[]), pod("b", &[]), pod("a", &[("x/vf", "v")])]).expect("an answer");
        assert_eq!(["a", "b", "c"].map(|name| listing.count("web", name)), [2, 1, 0]);
    }

    #[test]
    fn a_pod_without_a_name_is_no_answer() {
        assert!(matches!(read(vec![pod("a", &[]), pod("", &[])]), Err(Failure::Garbage(_))));
    }
}
