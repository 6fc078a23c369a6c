//! From the answer's bytes to a pod's devices.

use std::collections::BTreeSet;

use bytes::{Buf, Bytes};
use prost::Message;

use crate::Failure;
use crate::wire::{PREFIX, PodResources};

/// What the kubelet knows of a pod's devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodDevices {
    /// The kubelet does not know the pod.
    UnknownPod,
    /// The pod has no device of the resource: it did not ask for one.
    NoneOf {
        /// The resources of which it has devices.
        others: BTreeSet<String>,
    },
    /// The devices' IDs, each once, in the kubelet's order. All containers' count, init containers' too; what dynamic
    /// resource allocation gave does not.
    Devices(Vec<String>),
}

/// `ListPodResourcesResponse` with its pods not yet decoded: of a node's hundreds one is of interest.
#[derive(Clone, PartialEq, Message)]
struct Pods {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pods: Vec<Bytes>,
}

/// The only message of a gRPC answer.
pub(crate) fn unframe(mut body: Bytes) -> Result<Bytes, Failure> {
    let garbage = |text: &str| Err(Failure::Garbage(text.into()));
    if body.len() < PREFIX {
        return garbage("less than a gRPC message");
    }
    if body.get_u8() != 0 {
        return garbage("a compressed message that was not asked for");
    }
    let length = body.get_u32() as usize;
    if body.len() != length {
        return Err(Failure::Garbage(format!("{} bytes, where {length} were announced", body.len())));
    }
    Ok(body)
}

/// The pods of an answer to `List`, one at a time.
pub(crate) fn pods(list: Bytes) -> Result<impl Iterator<Item = Result<PodResources, Failure>>, Failure> {
    let garbage = |error| Failure::Garbage(format!("{error}"));
    let pods = Pods::decode(list).map_err(garbage)?.pods;
    Ok(pods.into_iter().map(move |pod| PodResources::decode(pod).map_err(garbage)))
}

/// The pod's devices of a resource.
pub(crate) fn devices(
    list: &Bytes,
    namespace: &str,
    name: &str,
    resource: &str,
) -> Result<PodDevices, Failure> {
    let mut known = false;
    let mut ids: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut others = BTreeSet::new();
    for pod in pods(list.clone())? {
        let pod = pod?;
        if pod.namespace != namespace || pod.name != name {
            continue;
        }
        known = true;
        for devices in pod.containers.into_iter().flat_map(|container| container.devices) {
            if devices.resource_name == resource {
                // A container may inherit an init container's device.
                ids.extend(devices.device_ids.into_iter().filter(|id| seen.insert(id.clone())));
            } else {
                others.insert(devices.resource_name);
            }
        }
    }
    Ok(match (known, ids.is_empty()) {
        (false, _) => PodDevices::UnknownPod,
        (true, true) => PodDevices::NoneOf { others },
        (true, false) => PodDevices::Devices(ids),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{ContainerDevices, ContainerResources, ListPodResourcesResponse, frame};

    const VF: &str = "openshift.io/dpuvf";

    fn pod(namespace: &str, name: &str, containers: &[&[(&str, &[&str])]]) -> PodResources {
        let devices = |(resource, ids): &(&str, &[&str])| ContainerDevices {
            resource_name: (*resource).into(),
            device_ids: ids.iter().map(|id| (*id).into()).collect(),
        };
        let container = |all: &&[(&str, &[&str])]| ContainerResources {
            devices: all.iter().map(devices).collect(),
            ..ContainerResources::default()
        };
        PodResources {
            name: name.into(),
            namespace: namespace.into(),
            containers: containers.iter().map(container).collect(),
        }
    }

    fn ask(pods: Vec<PodResources>) -> PodDevices {
        let bytes = frame(&ListPodResourcesResponse { pod_resources: pods });
        devices(&unframe(bytes.into()).expect("one message"), "web", "web-0", VF).expect("an answer")
    }

    #[test]
    fn collects_each_containers_devices_in_order() {
        let pods = vec![
            pod("web", "web-1", &[&[(VF, &["other"])]]),
            pod("shop", "web-0", &[&[(VF, &["other"])]]),
            pod("web", "web-0", &[&[(VF, &["b"])], &[("x/gpu", &["g"]), (VF, &["c", "a"])], &[(VF, &["b"])]]),
        ];
        assert_eq!(ask(pods), PodDevices::Devices(vec!["b".into(), "c".into(), "a".into()]));
    }

    #[test]
    fn tells_not_asked_from_unknown() {
        let others = ["x/gpu".to_owned()].into();
        assert_eq!(ask(vec![pod("web", "web-0", &[&[("x/gpu", &["g"])]])]), PodDevices::NoneOf { others });
        assert_eq!(ask(vec![pod("web", "web-0", &[])]), PodDevices::NoneOf { others: BTreeSet::new() });
        assert_eq!(ask(vec![]), PodDevices::UnknownPod);
    }

    #[test]
    fn refuses_what_is_not_one_message() {
        for bytes in [&[][..], &[0, 0], &[1, 0, 0, 0, 0], &[0, 0, 0, 0, 2, 0], &[0, 0, 0, 0, 0, 0]] {
            assert!(matches!(unframe(Bytes::copy_from_slice(bytes)), Err(Failure::Garbage(_))), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_an_error(bytes: Vec<u8>) {
            if let Ok(message) = unframe(bytes.clone().into()) {
                let _ = devices(&message, "web", "web-0", VF);
            }
            let _ = devices(&bytes.into(), "web", "web-0", VF);
        }

        #[test]
        fn a_damaged_answer_is_an_answer_or_an_error(at in 0usize..64, byte: u8) {
            let pods = vec![pod("web", "web-0", &[&[(VF, &["0000:03:00.2"]), ("x/gpu", &["g"])]])];
            let mut bytes = frame(&ListPodResourcesResponse { pod_resources: pods });
            let length = bytes.len();
            bytes[at % length] = byte;
            if let Ok(message) = unframe(bytes.into()) {
                let _ = devices(&message, "web", "web-0", VF);
            }
        }
    }
}
