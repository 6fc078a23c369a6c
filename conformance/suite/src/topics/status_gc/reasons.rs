//! Why 118-130 are there.

use crate::reason::Reason;
use crate::reason::Says::{Source, Spec};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 118,
        says: Spec(
            "section 2 (STATUS)",
            "A plugin must exit with a zero (success) return code if the plugin is ready to service ADD requests.",
        ),
        breaks: "CRI-O asks twice a second until the first success, and keeps the node NotReady until then. It holds
            the lock that answers to the kubelet need, and sets no deadline: a STATUS that hangs hangs the node.
            containerd from 2.1 on asks inside its own status call.",
        wrong: "STATUS waits for a daemon to come up instead of saying that it is not there; it prints a word for
            people.",
    },
    Reason {
        check: 119,
        says: Spec(
            "section 2 (STATUS)",
            "If the plugin knows that it is not able to service ADD requests, it must exit with a non-zero return
            code and output an error on standard out (see below).",
        ),
        breaks: "The node comes up Ready while every pod fails. With the error it stays NotReady, and its condition
            says why: `Network plugin returns error: ...`.",
        wrong: "STATUS is left out, and the frame answers success; the error has a code that says that the plugin is
            broken.",
    },
    Reason {
        check: 120,
        says: Spec(
            "section 5 (Error)",
            "Invalid network config. If some validations on network configs do not pass, this error will be raised.",
        ),
        breaks: "A typing error in the configuration is found when the node comes up, in its condition, and not by
            the first pod that fails.",
        wrong: "STATUS does not read the plugin's own keys: bandwidth. bridge reads them and answers code 999;
            macvlan and tuning fail, too.",
    },
    Reason {
        check: 121,
        says: Source(
            "cri-o/cri-o internal/config/cnimgr/cnimgr.go",
            "STATUS is asked every 500 ms until it succeeds, and with `cni_status_grace_period` every 5 s from then
            on.",
        ),
        breaks: "With the latter, one file or one process left by each call is 17,000 a day.",
        wrong: "A connection or a helper is opened for the question and left behind.",
    },
    Reason {
        check: 122,
        says: Spec(
            "section 2 (STATUS)",
            "If a plugin relies on a delegated plugin (e.g. IPAM) to service `ADD` requests, it must also execute a
            `STATUS` request to that plugin when it receives a `STATUS` request for itself.",
        ),
        breaks: "A node whose addresses are used up is Ready, and every pod that is sent there fails.",
        wrong: "STATUS answers for the plugin alone; the delegate is called, and its error becomes a code of the
            plugin's own.",
    },
    Reason {
        check: 123,
        says: Spec(
            "section 2 (GC)",
            "`cni.dev/valid-attachments` (array of objects): The list of **still valid** attachments to this
            network:",
        ),
        breaks: "CRI-O collects for every network when it starts, and libcni sends `null` for those without pods;
            from cnitool the key is absent. An error is a warning in its log, and the leftovers stay. A plugin that
            takes absent for empty deletes everything when cnitool is tried on a node.",
        wrong: "The decoder wants an array; a list of 10,000 is compared with itself, each with each.",
    },
    Reason {
        check: 124,
        says: Source(
            "containernetworking/cni libcni/api.go",
            r#"`GCNetworkList` sends the list under `cni.dev/attachments` too: "spec used incorrect variable name"
            (containernetworking/cni 1101)."#,
        ),
        breaks: "The text that was released as 1.1.0 names the old key; a runtime that was written from it sends
            that one alone. A plugin that only knows the new one sees no list, and may delete what belongs to
            running pods.",
        wrong: "Written from today's text of the specification, which does not mention the old key.",
    },
    Reason {
        check: 125,
        says: Source(
            "containernetworking/cni libcni/api.go",
            "`GCNetworkList` sends both keys with the same list.",
        ),
        breaks: "This is what CRI-O sends at every start.",
        wrong: "Reserved keys that begin with `cni.dev/` are refused when they are unknown; two keys for one field
            are an error to the decoder.",
    },
    Reason {
        check: 126,
        says: Spec(
            "section 2 (GC)",
            "`containerID` (string): the value of CNI_CONTAINERID as provided during the CNI ADD operation",
        ),
        breaks: "An entry that a later version has more keys in is still an attachment. A plugin that drops what it
            cannot read entirely deletes a running pod's addresses.",
        wrong: "Entries that do not decode are skipped, which means: not valid.",
    },
    Reason {
        check: 127,
        says: Spec(
            "section 2 (GC)",
            "For example, a plugin should remove any IPAM reservations associated with attachments not in the
            provided list.",
        ),
        breaks: "After a reboot or a lost cache nobody sends the DEL of old sandboxes. Their addresses stay reserved
            until the range is used up; a GC that takes too much cuts off running pods.",
        wrong: "GC is not implemented in any of the reference plugins: skel answers success for them, and host-local
            keeps the address.",
    },
    Reason {
        check: 128,
        says: Spec(
            "section 2 (GC)",
            "If an error is encountered, a plugin should continue; removing as many resources as possible, and
            report the errors back to the runtime.",
        ),
        breaks: "One sandbox that is stuck keeps the leftovers of all others, at every start of CRI-O again. Without
            the error nobody learns of it.",
        wrong: "The first error ends the loop; or all errors are dropped.",
    },
    Reason {
        check: 129,
        says: Spec(
            "section 2 (GC)",
            "Plugins MUST, additionally, forward any GC calls to delegated plugins they are configured to use (see
            section 4).",
        ),
        breaks: "Addresses are the delegate's: when it is not told, they stay reserved whatever the plugin itself
            has cleaned up.",
        wrong: "GC is not implemented, and the frame answers success: bridge, ptp, macvlan and host-device.",
    },
    Reason {
        check: 130,
        says: Spec("section 2 (GC)", "Plugins should generally complete a `GC` action without error."),
        breaks: "CRI-O collects at each start. What was removed the first time must not be missed the second time.",
        wrong: "The removal of something that is gone already is an error.",
    },
];
