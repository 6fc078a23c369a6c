//! Why 39-51 are there.

use crate::reason::Says::{Source, Spec};
use crate::reason::{Reason, SKEL};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 39,
        says: Spec(
            "section 2 (Parameters)",
            "Must start with an alphanumeric character, optionally followed by any combination of one or more
            alphanumeric characters, underscore (), dot (.) or hyphen (-).",
        ),
        breaks: "IDs become names of files, links and rules. `a/b` and `..` lead out of the state directory, and
            `-x` is an option to `ip` and `iptables`.",
        wrong: "libcni validates on ADD only, so a plugin that leaves it to the runtime has unchecked IDs in DEL,
            and in every call by hand.",
    },
    Reason {
        check: 40,
        says: Source(
            "containernetworking/cni pkg/utils/utils.go",
            "`ValidateContainerID` looks at characters and sets no limit to the length.",
        ),
        breaks: "CRI-O and containerd use 64 hexadecimal digits, cnitool `cnitool-` and 20, podman its own. A plugin
            that takes IDs of one length works with one runtime.",
        wrong: "A buffer or a column of 64; an interface name that is made of the whole ID and becomes too long.",
    },
    Reason {
        check: 41,
        says: Source(
            SKEL,
            "`getCmdArgsFromEnv` returns at the first variable that is invalid, and names missing ones only after
            that.",
        ),
        breaks: "Tests and people compare plugins by their errors. Which of two errors comes first is the reference
            library's order.",
        wrong: "Missing variables are looked for first, as in skel 1.1: Debian 12's plugins.",
    },
    Reason {
        check: 42,
        says: Source(SKEL, "`getCmdArgsFromEnv` validates the container ID for ADD, CHECK and DEL."),
        breaks: "libcni validates nothing before DEL and CHECK. There the plugin is the only one who looks, and a
            DEL with `../x` removes what is not its own.",
        wrong: "Validation is a part of ADD's code.",
    },
    Reason {
        check: 43,
        says: Source(
            "containernetworking/cni pkg/utils/utils.go",
            "`ValidateInterfaceName` refuses names of more than 15 bytes.",
        ),
        breaks: "The kernel's IFNAMSIZ is 16 with the final zero. A longer name fails in the middle of the ADD, when
            other things have been made already, and the message is netlink's.",
        wrong: "The name is cut to 15 characters, and two interfaces get the same one.",
    },
    Reason {
        check: 44,
        says: Source(
            "containernetworking/cni pkg/utils/utils.go",
            "`ValidateInterfaceName` accepts up to 15 bytes.",
        ),
        breaks: "Multus lets users choose names, and 15 characters are allowed everywhere else.",
        wrong: "A limit of 14, counted with the final zero; a prefix or suffix for the far end that makes the name
            too long. bandwidth and sbr fail for another reason: they look for the interface that the earlier plugin
            made.",
    },
    Reason {
        check: 45,
        says: Source(
            "containernetworking/cni pkg/utils/utils.go",
            "`ValidateInterfaceName` refuses `.` and `..`, as the kernel's `dev_valid_name` does.",
        ),
        breaks: "Both are names of directories: what lies in `/proc/sys/net/ipv4/conf/..` are not the settings of an
            interface, and a plugin that writes there writes the host's.",
        wrong: "Only the length and slashes are looked at.",
    },
    Reason {
        check: 46,
        says: Source(
            "containernetworking/cni pkg/utils/utils.go",
            "`ValidateInterfaceName` refuses `/` and `:`, as the kernel's `dev_valid_name` does.",
        ),
        breaks: "A slash leads out of the directory of the interface's settings; a colon is an alias to old tools.",
        wrong: "The kernel is left to refuse it, half-way through the ADD.",
    },
    Reason {
        check: 47,
        says: Source(
            "containernetworking/cni pkg/utils/utils.go",
            "`ValidateInterfaceName` refuses every rune for which `unicode.IsSpace` holds.",
        ),
        breaks: "A name with white space falls apart in shell scripts and in the output of `ip`. Unicode's spaces
            look like any other in an event.",
        wrong: "Only the blank is looked for, or the characters of ASCII.",
    },
    Reason {
        check: 48,
        says: Source(
            "containernetworking/cni pkg/utils/utils.go",
            "`ValidateInterfaceName` compares `len`, which counts bytes.",
        ),
        breaks: "Eight characters of two bytes are sixteen bytes: one too many for the kernel, which then refuses in
            the middle of the ADD.",
        wrong: "Characters are counted.",
    },
    Reason {
        check: 49,
        says: Spec(
            "section 1 (Configuration format)",
            "Must start with an alphanumeric character, optionally followed by any combination of one or more
            alphanumeric characters, underscore, dot (.) or hyphen (-).",
        ),
        breaks: "Files are named for networks: host-local's reservations, libcni's cache. A name with a slash leads
            out of their directory; an empty one makes all networks the same.",
        wrong: "The name is taken as it comes, because libcni has validated it on ADD: it has not on DEL, CHECK,
            STATUS and GC.",
    },
    Reason {
        check: 50,
        says: Source(
            SKEL,
            "`validateConfig` decodes `name` as a string; another type is an error of decoding, code 6.",
        ),
        breaks: "Code 6 says that the file is broken, code 7 that its content is. A number that is taken for a name
            becomes `5` in one plugin of the chain and an error in the next.",
        wrong: "A dynamic language converts the value.",
    },
    Reason {
        check: 51,
        says: Source(SKEL, "`validateConfig` is called for every verb but VERSION."),
        breaks: "GC and DEL remove things by the network's name. With a name that leads elsewhere they remove what
            is not theirs.",
        wrong: "Only ADD reads the name; the other verbs succeed without looking at their input.",
    },
];
