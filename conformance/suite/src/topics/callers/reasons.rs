//! Why 153-161 are there.

use crate::reason::Says::{Source, Spec};
use crate::reason::{RAW_EXEC, Reason};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 153,
        says: Source(
            RAW_EXEC,
            "`injectTraceContext` adds TRACEPARENT, TRACESTATE and BAGGAGE when the request is traced
            (containernetworking/cni 1173).",
        ),
        breaks: "A cluster where tracing is switched on sends three variables that a plugin has never seen, whose
            content comes from elsewhere. It must be traced by them at most, and never fail.",
        wrong: "A tracing library is linked, and an invalid header is an error to it.",
    },
    Reason {
        check: 154,
        says: Source(
            "cri-o/cri-o server/sandbox_network.go",
            "The DEL after a failed ADD is sent by the same process: one that was killed sends none.",
        ),
        breaks: "CRI-O was killed while ADD ran. The result can be given to nobody, the runtime does not know of the
            attachment, and no DEL will come for it: the address and the device are gone until a GC.",
        wrong: "The result is printed last and the error of the write is not looked at: bridge, ptp, macvlan,
            host-device, bandwidth and loopback.",
    },
    Reason {
        check: 155,
        says: Source(
            "kubernetes/kubernetes pkg/kubelet/kuberuntime/kuberuntime_manager.go",
            "A pod whose sandbox is lost gets a new one, under the same name and UID.",
        ),
        breaks: "ADD of the new sandbox comes before the DEL of the old one, or instead of it. Refusing it keeps the
            pod from running until somebody cleans up; a late DEL that goes by the pod's name takes the new one's
            network away.",
        wrong: "State is kept by the pod's name or UID. host-device and sbr fail the late DEL, whose namespace is
            gone.",
    },
    Reason {
        check: 156,
        says: Spec(
            "section 2 (CHECK)",
            "The plugin should return an error if a resource included in the CNI Result type (interface, address or
            route) was created by the plugin, and is listed in `prevResult`, but is missing or in an invalid state.",
        ),
        breaks: "A wrong MTU drops large packets only, a missing route one destination: nobody sees from outside
            that the pod is half connected, and CRI-O's CHECK at its start is when it could be found.",
        wrong: "CHECK looks at the interface and its addresses: bridge, ptp, macvlan and host-device look at no MTU,
            the last two at no routes.",
    },
    Reason {
        check: 157,
        says: Source(
            "containerd/go-cni cni.go",
            "`Remove` sends DEL with the configuration that is loaded now, not with that of the ADD.",
        ),
        breaks: "An administrator has renamed the network. Pods of the old name are deleted under the new one; a
            plugin that finds nothing there leaves their devices and addresses behind, or fails and keeps them
            Terminating.",
        wrong: "State is kept in a directory that is named for the network.",
    },
    Reason {
        check: 158,
        says: Source(
            "pipe(7)",
            "A read returns what is there, which may be less than was written or will come.",
        ),
        breaks: "The caller is a script, or busy: input comes in pieces. With stdin closed the first file that the
            plugin opens gets descriptor 0, and may be read as the configuration.",
        wrong: "One read, taken for all there is.",
    },
    Reason {
        check: 159,
        says: Source(
            "getrlimit(2)",
            "RLIMIT_NOFILE is inherited: a process may have fewer descriptors than it needs.",
        ),
        breaks: "A service with a low limit, or many descriptors inherited. An ADD that fails half-way without an
            error leaves what the DEL has to find.",
        wrong: "A descriptor for each link, file or thread; an error in the middle that is not undone.",
    },
    Reason {
        check: 160,
        says: Source(
            "Kubernetes: user namespaces (`hostUsers: false`)",
            "The runtime makes the pod's network namespace inside the pod's user namespace.",
        ),
        breaks: "Entering the network namespace alone is allowed to root; what belongs to the user namespace is not.
            A plugin that enters both loses its rights on the host half-way.",
        wrong: "A helper enters all namespaces of the process; settings are written through a `/proc` in which they
            are read-only.",
    },
    Reason {
        check: 161,
        says: Source(
            "k8snetworkplumbingwg/multus-cni pkg/multus/multus.go",
            "STATUS and GC of a delegate run with Multus' own environment beneath what libcni sets.",
        ),
        breaks: "CRI-O asks Multus, Multus asks the cluster network. What belongs to the caller's pod, if anything
            is there, is no business of STATUS or GC.",
        wrong: "Variables are validated because they are there; GC takes the container that is named for the only
            valid one.",
    },
];
