//! Why 131-141 are there.

use crate::reason::Says::{Source, Spec};
use crate::reason::{RAW_EXEC, Reason};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 131,
        says: Spec(
            "section 3 (Lifecycle & Ordering)",
            "Plugins must handle being executed concurrently across different containers. If necessary, they must
            implement locking on shared resources (e.g. IPAM databases).",
        ),
        breaks: "A node that comes up starts all its pods at once. Two of them with one address is a fault that
            shows up somewhere else.",
        wrong: "A file is read, changed and written without a lock; a list of links is taken while it changes, as
            host-device fails on at times: the kernel interrupts the dump.",
    },
    Reason {
        check: 132,
        says: Spec(
            "section 3 (Lifecycle & Ordering)",
            "The container runtime must ensure that _add_ is eventually followed by a corresponding _delete_.",
        ),
        breaks: "What each pair leaves adds up: links that slow down every later call, rules that are walked for
            every packet, a directory that is listed by each ADD.",
        wrong: "A lock file for each container, a rule that DEL words differently than ADD. bandwidth fails the
            second ADD of a container, `create qdisc: file exists`.",
    },
    Reason {
        check: 133,
        says: Source(
            RAW_EXEC,
            "Plugins run under the context of the request; when it ends, they are killed.",
        ),
        breaks: "A request has a deadline: minutes for ADD, one minute for DEL in CRI-O. A plugin gets no chance to
            undo anything; the DEL that follows has to find what there is.",
        wrong: "The record of what is done is written at the end. host-device leaves its device in the container, or
            loses it; bandwidth, macvlan, sbr and tuning leave the host changed.",
    },
    Reason {
        check: 134,
        says: Source(
            "containernetworking/cni libcni/api.go",
            "`AddNetworkList`, `CheckNetworkList`, `GetStatusNetworkList`, `GCNetworkList` and `DelNetworkList`, in
            this order, are the life of an attachment.",
        ),
        breaks: "Each verb alone may work, and the list fail: it is the result of ADD, decoded and encoded again by
            libcni, that CHECK and DEL get.",
        wrong: "The result loses something on the way through libcni, which CHECK then misses.",
    },
    Reason {
        check: 135,
        says: Spec(
            "section 1 (Version considerations)",
            "CNI runtimes MUST select the highest supported version from the set of network configuration versions
            given by the `cniVersion` and `cniVersions` fields.",
        ),
        breaks: "libcni from 1.2 on chooses the newest of the list that it knows itself; older ones, in containerd
            1.6, podman 4.3 and CRI-O up to 1.30, use `cniVersion` alone. One file serves both only if the plugin
            answers in the version that it was sent.",
        wrong: "The plugin answers in its newest version whatever it was sent.",
    },
    Reason {
        check: 136,
        says: Spec(
            "section 5 (ADD Success)",
            "Plugins provided a `prevResult` key as part of their request configuration must output it as their
            result, with any possible modifications made by that plugin included.",
        ),
        breaks: "CHECK and DEL of the whole list get the result of the last plugin. The first one's interfaces are
            missing in it, and its own CHECK fails.",
        wrong: "The plugin believes that it is always the first: bridge, ptp, macvlan and host-device.",
    },
    Reason {
        check: 137,
        says: Spec(
            "section 3 (Deriving runtimeConfig)",
            "Specifically, any capability supported by the plugin configuration and provided by the runtime should
            be inserted in the `runtimeConfig`.",
        ),
        breaks: "CRI-O offers bandwidth and pod annotations, containerd port mappings and DNS as well, Multus
            devices and addresses. libcni leaves `capabilities` in the object, against the specification: a plugin
            that refuses the key cannot be used with any of them.",
        wrong: "`capabilities` is refused as an unknown key; `runtimeConfig` is wanted although nothing was offered,
            when libcni leaves it out.",
    },
    Reason {
        check: 138,
        says: Source(
            "kubernetes/kubernetes pkg/kubelet/pod_workers.go",
            "An error that contains `network is not ready` has the pod tried again within one to two seconds instead
            of ten or more.",
        ),
        breaks: "Ten times as many attempts, of each pod on the node. go-cni takes a DEL error with `not found` for
            success, and Multus one with `no such file or directory`; a newline breaks the table of `kubectl
            describe`; Multus puts 800 characters in front and the configuration behind, so that a long text is not
            read.",
        wrong: "The cause's own text is passed on, whatever it says. host-local and static succeed here, as IPAM
            plugins look at no namespace.",
    },
    Reason {
        check: 139,
        says: Source(
            RAW_EXEC,
            "`ExecPlugin` tries again when the file is busy, five times and a second apart; podman's own copy of it
            does not.",
        ),
        breaks: "Operators update plugins on nodes at work. A file that is written in place is executed half, or is
            busy: projectcalico/calico 8932.",
        wrong: "A launcher that reads its own file again while it runs, or that looks for a second file beside
            itself.",
    },
    Reason {
        check: 140,
        says: Source(
            "k8snetworkplumbingwg/multus-cni pkg/server/exec_chroot.go",
            "The thick daemon runs delegates in a chroot of the host's root, from its own container.",
        ),
        breaks: "Where the root holds less than the plugin was built against, it does not start: `no such file or
            directory`, of a file that is there. Immutable systems and other distributions lack libraries and
            interpreters.",
        wrong: "Linked dynamically, as Debian's plugins; a script that wants a shell or `jq` of the host.",
    },
    Reason {
        check: 141,
        says: Source(
            "systemd.exec(5)",
            "A service has neither HOME nor a login shell's PATH unless its unit says so, and works in `/`.",
        ),
        breaks: "CRI-O and containerd are services, and plugins inherit what they have. A plugin that works in its
            author's terminal fails on the node.",
        wrong: "Programs are started by name and found through PATH; a cache is wanted in HOME; a relative path is
            written to.",
    },
];
