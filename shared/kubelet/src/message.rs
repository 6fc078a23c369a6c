//! From an answer's bytes to pods.

use bytes::{Buf, Bytes};
use prost::Message;

use crate::wire::{GetPodResourcesResponse, PREFIX, PodResources};
use crate::{Failure, PodDevices};

/// `ListPodResourcesResponse` with its pods not yet decoded: of a node's hundreds one may be of interest.
#[derive(Clone, PartialEq, Message)]
struct Pods {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pods: Vec<Bytes>,
}

/// Namespace and name of a pod, whose devices are passed over.
#[derive(Clone, PartialEq, Message)]
struct Name {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    namespace: String,
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
pub(crate) fn pods(list: Bytes) -> Result<impl Iterator<Item = Result<PodDevices, Failure>>, Failure> {
    let pods = Pods::decode(list).map_err(garbage)?.pods;
    Ok(pods.into_iter().map(|pod| PodResources::decode(pod).map(PodDevices::from).map_err(garbage)))
}

/// The pod of an answer to `Get`.
pub(crate) fn only(answer: Bytes, namespace: &str, name: &str) -> Result<PodDevices, Failure> {
    let pod = GetPodResourcesResponse::decode(answer).map_err(garbage)?.pod_resources;
    let is_it = |pod: &PodResources| pod.namespace == namespace && pod.name == name;
    let another = || Failure::Garbage("another pod than was asked for".into());
    pod.filter(is_it).map(PodDevices::from).ok_or_else(another)
}

/// The pod in an answer to `List`; of several by that name, the last of which has not ended yet, all containers. Others
/// are not looked into.
pub(crate) fn one_of(list: Bytes, namespace: &str, name: &str) -> Result<Option<PodDevices>, Failure> {
    let mut found: Option<PodDevices> = None;
    for bytes in Pods::decode(list).map_err(garbage)?.pods {
        let of = Name::decode(bytes.clone()).map_err(garbage)?;
        if of.namespace != namespace || of.name != name {
            continue;
        }
        let pod = PodDevices::from(PodResources::decode(bytes).map_err(garbage)?);
        match &mut found {
            None => found = Some(pod),
            Some(found) => found.containers.extend(pod.containers),
        }
    }
    Ok(found)
}

fn garbage(error: prost::DecodeError) -> Failure {
    Failure::Garbage(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{
        ClaimResource, ContainerDevices, ContainerResources, DynamicResource, ListPodResourcesResponse, frame,
    };

    fn pod(namespace: &str, name: &str, ids: &[&str]) -> PodResources {
        let device = |id: &&str| ContainerDevices {
            resource_name: "openshift.io/dpuvf".into(),
            device_ids: vec![(*id).into()],
        };
        let claim = DynamicResource {
            claim_name: "vf".into(),
            claim_namespace: namespace.into(),
            claim_resources: vec![ClaimResource {
                driver_name: "k8s.ovn.org".into(),
                ..ClaimResource::default()
            }],
        };
        let container = ContainerResources {
            devices: ids.iter().map(device).collect(),
            dynamic_resources: vec![claim],
            ..ContainerResources::default()
        };
        PodResources { name: name.into(), namespace: namespace.into(), containers: vec![container] }
    }

    fn list(pod_resources: Vec<PodResources>) -> Vec<u8> {
        frame(&ListPodResourcesResponse { pod_resources })
    }

    fn get(pod_resources: Option<PodResources>) -> Vec<u8> {
        frame(&GetPodResourcesResponse { pod_resources })
    }

    fn ids(pod: &PodDevices) -> Vec<&str> {
        pod.devices().map(|device| device.id.as_str()).collect()
    }

    #[test]
    fn finds_a_pod_and_its_namesakes_in_a_list() {
        let pods = vec![
            pod("web", "web-1", &["other"]),
            pod("shop", "web-0", &["other"]),
            pod("web", "web-0", &["c", "b"]),
            pod("web", "web-0", &["a"]),
        ];
        let list = unframe(list(pods).into()).expect("a message");
        let found = one_of(list.clone(), "web", "web-0").expect("an answer").expect("the pod");
        assert_eq!(ids(&found), ["b", "c", "a"]);
        assert_eq!(one_of(list, "web", "web-2").expect("an answer"), None);
    }

    /// Kubernetes 1.37 tells a pod's own processors and memory, those before 1.31 told a claim's class.
    #[test]
    fn what_other_releases_tell_is_skipped() {
        let [processors, memory, class] = [&[0x22, 1, 3][..], &[0x2a, 2, 0x0a, 0], &[0x0a, 2, b'v', b'f']];
        let told = pod("web", "web-0", &["a"]);
        let newer = [&told.encode_to_vec(), processors, memory].concat();
        let list = Pods { pods: vec![newer.into()] }.encode_to_vec();
        assert_eq!(
            one_of(list.into(), "web", "web-0").expect("an answer"),
            Some(PodDevices::from(told.clone()))
        );
        let claim = &told.containers[0].dynamic_resources[0];
        let older = [&claim.encode_to_vec(), class].concat();
        assert_eq!(DynamicResource::decode(older.as_slice()).as_ref(), Ok(claim));
    }

    #[test]
    fn takes_no_other_pod_for_the_one_asked_for() {
        let only = |pod| only(unframe(get(pod).into())?, "web", "web-0");
        assert_eq!(ids(&only(Some(pod("web", "web-0", &["a"]))).expect("the pod")), ["a"]);
        for other in [None, Some(pod("web", "web-1", &["a"])), Some(pod("shop", "web-0", &["a"]))] {
            assert!(matches!(only(other), Err(Failure::Garbage(_))));
        }
    }

    #[test]
    fn refuses_what_is_not_one_message() {
        for bytes in [&[][..], &[0, 0], &[1, 0, 0, 0, 0], &[0, 0, 0, 0, 2, 0], &[0, 0, 0, 0, 0, 0]] {
            assert!(matches!(unframe(Bytes::copy_from_slice(bytes)), Err(Failure::Garbage(_))), "{bytes:?}");
        }
    }

    fn read(message: &Bytes) {
        let _ = one_of(message.clone(), "web", "web-0");
        let _ = only(message.clone(), "web", "web-0");
        let _ = pods(message.clone()).map(|pods| pods.count());
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_an_error(bytes: Vec<u8>) {
            if let Ok(message) = unframe(bytes.clone().into()) {
                read(&message);
            }
            read(&bytes.into());
        }

        #[test]
        fn a_damaged_answer_is_an_answer_or_an_error(at in 0usize..128, byte: u8, of_all: bool) {
            let pod = pod("web", "web-0", &["0000:03:00.2", "0000:03:00.3"]);
            let mut bytes = if of_all { list(vec![pod]) } else { get(Some(pod)) };
            let length = bytes.len();
            bytes[at % length] = byte;
            if let Ok(message) = unframe(bytes.into()) {
                read(&message);
            }
        }
    }
}
