//! Why 142-151 are there.

use crate::reason::Says::{Source, Spec};
use crate::reason::{OCICNI, Reason};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 142,
        says: Source(
            OCICNI,
            "A configuration is dropped when one of its plugins does not list exactly the configuration's version.",
        ),
        breaks: "The placeholder has to fit whatever version the node's other components ask for: thick Multus wants
            0.4.0 at least, and only from 1.1.0 on does CRI-O ask for STATUS. A version that is missing is a node
            that stays NotReady.",
        wrong: "The versions of the day the script was written: OpenShift's `error-cni` lists 0.3.0, 0.3.1 and
            0.4.0.",
    },
    Reason {
        check: 143,
        says: Spec("section 2 (STATUS)", "Status is purely informational."),
        breaks: "The node has to become Ready so that pods of the host network run, among them those that will bring
            the real network. CRI-O latches the first success.",
        wrong: "STATUS is an unknown command and fails, as in `error-cni`: at 1.1.0 the node would never be Ready.",
    },
    Reason {
        check: 144,
        says: Spec("section 5 (Error)", "Values of 100+ can be freely used for plugin specific errors."),
        breaks: "The error is all that a person sees, in the event of the pod. A code of the specification's own
            says something else: 7 that the configuration is wrong, 11 that waiting helps.",
        wrong: "`error-cni` has 7 and `Not Supported`; what to do stands in the details, behind Multus' wrapping,
            and names no node.",
    },
    Reason {
        check: 145,
        says: Spec("section 5 (Error)", "Error codes 0-99 are reserved for well-known errors."),
        breaks: "A call that is malformed is the caller's fault. When it looks like any other, the placeholder is
            blamed for it, and nobody finds the fault in the caller.",
        wrong: "Nothing is read or validated, as in `error-cni`.",
    },
    Reason {
        check: 146,
        says: Spec(
            "section 3 (Lifecycle & Ordering)",
            "A _delete_ must still be executed even if the _add_ fails.",
        ),
        breaks: "The DEL that follows has nothing to undo, so there must be nothing: the answer is the same when the
            pod's namespace is gone, and a netlink socket, with which the host could be changed, is never opened.",
        wrong: "A general frame opens the namespace, or lists links, before the plugin says no.",
    },
    Reason {
        check: 147,
        says: Spec(
            "section 2 (DEL)",
            "`DEL` command invocations are always considered best-effort - plugins should always complete a `DEL`
            action without error to the fullest extent possible, even if some resources or state are missing.",
        ),
        breaks: "Pods of the time before, under whatever configuration and version, are deleted through the
            placeholder when the cache is gone. Older releases of CRI-O repeat a failed DEL for ever; containerd
            keeps the name of the sandbox.",
        wrong: "The frame validates before it looks at the verb.",
    },
    Reason {
        check: 148,
        says: Spec(
            "section 2 (CHECK)",
            "The plugin should return an error if it is aware of a condition where the container is generally
            unreachable.",
        ),
        breaks: "Nothing was ever attached, so no container can be as it should. Success would be read by CRI-O as a
            pod that has its network.",
        wrong: "CHECK is made to succeed along with DEL.",
    },
    Reason {
        check: 149,
        says: Spec("section 2 (GC)", "Plugins should generally complete a `GC` action without error."),
        breaks: "CRI-O collects at each start, for every network. There is nothing to collect; an error is a line in
            the log each time, which people look into.",
        wrong: "GC is an unknown command and fails, as in `error-cni`.",
    },
    Reason {
        check: 150,
        says: Source(
            "kubernetes/kubernetes pkg/kubelet/pod_workers.go",
            "A pod whose sandbox failed is tried again after 10 to 15 s, for as long as it is there.",
        ),
        breaks: "A hundred pods are seven to ten ADDs a second, day and night. What each of them costs, writes to a
            log or leaves behind adds up; thick Multus was out of memory on such bursts
            (k8snetworkplumbingwg/multus-cni 1346).",
        wrong: "A log without a limit; an interpreter started for each call.",
    },
    Reason {
        check: 151,
        says: Source(
            OCICNI,
            "`.conf`, `.conflist` and `.json` are loaded in the order of their names, and what does not validate is
            skipped with a line in the log.",
        ),
        breaks: "A file that one loader takes and another drops is a node that is Ready with one runtime. Thick
            Multus ends with status 2 when the primary configuration has no `cniVersion` of 0.4.0 or later.",
        wrong: "A list without `cniVersion`; `loadOnlyInlinedPlugins` forgotten, so that libcni adds whatever lies
            in the folder of the network's name.",
    },
];
