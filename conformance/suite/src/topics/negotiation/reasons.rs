//! Why 66-80 are there.

use crate::reason::Says::{Source, Spec};
use crate::reason::{OCICNI, Reason, SKEL};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 66,
        says: Spec(
            "section 5 (VERSION Success)",
            "Plugins must output a JSON object with the following keys upon a `VERSION` operation:",
        ),
        breaks: "libcni refuses an answer without `cniVersion` (`decoding version info: missing field cniVersion`)
            or without a list. CRI-O and podman then skip the configuration, and the node has no network.",
        wrong: "The list is printed as lines of text, or its entries are numbers.",
    },
    Reason {
        check: 67,
        says: Spec(
            "section 5 (VERSION Success)",
            "`cniVersion`: The value of `cniVersion` specified on input",
        ),
        breaks: "Nothing as long as it is a version that was published: libcni looks at the list. An unknown one
            cannot be told from a broken answer.",
        wrong: "skel prints its newest version whatever it is asked; a script prints its own version number.",
    },
    Reason {
        check: 68,
        says: Source(SKEL, "`getCmdArgsFromEnv` never reads the input of VERSION."),
        breaks: "Who asks by hand sends nothing. A plugin that wants a configuration cannot be asked before there is
            one.",
        wrong: "VERSION goes through the same decoder as the other verbs.",
    },
    Reason {
        check: 69,
        says: Source(
            "containernetworking/cni pkg/version/plugin.go",
            "`ParseVersion` takes up to three numbers separated by dots, and nothing else.",
        ),
        breaks: "libcni wants the configuration's version letter for letter, so that `1.1` is no `1.1.0`. skel
            compares with each entry in turn: one that does not parse is code 6 for CHECK, GC and STATUS.",
        wrong: "`1.1` for `1.1.0`, a `v` in front, an entry that was copied twice.",
    },
    Reason {
        check: 70,
        says: Source(
            OCICNI,
            "`monitorConfDir` loads all configurations anew, with a VERSION for each plugin, on every change of a
            file.",
        ),
        breaks: "Several plugins of several configurations are asked at the same time while files are installed. An
            answer that depends on a file which is being written drops a configuration that was fine.",
        wrong: "The list is generated into a shared file; a lock is held and the loser answers with an error.",
    },
    Reason {
        check: 71,
        says: Spec(
            "section 1 (Version considerations)",
            "Plugins indicate their set of supported versions through the VERSION command, while network
            configurations indicate their set of supported versions through the `cniVersion` and `cniVersions`
            fields.",
        ),
        breaks: "A runtime that has found the configuration's version in the list goes on to ADD. Code 1 there is an
            error that no check of the configuration could have found: every pod fails on a node that is ready.",
        wrong: "The list is taken from the library, the versions that the plugin can write results in are fewer.",
    },
    Reason {
        check: 72,
        says: Spec("section 5 (Error), code 1", "Incompatible CNI version"),
        breaks: "A result of a version that the runtime does not know is lost after the interface was made:
            `unsupported CNI result version`. Whoever writes the configuration has to read which versions there are.",
        wrong: "Versions are compared as numbers or by their beginning, so that 9.9.9 is at least 1.1.0 and `1.1` is
            1.1.0; the error does not list what is supported.",
    },
    Reason {
        check: 73,
        says: Spec("section 5 (Error), code 1", "Incompatible CNI version"),
        breaks: "CHECK came with 0.4.0. Before that no `prevResult` is sent, and a plugin that succeeds has looked
            at nothing.",
        wrong: "The verb is dispatched before the version is read.",
    },
    Reason {
        check: 74,
        says: Spec(
            "section 2 (CHECK)",
            "`CHECK` is a way for a runtime to probe the status of an existing container.",
        ),
        breaks: "CRI-O checks after every ADD with a configuration from 0.4.0 on. Code 1 there fails every pod
            although ADD was fine.",
        wrong: "CHECK is not implemented, and answers as to an old version.",
    },
    Reason {
        check: 75,
        says: Spec("section 5 (Error), code 1", "Incompatible CNI version"),
        breaks: "GC came with 1.1.0; libcni sends it from that version on. A plugin that takes it earlier deletes by
            a list that the specification of that version does not describe.",
        wrong: "The verb is dispatched before the version is read.",
    },
    Reason {
        check: 76,
        says: Spec("section 5 (Error), code 1", "Incompatible CNI version"),
        breaks: "libcni sends STATUS from 1.1.0 on. Success at an earlier version is an answer to a question that
            was not asked, and hides from a test that the version was not looked at.",
        wrong: "The verb is dispatched before the version is read.",
    },
    Reason {
        check: 77,
        says: Source(
            "containernetworking/cni pkg/version/reconcile.go",
            "`Reconciler.Check` accepts a version only if it is in the plugin's list, letter for letter.",
        ),
        breaks: "A later version may give STATUS and GC other rules. A plugin that acts by today's may delete what
            it should keep.",
        wrong: "Only a lower bound is tested: 1.2.0 is at least 1.1.0.",
    },
    Reason {
        check: 78,
        says: Source(
            "containernetworking/cni pkg/version/plugin.go",
            "`GreaterThanOrEqualTo` fails for what is no version; skel makes code 6 of that.",
        ),
        breaks: "Code 1 would send a person to look for another plugin, when the file has a typing error.",
        wrong: "What does not parse counts as 0.0.0, which is an old version, or is compared as text.",
    },
    Reason {
        check: 79,
        says: Source(
            "containernetworking/cni pkg/version/reconcile.go",
            "`Reconciler.Check` lists what is supported; `pluginMain` answers code 1 when no version of the plugin
            is as new as the configuration.",
        ),
        breaks: "CRI-O from 1.32 and containerd from 2.1 send STATUS as soon as the configuration is of 1.1.0. Code
            1 says to take an older version; any other sends people to look for a broken node.",
        wrong: "Built on skel 1.1, as Debian 12's plugins are: STATUS and GC are checked for a container first, and
            get code 3, `missing containerID`.",
    },
    Reason {
        check: 80,
        says: Source(
            SKEL,
            "`checkVersionAndCall` is used for DEL as for ADD: a version that is not listed is code 1.",
        ),
        breaks: "CRI-O sends DEL with the configuration of the ADD, or with today's when its cache is gone;
            containerd always with today's. A configuration that was updated to a newer version so keeps pods
            Terminating. The profiles `interface` and `placeholder` therefore take success as well.",
        wrong: "Neither: the plugin deletes by a configuration that it cannot read.",
    },
];
