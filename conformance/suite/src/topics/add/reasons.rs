//! Why 88-100 are there.

use crate::reason::Reason;
use crate::reason::Says::{Source, Spec};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 88,
        says: Spec(
            "section 5 (ADD Success)",
            r#"`cniVersion`: The same version supplied on input - the string "1.1.0""#,
        ),
        breaks: "libcni decodes a result by the version it names. One that it does not know is lost, `unsupported
            CNI result version`: containerd 1.6 and podman 4.3 know none of 1.1.0. Without the key the
            configuration's version is assumed, whatever shape the result has.",
        wrong: "One structure is printed for all versions, labelled with the newest or with what was asked.",
    },
    Reason {
        check: 89,
        says: Spec(
            "version 0.2.0, Result",
            "Success is indicated by a return code of zero and the following JSON printed to stdout in the case of
            the ADD command.",
        ),
        breaks: "The JSON that follows has `cniVersion`, `ip4`, `ip6` and `dns`. A runtime that reads a result of
            0.2.0 finds no address in today's shape: the pod has an interface and, as far as anybody knows, no IP.",
        wrong: "A result of 1.0.0 gets the old number: loopback, today's and Debian's.",
    },
    Reason {
        check: 90,
        says: Spec(
            "version 0.4.0, IPs",
            r#"`version` (string): either "4" or "6" and corresponds to the IP version of the addresses in the
            entry."#,
        ),
        breaks: "Whoever goes by the key, as these versions mean it, finds an address of no family.",
        wrong: "The field was dropped with 1.0.0 and is missing in older answers too: loopback.",
    },
    Reason {
        check: 91,
        says: Spec("Released versions, 1.0.0", "removed `version` field of `interfaces` array"),
        breaks: "The field was one of `ips`, as the chapters show. Go ignores the key. A decoder that refuses what
            the version does not have refuses the result of a pod that is connected.",
        wrong: "The structure of 0.4.0 is printed under a new number.",
    },
    Reason {
        check: 92,
        says: Spec("section 5 (ADD Success)", "`mtu`: (uint) The MTU of the interface (if applicable)."),
        breaks: "These keys came with 1.1.0. In a result of 0.4.0 they are keys that no version 0.4.0 has, and a
            chained plugin of that time may drop or refuse them. Go leaves them in 1.0.0, which is why that is only
            a remark.",
        wrong: "One structure for all versions.",
    },
    Reason {
        check: 93,
        says: Spec(
            "section 5 (ADD Success)",
            "For interfaces created inside the container, this should be the value passed via `CNI_NETNS`.",
        ),
        breaks: "containerd takes the pod's address from the interface that has a sandbox; without one the pod fails
            with `failed to find network info for sandbox`. podman takes every interface with a sandbox for the
            container's.",
        wrong: "The path is made canonical, or `/proc/self/fd/N` is printed; the host's end gets the same value.",
    },
    Reason {
        check: 94,
        says: Spec(
            "section 5 (ADD Success)",
            r#"`address` (string): an IP address in CIDR notation (eg "192.168.1.3/24")."#,
        ),
        breaks: "libcni fails to decode an address without a length: `invalid CIDR address`. podman ignores an
            address without `interface` and fails on an index that is out of range.",
        wrong: "The length is left out because it is 32 or 128; index 0 is left out because it is zero; the index is
            that of another list, before interfaces were added.",
    },
    Reason {
        check: 95,
        says: Source(
            "containers/common libnetwork/cni/run.go",
            "`CNIResultToStatus` parses the MAC address of every interface with a sandbox, and fails when there is
            none.",
        ),
        breaks: "podman deletes the container's network again and reports an error about a MAC address that nobody
            has set.",
        wrong: "Interfaces without hardware (tunnels) have none; a chained plugin writes the interface anew without
            it. bandwidth, sbr and tuning hand on what they were given.",
    },
    Reason {
        check: 96,
        says: Spec(
            "section 2 (ADD)",
            "create the interface defined by `CNI_IFNAME` inside the container at `CNI_NETNS`",
        ),
        breaks: "The result is all that CRI-O and containerd know of the pod's network: its addresses become the
            pod's status, and so endpoints of services. What is not so is traffic that goes nowhere, with everything
            Running.",
        wrong: "The result is composed from the request; the kernel has another MAC, or has refused an address. The
            interface is set up by somebody else later.",
    },
    Reason {
        check: 97,
        says: Spec(
            "section 2 (ADD)",
            "If an interface of the requested name already exists in the container, the CNI plugin MUST return with
            an error.",
        ),
        breaks: "Two networks of a pod that ask for the same name: the second takes the first one's interface away,
            or gives it its own addresses.",
        wrong: "A leftover is deleted to make room; the device is moved first and renamed inside, so that it stays
            in the container when the name is taken: Debian's host-device.",
    },
    Reason {
        check: 98,
        says: Spec(
            "section 2 (ADD)",
            "If the plugin was supplied a `prevResult` as part of its input configuration, it MUST handle
            `prevResult` by either passing it through, or modifying it appropriately.",
        ),
        breaks: "The result of the last plugin is the result of the list. What an earlier one has made is then
            missing from the pod's status, and from the `prevResult` of every CHECK and DEL.",
        wrong: "The plugin believes that it is always the first: bridge, ptp, macvlan and host-device ignore
            `prevResult`.",
    },
    Reason {
        check: 99,
        says: Source(
            "containernetworking/cni pkg/version/version.go",
            "`ParsePrevResult` decodes the raw result by the version it names and fails for one that is unknown.",
        ),
        breaks: "A chained plugin that goes on with an empty result makes it the result of the list. One that has
            made its interface before it looks leaves it behind.",
        wrong: "`prevResult` is decoded late; or not at all, as bridge, ptp, macvlan and host-device do.",
    },
    Reason {
        check: 100,
        says: Spec(
            "section 4 (Delegated plugin execution procedure)",
            r#"If, on `ADD`, a delegated plugin fails, the "upper" plugin should execute again with `DEL` before
            returning failure."#,
        ),
        breaks: "kubelet tries again every ten seconds or so with a new container ID. What is left by each attempt
            is found by none of the next: addresses run out, devices do not come back.",
        wrong: "Clean-up is left to the DEL that CRI-O sends after a failed ADD. bridge, ptp, macvlan and
            host-device leave the interface or the address.",
    },
];
