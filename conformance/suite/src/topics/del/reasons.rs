//! Why 101-111 are there.

use crate::reason::Reason;
use crate::reason::Says::{Source, Spec};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 101,
        says: Spec(
            "section 2 (DEL)",
            "Plugins MUST accept multiple `DEL` calls for the same (`CNI_CONTAINERID`, `CNI_IFNAME`) pair, and
            return success if the interface in question, or any modifications added, are missing.",
        ),
        breaks: "CRI-O sends a DEL after every failed ADD, Multus one more, and both may be for a container that the
            plugin has never seen. An error keeps the pod Terminating, and in containerd the sandbox's name
            reserved.",
        wrong: "DEL wants the interface, or the record of its ADD: host-device fails with `Link not found`.",
    },
    Reason {
        check: 102,
        says: Spec("section 3 (Lifecycle & Ordering)", "_delete_ may be followed by additional _deletes_."),
        breaks: "The kubelet repeats the stop of a sandbox, and with it DEL, until it has succeeded. A DEL that
            fails the second time fails for ever.",
        wrong: "The interface, or a file of state, must be there: host-device. Two at once race between the look and
            the removal.",
    },
    Reason {
        check: 103,
        says: Spec(
            "section 2 (DEL)",
            "`DEL` command invocations are always considered best-effort - plugins should always complete a `DEL`
            action without error to the fullest extent possible, even if some resources or state are missing.",
        ),
        breaks: "CRI-O sends DEL although the namespace is gone, empty or no namespace any more; containerd sends an
            empty path once it has closed it. Pods stay Terminating until somebody removes the sandbox by hand:
            kubernetes/kubernetes 133081, cilium/cilium 40459.",
        wrong: "The namespace is opened before anything else, and only one of its errors is excused: bridge,
            host-device, loopback, macvlan, ptp and sbr fail on a plain file with `unknown FS magic`.",
    },
    Reason {
        check: 104,
        says: Spec(
            "section 2 (DEL)",
            "Plugins should still return without error if `prevResult` is empty for a `DEL` command, however.",
        ),
        breaks: "CRI-O sends no `prevResult` after a failed ADD, and none when its cache is lost; libcni from 1.2 on
            leaves it out when it cannot read it. A plugin that was updated meets results of the version before.",
        wrong: "`prevResult` is decoded before the verb is known, and its error is DEL's: bandwidth and sbr.",
    },
    Reason {
        check: 105,
        says: Source(
            "k8snetworkplumbingwg/multus-cni pkg/multus/multus.go",
            "When its cache is lost, DEL rebuilds the delegates from the pod, without devices and runtime
            configuration.",
        ),
        breaks: "A delegate that wants these fails DEL for ever: k8snetworkplumbingwg/multus-cni 1498 and 1446 tell
            of storms of DELs that overload the daemon.",
        wrong: "One function validates the configuration for all verbs. host-device wants `device`, ptp and
            host-local want `ipam`.",
    },
    Reason {
        check: 106,
        says: Spec(
            "section 2 (DEL)",
            "Plugins MUST accept multiple `DEL` calls for the same (`CNI_CONTAINERID`, `CNI_IFNAME`) pair, and
            return success if the interface in question, or any modifications added, are missing.",
        ),
        breaks: "A privileged pod has renamed or removed its interface; a device has failed. The pod cannot be
            deleted, and a device that was renamed is not taken back: containernetworking/plugins 766 and 773.",
        wrong: "The interface is looked for by its name only: host-device. A record of what was moved would find it
            by its address on the bus.",
    },
    Reason {
        check: 107,
        says: Spec(
            "section 3 (Lifecycle & Ordering)",
            "A _delete_ must still be executed even if the _add_ fails.",
        ),
        breaks: "CRI-O, containerd, Multus and podman all send it. containerd keeps the name of the sandbox until it
            succeeds: `name ... is reserved for ...`, and the pod never starts.",
        wrong: "DEL wants what only a finished ADD leaves; ADD has left something that DEL does not know of.
            host-device and sbr want the namespace.",
    },
    Reason {
        check: 108,
        says: Spec(
            "section 3",
            "An attachment may be uniquely identified by the `(CNI_CONTAINERID, CNI_IFNAME)` tuple.",
        ),
        breaks: "kubelet makes a new sandbox of the same pod, under the same name, while the old one is still being
            deleted. The late DEL of the old one disconnects the new one.",
        wrong: "State is kept by namespace and name of the pod.",
    },
    Reason {
        check: 109,
        says: Source(
            "cri-o/cri-o server/sandbox_network.go",
            "`networkStop` gives the whole of DEL one minute, which cannot be configured.",
        ),
        breaks: "The daemon is down because the node is being drained, updated or shut down: just then all pods are
            deleted. A DEL that waits for it blocks each of them; one that fails without a word does not say whom to
            ask.",
        wrong: "DEL goes through the daemon's socket whatever it is about, with the time-out of an ADD.",
    },
    Reason {
        check: 110,
        says: Source(
            "containernetworking/plugins plugins/main/host-device/host-device.go",
            "DEL moves the device out of the container and gives it the name that it had on the host.",
        ),
        breaks: "A name that is taken makes the move fail; the device stays in a namespace that is about to vanish,
            and comes back under the name that the pod gave it: containernetworking/plugins 357.",
        wrong: "Move and rename are one step, and its error is final; the record is removed before the device is
            home.",
    },
    Reason {
        check: 111,
        says: Source(
            "cri-o/cri-o server/sandbox_network.go",
            "`networkStop` gives the whole of DEL one minute, which cannot be configured.",
        ),
        breaks: "What takes longer is killed in the middle, and tried again from the start. A node's drain waits for
            all of them.",
        wrong: "Retries with growing pauses; a lock that all DELs of the node wait for.",
    },
];
