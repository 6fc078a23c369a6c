//! Why 112-117 are there.

use crate::reason::Reason;
use crate::reason::Says::{Source, Spec};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 112,
        says: Spec(
            "section 2 (CHECK)",
            "The plugin must handle `CHECK` being called immediately after an `ADD`, and therefore should allow a
            reasonable convergence delay for any asynchronous resources.",
        ),
        breaks: "CRI-O checks right after every ADD, before the pod starts: a failure is a failed pod and a DEL, and
            a second of waiting is a second for every pod. It checks each sandbox again when it starts itself; a pod
            whose CHECK fails then has lost its address, as far as CRI-O knows.",
        wrong: "CHECK asks a daemon or the API server whether all is done. ovn-kubernetes made its CHECK a no-op for
            this reason (its pull request 2511).",
    },
    Reason {
        check: 113,
        says: Spec(
            "section 2 (CHECK)",
            "The plugin must consult the `prevResult` to determine the expected interfaces and addresses.",
        ),
        breaks: "Without a result there is nothing to compare with. Success says that everything is as expected when
            nothing was expected.",
        wrong: "CHECK looks only whether an interface of that name exists, or at nothing.",
    },
    Reason {
        check: 114,
        says: Spec(
            "section 2 (CHECK)",
            "The plugin should return an error if a resource included in the CNI Result type (interface, address or
            route) was created by the plugin, and is listed in `prevResult`, but is missing or in an invalid state.",
        ),
        breaks: "Nothing but CHECK tells a runtime that a pod is cut off. CRI-O asks after ADD, and when it starts
            anew, after whatever has happened meanwhile.",
        wrong: "Only the interface's existence is looked at, or only what the plugin sets last. loopback does not
            look at addresses.",
    },
    Reason {
        check: 115,
        says: Spec(
            "section 2 (CHECK)",
            "The plugin must allow for a later chained plugin to have modified networking resources, e.g. routes, on
            `ADD`.",
        ),
        breaks: "Multus moves the default route for a pod's annotation, sbr moves routes into tables of their own. A
            CHECK that wants its own set of routes fails every such pod, and CRI-O does not start it.",
        wrong: "The kernel's routes are compared with those that the plugin would set, instead of with `prevResult`.",
    },
    Reason {
        check: 116,
        says: Source(
            "containernetworking/plugins plugins/main/bridge/bridge.go",
            "CHECK compares the sandbox of each interface in `prevResult` with CNI_NETNS and fails when they differ.",
        ),
        breaks: "The result is of another container, or the namespace of this one was replaced. What CHECK then
            finds there says nothing about the attachment.",
        wrong: "The interface is looked for in CNI_NETNS by its name; the result's sandbox is never read.",
    },
    Reason {
        check: 117,
        says: Spec(
            "section 2 (CHECK)",
            "`CHECK` is a way for a runtime to probe the status of an existing container.",
        ),
        breaks: "A probe that mends changes a running pod behind everybody's back, and hides the fault from the next
            probe. CRI-O checks every pod of its node when it starts.",
        wrong: "CHECK shares the code that sets an interface up, or writes a file that says when it was last called.",
    },
];
