//! What ovnkube-node's refusals mean: whether it is told again, and the sentence for the person who reads them.

use cni::{Error, Pod, event};
use ovnkube::Failure;

use crate::config;
use crate::device::DeviceId;
use crate::error;

/// What it says of requests that it cannot read (`cniserver.go`, `pkg/config/cni.go`).
const UNREADABLE: [&str; 5] =
    ["broken stdin args", "missing CNI_", "missing K8S_POD_", "invalid CNI_ARG", "expected PCI"];

/// What a privileged one says last of all, having told the card, when it does not find the interface: as when the
/// namespace is gone. The VF has been brought home without it, so there is nothing that it could do another time.
const NOTHING_LEFT: &str = "failed to unconfigure pod interface";

/// Whether the server is to hear of a DEL again: it has not heard, or could not act on it.
pub(crate) fn tell_again(failure: &Failure) -> bool {
    match failure {
        // It refuses what it cannot read for ever, and the rest while its API server has trouble.
        Failure::Refused(text) => !UNREADABLE.iter().chain([&NOTHING_LEFT]).any(|part| text.contains(part)),
        Failure::Cni { code, .. } => *code > cni::code::INVALID_CONFIG,
        Failure::Unreachable { .. } | Failure::Timeout { .. } | Failure::Lost(_) => true,
        Failure::NotRoot { .. } | Failure::Garbage(_) => false,
    }
}

/// The server waits for two, and its words do not say for which.
const NOT_IN_TIME: &str = "check ovnkube-node on the DPU NIC node of this host; and OVN's control plane, if the pod \
                           has no annotation k8s.ovn.org/pod-networks";

/// What a failed ADD means for the pod: the code, a sentence, and what to do.
pub(crate) fn explain(failure: &Failure, pod: &Pod, device: &DeviceId) -> Error {
    match failure {
        Failure::Unreachable { path, source } if config::is_misplaced(source) => {
            config::misplaced("socket", path)
        }
        Failure::Unreachable { .. } => error::again(
            format!("pod {pod} waits for ovnkube-node: {}", plain(&failure.to_string())),
            "check the ovnkube-node-dpu-host pod of this node",
        ),
        Failure::Timeout { waited, .. } => error::again(
            format!("VF {device} for pod {pod} was not set up within {}", error::seconds(*waited)),
            NOT_IN_TIME,
        ),
        Failure::Lost(_) => error::again(
            format!("ovnkube-node restarted while it set up VF {device} for pod {pod}"),
            "this is tried again by the container runtime",
        ),
        Failure::NotRoot { .. } => Error::new(error::REFUSED, plain(&failure.to_string()))
            .details("find out who made that socket: only root may answer for the pod network"),
        Failure::Garbage(why) => error::bad_answer(pod, plain(why)),
        Failure::Cni { code, msg, details } => {
            let said = plain(&format!("{msg} {details}"));
            // From 100 on, codes mean what their owner says.
            refused(if *code < 100 { *code } else { error::REFUSED }, &said, pod, device)
        }
        Failure::Refused(text) => refusal(text, pod, device),
    }
}

/// The refusals that ovnkube-node knows (`cniserver.go`, `cni.go`, `cni_dpu.go`), most specific first.
fn refusal(text: &str, pod: &Pod, device: &DeviceId) -> Error {
    let said = plain(text);
    let has = |part: &str| text.contains(part);
    if has("DPU Not Ready") {
        return error::again(
            format!("pod {pod} waits for the card: {said}"),
            "check that the DPU NIC node of this host is up and its ovnkube-node runs",
        );
    }
    if has("timed out waiting for annotations") || has("timed out waiting for pod") {
        return error::again(
            format!("VF {device} for pod {pod} was not set up in time: {said}"),
            NOT_IN_TIME,
        );
    }
    if has("connection status is") {
        return Error::new(
            error::REFUSED,
            format!("the card could not plug VF {device} of pod {pod}: {said}"),
        )
        .details("look at the log of ovnkube-node on the DPU NIC node of this host");
    }
    if has("only VF PCI IDs are supported") || (has("expected PCI") && matches!(device, DeviceId::Sf(_))) {
        return error::bad_device(
            device,
            "is a scalable function, which this ovnkube-node does not serve",
            "give the pod's resource a pool of PCI VFs",
        );
    }
    if has("failed to get one netdevice interface") || has("while getting Netdevice name") {
        // It may be the second one, of a primary user-defined network.
        let named = text.rsplit_once("per Device ID ").and_then(|(_, id)| id.trim().parse().ok());
        let device = named.as_ref().unwrap_or(device);
        return error::again(
            format!("VF {device} of pod {pod} is not on the host as ovnkube-node sees it: {said}"),
            "it may still be on its way home from an earlier pod; if it stays away run dpu-host vfs",
        );
    }
    let unknown_pod = has("failed to get pod") && has("not found");
    if has("pod deleted before") || has("pod was deleted") || unknown_pod {
        return error::again(
            format!("pod {pod} was deleted or re-created meanwhile: {said}"),
            "nothing needs to be done",
        );
    }
    if has("annot assign requested address") {
        return Error::new(
            error::REFUSED,
            format!("VF {device} of pod {pod} does not take the pod's address: {said}"),
        )
        .details(error::PF_KEEPS_MAC);
    }
    if has("broken stdin args") || has("CNI plugin chaining") {
        return Error::new(
            error::REFUSED,
            format!("ovnkube-node does not take this network configuration: {said}"),
        )
        .details("a default network has one plugin and no topology key");
    }
    refused(error::REFUSED, &said, pod, device)
}

/// What there is to say of a refusal that nobody foresaw.
fn refused(code: u32, said: &str, pod: &Pod, device: &DeviceId) -> Error {
    Error::new(code, format!("ovnkube-node refused VF {device} for pod {pod}: {said}"))
        .details("look at the log of ovnkube-node on this node")
}

/// The server's words, fit for a pod event: without its own prefix, and not too long.
fn plain(text: &str) -> String {
    let text = match text.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((_, rest)) => rest,
        None => text,
    };
    let line = event::plain(text);
    if line.chars().count() <= 160 { line } else { line.chars().take(157).chain("...".chars()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Error {
        let pod = Pod { namespace: Some("web".into()), name: Some("web-0".into()), uid: None };
        let device = "0000:03:00.2".parse().unwrap();
        explain(&Failure::Refused(text.into()), &pod, &device)
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        let prefix = "[web/web-0 35b8 network default NAD default NAD key default] ";
        for (text, code) in [
            ("DPU Not Ready: DPU node lease expired at 2026-08-21T10:00:00Z", cni::code::TRY_AGAIN),
            (
                "failed to get pod annotation: timed out waiting for annotations: context deadline exceeded",
                cni::code::TRY_AGAIN,
            ),
            ("pod deleted before sandbox ADD operation began", cni::code::TRY_AGAIN),
            ("failed to get pod web/web-0: pods \"web-0\" not found", cni::code::TRY_AGAIN),
            (
                "failed in cmdAdd while getting Netdevice name: failed to get one netdevice interface (count 0)",
                cni::code::TRY_AGAIN,
            ),
            ("DPU plumb failed: connection status is Error", error::REFUSED),
            ("broken stdin args", error::REFUSED),
            ("only VF PCI IDs are supported", error::BAD_DEVICE),
            ("something new", error::REFUSED),
        ] {
            let error = refused(&format!("{prefix}{text}"));
            assert_eq!(error.code(), code, "{text}");
            let shown = error.to_string();
            assert!(
                shown.contains("0000:03:00.2")
                    || shown.contains("web/web-0")
                    || shown.contains("configuration"),
                "{shown}"
            );
            assert!(!shown.contains("[web/web-0 35b8"), "{shown}");
        }
    }

    #[test]
    fn a_servers_code_is_not_taken_for_ours() {
        let pod = Pod::default();
        let device: DeviceId = "0000:03:00.2".parse().unwrap();
        for (theirs, shown) in [(11, 11), (99, 99), (error::NEWER, error::REFUSED), (999, error::REFUSED)] {
            let failure = Failure::Cni { code: theirs, msg: "no".into(), details: String::new() };
            assert_eq!(explain(&failure, &pod, &device).code(), shown);
        }
    }

    #[test]
    fn foreign_words_fit_a_pod_event() {
        let shown =
            refused(&format!("a \"quoted\"\nnetwork is not ready, pod not found {}", "x".repeat(5000)))
                .to_string();
        assert!(shown.len() < 500, "{shown}");
        assert!(!shown.contains(['"', '\n']), "{shown}");
        assert!(shown.contains("network-is-not-ready, pod not-found"), "{shown}");
    }
}
