//! Why 17-38 are there.

use crate::reason::Says::{Source, Spec};
use crate::reason::{Reason, SKEL};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 17,
        says: Source(
            SKEL,
            "`pluginMain` prints the about text and the supported versions on stderr when there is no command, and
            succeeds.",
        ),
        breaks: "A person who runs the binary by hand, or an installer that tries it, gets a stack trace or an
            attachment in place of a word on what it is. A runtime always sends a command.",
        wrong: "The missing command falls through to ADD, or to success without a word.",
    },
    Reason {
        check: 18,
        says: Source(
            SKEL,
            "`getCmdArgsFromEnv` takes a variable that is set and empty for one that is missing.",
        ),
        breaks: "Shells and service managers leave variables set and empty. A plugin that then does something has
            done what nobody asked for.",
        wrong: "Presence of the variable is tested, not its value.",
    },
    Reason {
        check: 19,
        says: Spec(
            "section 5 (Error)",
            "Invalid necessary environment variables, like CNI_COMMAND, CNI_CONTAINERID, etc.",
        ),
        breaks: "libcni asks old plugins for VERSION and goes by the sentence `unknown CNI_COMMAND: VERSION` to tell
            that they are of 0.1.0. A plugin that succeeds at a verb it does not know makes the next verb of the
            specification a silent no-op: so a plugin from before STATUS would report every node ready.",
        wrong: "The `case` of a shell script has no default, or one that exits with 0.",
    },
    Reason {
        check: 20,
        says: Source(
            SKEL,
            "`pluginMain` compares the command as it stands; anything else is `unknown CNI_COMMAND`.",
        ),
        breaks: "A test that sends `add` by mistake passes against this plugin, and fails against every other.",
        wrong: "The command is converted to upper case first.",
    },
    Reason {
        check: 21,
        says: Source(
            SKEL,
            "`pluginMain` knows ADD, DEL, CHECK, GC, STATUS and VERSION; GET and UPDATE are unknown commands.",
        ),
        breaks: "Neither is in a release of the specification: GET became CHECK before 0.4.0. What a plugin does on
            them no runtime has asked for, and no runtime can read the answer.",
        wrong: "Code from before 0.4.0 was never removed: OpenShift's `error-cni` still has a branch for GET.",
    },
    Reason {
        check: 22,
        says: Spec(
            "section 2 (ADD)",
            "Required environment parameters: - `CNI_COMMAND` - `CNI_CONTAINERID` - `CNI_NETNS` - `CNI_IFNAME`",
        ),
        breaks: "Without the name the pod's event says that something is missing, not what. Without the error the
            plugin goes on with an empty container ID, under which every container has the same state.",
        wrong: "Variables are read with a default, so that nothing is ever missing.",
    },
    Reason {
        check: 23,
        says: Spec("section 2 (ADD)", "Optional environment parameters: - `CNI_ARGS` - `CNI_PATH`"),
        breaks: "The specification lists CNI_PATH as optional for ADD, skel demands it; libcni always sends it. A
            plugin that needs no delegate may go without.",
        wrong: "Whichever it is: an error that does not say which variable is missing.",
    },
    Reason {
        check: 24,
        says: Source(SKEL, "`getCmdArgsFromEnv` collects all missing variables and names them in one error."),
        breaks: "One name per attempt costs a person one attempt for each.",
        wrong: "The first missing variable returns.",
    },
    Reason {
        check: 25,
        says: Source(SKEL, "`getCmdArgsFromEnv` takes an empty variable for a missing one."),
        breaks: "libcni sets every variable it knows, empty ones included. An empty CNI_NETNS that counts as present
            is opened as a path.",
        wrong: "Presence of the variable is tested, not its value.",
    },
    Reason {
        check: 26,
        says: Spec(
            "section 2 (CHECK)",
            "Required environment parameters: - `CNI_COMMAND` - `CNI_CONTAINERID` - `CNI_NETNS` - `CNI_IFNAME`",
        ),
        breaks: "CHECK without a namespace has nothing to look at. One that succeeds all the same tells CRI-O, which
            checks after each ADD, that the pod is connected.",
        wrong: "CHECK is a stub that returns success before anything is validated.",
    },
    Reason {
        check: 27,
        says: Spec(
            "section 2 (DEL)",
            "Required environment parameters: - `CNI_COMMAND` - `CNI_CONTAINERID` - `CNI_IFNAME`",
        ),
        breaks: "An attachment is container and interface. DEL without either cannot say what it has removed;
            success would make the runtime forget the container.",
        wrong: "DEL is made to never fail, and so answers success to a call that names nothing.",
    },
    Reason {
        check: 28,
        says: Spec(
            "section 2 (DEL)",
            "Optional environment parameters: - `CNI_NETNS` - `CNI_ARGS` - `CNI_PATH`",
        ),
        breaks: "containerd sends an empty CNI_NETNS once it has closed the namespace, CRI-O one that is gone after
            a reboot. An error keeps the pod Terminating.",
        wrong: "One list of required variables serves ADD and DEL.",
    },
    Reason {
        check: 29,
        says: Spec("section 2 (GC)", "Required environment parameters: - `CNI_COMMAND` - `CNI_PATH`"),
        breaks: "STATUS and GC are about a network, not a container. A plugin that asks for CNI_CONTAINERID is not
            ready on a node where CRI-O goes by its STATUS, and its leftovers are never collected.",
        wrong: "The frame demands the same variables of every verb. skel 1.1 did: Debian 12's plugins answer code 3,
            `missing containerID` (79).",
    },
    Reason {
        check: 30,
        says: Source(
            "containernetworking/cni libcni/api.go",
            "`gcNetwork` and `GetStatusNetworkList` pass an empty `RuntimeConf`, from which all variables are set,
            and empty.",
        ),
        breaks: "The variables are there and empty in every STATUS and GC that CRI-O and containerd 2.1 send. A
            plugin that validates what is present refuses all of them.",
        wrong: "A validator is called for each variable that is set.",
    },
    Reason {
        check: 31,
        says: Source(SKEL, "`getCmdArgsFromEnv` validates a variable only for verbs that need it."),
        breaks: "STATUS and GC are about no container. What a caller's own call has left in these variables, or a
            person has typed, says nothing; an error keeps the node from being ready.",
        wrong: "Everything is validated before the verb is known.",
    },
    Reason {
        check: 32,
        says: Spec("section 2 (GC)", "Required environment parameters: - `CNI_COMMAND` - `CNI_PATH`"),
        breaks: "GC needs CNI_PATH to find the delegates that it has to forward to. skel demands it of both; a
            plugin without delegates may go without.",
        wrong: "An error that does not name CNI_PATH, or a delegate that is silently left out.",
    },
    Reason {
        check: 33,
        says: Source(
            "containernetworking/cni pkg/invoke/exec.go",
            "`GetVersionInfo` sends VERSION with `dummy` for namespace, interface and path, and no container.",
        ),
        breaks: "podman and CRI-O skip a configuration whose plugin fails VERSION. One that opens the namespace
            `dummy` is therefore never used.",
        wrong: "Variables are validated, or the namespace is opened, before the verb is looked at.",
    },
    Reason {
        check: 34,
        says: Spec("section 2 (ADD)", "Optional environment parameters: - `CNI_ARGS` - `CNI_PATH`"),
        breaks: "cnitool sends no arguments unless it is given some. A plugin that needs them cannot be called by
            hand, nor by a runtime that has none.",
        wrong: "An empty string is split at `;` and yields one pair without `=`, which is refused.",
    },
    Reason {
        check: 35,
        says: Spec(
            "section 2 (Parameters)",
            r#"Alphanumeric key-value pairs separated by semicolons; for example, "FOO=BAR;ABC=123""#,
        ),
        breaks: "CRI-O, containerd and Multus send `IgnoreUnknown` and the pod's names to every plugin, podman its
            own two; CRI-O adds what is in its own CNI_ARGS. A plugin that refuses keys it does not know works with
            one runtime.",
        wrong: "`IgnoreUnknown=1` is known, but Multus' `IgnoreUnknown=true` is not.",
    },
    Reason {
        check: 36,
        says: Source(
            "k8snetworkplumbingwg/multus-cni pkg/server/server.go",
            "The thick daemon takes `K8S_POD_INFRA_CONTAINER_ID` from the wrong map, so that delegates get it empty.",
        ),
        breaks: "Every pod under thick Multus has an empty value among its arguments. A value that holds `=`, as
            base64 does, has one sensible reading: the first `=` separates.",
        wrong: "The helper of the reference library splits at every `=` and wants two parts: `ARGS: invalid pair`.
            bridge, host-device, host-local, macvlan, ptp, static and tuning fail so.",
    },
    Reason {
        check: 37,
        says: Source(
            "containers/common libnetwork/cni/run.go",
            "`getRuntimeConfig` sends `IgnoreUnknown` and `K8S_POD_NAME`, the container's name, and no other of
            Kubernetes' keys.",
        ),
        breaks: "podman's containers have no namespace, UID or sandbox. A plugin that needs these refuses them, or
            puts them all in one place.",
        wrong: "State is kept by `K8S_POD_UID`; a key that is missing is a crash.",
    },
    Reason {
        check: 38,
        says: Source(
            "containernetworking/cni pkg/types/args.go",
            "`LoadArgs` returns an error for keys that the plugin's structure has no field for, unless
            `IgnoreUnknown` is set.",
        ),
        breaks: "What a plugin does without `IgnoreUnknown` is its own decision; that it says so in one JSON error
            is not.",
        wrong: "The error has no code of its own and leaves as 999, as from the reference library.",
    },
];
