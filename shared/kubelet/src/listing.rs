//! All pods of a node, and which device is whose.

use bytes::Bytes;

use crate::{Failure, PodDevices, message};

/// All pods of a node with their devices, by one answer that came whole. What is not in it the kubelet does not know:
/// a pod that has ended, or, right after its start, any pod that it has yet to hear of from the API server.
#[derive(Clone, Debug)]
pub struct Listing {
    pods: Vec<PodDevices>,
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

    /// All pods.
    pub fn pods(&self) -> impl Iterator<Item = &PodDevices> {
        self.pods.iter()
    }

    /// The pods of this name: two while the last one's namesake has not ended.
    pub fn named<'a>(&'a self, namespace: &'a str, name: &'a str) -> impl Iterator<Item = &'a PodDevices> {
        self.pods().filter(move |pod| pod.namespace == namespace && pod.name == name)
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::wire::{ListPodResourcesResponse, PodResources};

    fn read(names: &[&str]) -> Result<Listing, Failure> {
        let pod = |name: &&str| PodResources {
            name: (*name).into(),
            namespace: "web".into(),
            ..PodResources::default()
        };
        let pod_resources = names.iter().map(pod).collect();
        Listing::read(ListPodResourcesResponse { pod_resources }.encode_to_vec().into(), None)
    }

    #[test]
    fn finds_namesakes() {
        let listing = read(&["a", "b", "a"]).expect("an answer");
        assert_eq!(["a", "b", "c"].map(|name| listing.named("web", name).count()), [2, 1, 0]);
        assert_eq!(listing.named("shop", "a").count(), 0);
    }

    #[test]
    fn a_pod_without_a_name_is_no_answer() {
        assert!(matches!(read(&["a", ""]), Err(Failure::Garbage(_))));
    }
}
