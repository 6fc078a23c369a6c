//! The catalogue of what can go wrong: code, sentence, remedy. The README lists the same codes.
//!
//! People meet these in a pod event as `msg; details`: one line, the pod and the device named, what to do last.

mod lack;

use std::fmt::Display;
use std::time::Duration;

use cni::{Error, Pod, code};

use self::lack::SOME_RESOURCE;
pub(crate) use self::lack::{Lack, NO_DEVICE, no_device};
use crate::device::DeviceId;
use crate::pod::Word;
use crate::record::attachment::Record;
use crate::time::age;

/// Another living pod holds the device.
pub(crate) const DEVICE_TAKEN: u32 = 102;
/// The device cannot be given to a pod.
pub(crate) const BAD_DEVICE: u32 = 103;
/// The pod's namespace cannot be used.
pub(crate) const BAD_NETNS: u32 = 104;
/// ovnkube-node refused.
pub(crate) const REFUSED: u32 = 105;
/// ovnkube-node answered what is no answer.
pub(crate) const BAD_ANSWER: u32 = 106;
/// The kernel refused a change.
pub(crate) const KERNEL: u32 = 107;
/// CHECK found something else than ADD left.
pub(crate) const DIFFERS: u32 = 108;
/// Records cannot be kept.
pub(crate) const STATE: u32 = 109;
/// A newer version wrote the record.
pub(crate) const NEWER: u32 = 110;

/// What to do when a VF does not take the pod's address.
pub(crate) const PF_KEEPS_MAC: &str =
    "perhaps its PF has set another MAC for it: clear that or trust the VF; see the kernel log";

/// 101: the pod has one VF and needs two.
pub(crate) fn no_second_device(pod: &Pod, resource: Option<&str>) -> Error {
    let resource = resource.unwrap_or(SOME_RESOURCE);
    Error::new(NO_DEVICE, format!("pod {pod} has no second VF for its primary user-defined network")).details(
        format!(
            "raise resources.limits['{resource}'] to '2', of a device plugin's (ovnkube-node sees no claims), and give \
             that network's NetworkAttachmentDefinition the annotation k8s.v1.cni.cncf.io/resourceName: {resource}"
        ),
    )
}

/// 102: another pod holds the device, and this is whose it is by the kubelet's word.
pub(crate) fn taken(device: &DeviceId, by: &Record, word: Word) -> Error {
    held(device, by).details(match word {
        Word::Both => {
            "the kubelet has given it to both pods, handed out twice: give pods and Multus networks separate pools"
                .to_owned()
        }
        Word::Holder => "the kubelet has given it to that pod and not to this one: give pods and Multus networks separate \
                         pools, and no NetworkAttachmentDefinition a deviceID of its own"
            .to_owned(),
        Word::Asker => format!(
            "the kubelet has given it to this pod by now, but the sandbox {} of that one still lives: this is tried again",
            short(&by.attachment.container)
        ),
        Word::Neither => format!(
            "the kubelet has given it to neither pod, and the sandbox {} of that one still lives: dpu-host vfs --release \
             {device} frees it if that pod is gone",
            short(&by.attachment.container)
        ),
        Word::Untold => format!(
            "that pod has a resource claim of which nothing says whether it is this VF, and its sandbox {} still lives: \
             dpu-host vfs --release {device} frees it if that pod is gone",
            short(&by.attachment.container)
        ),
        Word::Unheard => format!(
            "its sandbox {} still lives, and the kubelet cannot be asked whose the VF is: if that pod is being deleted \
             this is tried again; check the kubelet of this node",
            short(&by.attachment.container)
        ),
    })
}

/// 102: the device is being given to another pod.
pub(crate) fn taken_just_now(device: &DeviceId, by: &Record) -> Error {
    held(device, by).details("that pod is being attached right now; this is tried again once that has ended")
}

/// 102: the pod has the device already, as another of its interfaces.
pub(crate) fn taken_by_itself(device: &DeviceId, by: &Record) -> Error {
    held(device, by).details(format!(
        "it is that pod's {} already: give each of its networks a resource of its own",
        by.attachment.ifname
    ))
}

fn held(device: &DeviceId, by: &Record) -> Error {
    Error::new(DEVICE_TAKEN, format!("VF {device} has been held by pod {} for {}", by.pod, age(by.since)))
}

/// 103: the device is none that a pod can be given.
pub(crate) fn bad_device(device: &DeviceId, why: impl Display, remedy: &str) -> Error {
    Error::new(BAD_DEVICE, format!("device {device} {why}")).details(remedy)
}

/// 104: `CNI_NETNS` is no namespace that can be entered.
pub(crate) fn bad_netns(pod: &Pod, why: impl Display) -> Error {
    Error::new(BAD_NETNS, format!("network namespace of pod {pod} cannot be used: {why}"))
        .details("the container runtime makes a new sandbox and tries again; if it persists look at its log")
}

/// 106: an answer that this protocol does not have.
pub(crate) fn bad_answer(pod: &Pod, why: impl Display) -> Error {
    Error::new(BAD_ANSWER, format!("ovnkube-node gave no usable answer for pod {pod}: {why}"))
        .details("look at the log of ovnkube-node on this node; its version may not fit this plugin")
}

/// 107: the kernel refused what the pod needs.
pub(crate) fn kernel(device: &DeviceId, doing: impl Display, why: impl Display) -> Error {
    Error::new(KERNEL, format!("VF {device}: {doing}: {why}"))
        .details("the VF is brought home again; look at the kernel log for what its driver says")
}

/// 107: the kernel refused what a VF needs at home. Its record stays.
pub(crate) fn homeward(device: &DeviceId, doing: impl Display, why: impl Display) -> Error {
    Error::new(KERNEL, format!("VF {device}: {doing}: {why}")).details(
        "every later call tries again; look at the kernel log for what its driver says, and at dpu-host vfs",
    )
}

/// Any error, with the pod that it is about.
pub(crate) fn of_pod(error: Error, pod: &Pod) -> Error {
    let name = pod.to_string();
    if pod.name.is_none() || error.msg().contains(&name) {
        return error;
    }
    Error::new(error.code(), format!("pod {name}: {}", error.msg())).details(error.detail_text())
}

/// 5: the kernel gives no netlink socket, or says nothing on it.
pub(crate) fn netlink(error: linux::Error) -> Error {
    Error::new(code::IO, format!("netlink: {error}")).details("look at the kernel log of this node")
}

/// 108: what CHECK found.
pub(crate) fn differs(pod: &Pod, device: impl Display, what: impl Display) -> Error {
    Error::new(DIFFERS, format!("attachment of pod {pod} on VF {device}: {what}"))
        .details("a VF lost with its card is given back (see dpu-host vfs); else delete the pod so that it is attached anew")
}

/// 109: no record, no attachment.
pub(crate) fn state(doing: impl Display, why: impl Display) -> Error {
    Error::new(STATE, format!("state of dpu-host: {doing}: {why}"))
        .details("the state directory must be a directory of root on a file system with free space")
}

/// 110: what an older version cannot undo, and does not forget.
pub(crate) fn newer(why: impl Display) -> Error {
    Error::new(NEWER, format!("the record of this attachment cannot be read: {why}"))
        .details("install that version again: until then the VF stays where it is")
}

/// 11: worth another try.
pub(crate) fn again(what: impl Display, remedy: &str) -> Error {
    Error::new(code::TRY_AGAIN, what.to_string()).details(remedy)
}

/// The beginning of a container ID, as runtimes' tools show it.
pub(crate) fn short(container: &str) -> &str {
    container.get(..12).unwrap_or(container)
}

/// Whole seconds, for messages.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

#[cfg(test)]
mod tests;
