//! Why 81-87 are there.

use crate::reason::Says::{Source, Spec};
use crate::reason::{Reason, SKEL};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 81,
        says: Source(
            SKEL,
            "From 1.2 on `pluginMain` compares the plugin's namespace with CNI_NETNS, and answers code 8 when they
            are the same.",
        ),
        breaks: "The interface would be made on the host, under a name like `eth0`, with a pod's address and default
            route. skel looks after ADD has been carried out, so that stdout has the result and an error behind it,
            which libcni cannot parse.",
        wrong: "The path is opened and entered without a look at which namespace it is. Everything that is built on
            skel fails this check, which wants the host untouched.",
    },
    Reason {
        check: 82,
        says: Source(SKEL, "`CNI_NETNS_OVERRIDE` of `1` or, in any case, `true` turns the comparison off."),
        breaks: "Tests and tools that run plugins inside a namespace on purpose set it; the CNI project's own tests
            do.",
        wrong: "The variable is unknown, or only one spelling of it is.",
    },
    Reason {
        check: 83,
        says: Source(SKEL, "Every other value of `CNI_NETNS_OVERRIDE` leaves the comparison on."),
        breaks: "`0` and `no` are what a person writes to switch something off. Taken for yes they open the host.",
        wrong: "Presence of the variable is tested, not its value.",
    },
    Reason {
        check: 84,
        says: Source(
            SKEL,
            "From 1.2 on `pluginMain` compares the namespaces for DEL too, when the callback has returned.",
        ),
        breaks: "The path of a namespace whose process has died may lead to another one when the PID is used again:
            cri-o/cri-o 2849. A DEL in the host's own namespace takes the node off the network.",
        wrong: "DEL removes whatever has the name CNI_IFNAME in the namespace it is given: bridge removes the host's
            interface of that name, loopback takes `lo` down.",
    },
    Reason {
        check: 85,
        says: Spec(
            "section 2 (ADD)",
            "create the interface defined by `CNI_IFNAME` inside the container at `CNI_NETNS`",
        ),
        breaks: "There is nowhere to put an interface. One that is made on the host first and cannot be moved stays
            there, once for each attempt, and kubelet makes one every ten seconds or so.",
        wrong: "The host's end is made before the namespace is opened.",
    },
    Reason {
        check: 86,
        says: Source(
            "containernetworking/plugins pkg/ns/ns_linux.go",
            "`IsNSorErr` looks at the file system's magic number before the path is opened.",
        ),
        breaks: "Opening a FIFO waits for a writer: the plugin hangs, with its locks held, until the runtime's
            deadline, which is minutes away.",
        wrong: "The path is opened first. ptp of v1.9.1 hangs.",
    },
    Reason {
        check: 87,
        says: Source(
            "containernetworking/plugins pkg/ns/ns_linux.go",
            "`GetNS` opens the path and follows links.",
        ),
        breaks: "`/var/run/netns` is itself behind a link on most distributions, and `/proc/PID/ns/net` is one. A
            plugin that refuses links refuses what runtimes send; one that compares paths as text takes one
            namespace for two.",
        wrong: "The file is opened with `O_NOFOLLOW`, or its type is taken from `lstat`.",
    },
];
