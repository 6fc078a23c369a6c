//! Why 52-65 are there.

use crate::reason::Says::{Source, Spec};
use crate::reason::{Reason, SKEL};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 52,
        says: Source(
            SKEL,
            "`validateConfig` decodes stdin as JSON; nothing is `unexpected end of JSON input`, code 6.",
        ),
        breaks: "A runtime that dies while it starts a plugin leaves it with an empty input. Success would be an
            attachment that nobody knows.",
        wrong: "An empty input counts as an empty configuration, with defaults for everything.",
    },
    Reason {
        check: 53,
        says: Spec(
            "section 5 (Error)",
            "Failed to decode content. For example, failed to unmarshal network config from bytes or failed to
            decode version info from string.",
        ),
        breaks: "A configuration file that is half written looks so. Code 6 tells it apart from one that is wrong.",
        wrong: "The parser's error ends the process without JSON; a shell script that looks for one key with `grep`
            finds it in half a file.",
    },
    Reason {
        check: 54,
        says: Source(
            SKEL,
            "`validateConfig` decodes into a structure; an array, a string or a number does not fit, code 6.",
        ),
        breaks: "Valid JSON that is no object has no name and no version. A plugin that goes on has an attachment
            without a network.",
        wrong: "The first key is looked up and its absence is not an error.",
    },
    Reason {
        check: 55,
        says: Source(
            SKEL,
            "`validateConfig` decodes `null` into an empty structure, which has no name: code 7.",
        ),
        breaks: "Go's decoder leaves a structure as it is when it meets `null`. The next thing that is missing is
            the name, and that is the error that runtimes and tests know.",
        wrong: "A decoder that refuses `null` answers 6, one that does not look at all goes on with empty strings.",
    },
    Reason {
        check: 56,
        says: Source(
            SKEL,
            "`validateConfig` uses `json.Unmarshal`, which refuses anything after the first value.",
        ),
        breaks: "Two documents come from a file that was appended to instead of replaced. Taking the first silently
            keeps the old configuration alive.",
        wrong: "A streaming decoder reads one value and stops.",
    },
    Reason {
        check: 57,
        says: Source(SKEL, "`json.Unmarshal` refuses a byte order mark: code 6."),
        breaks: "The runtimes' loaders are Go's decoder too, and refuse such a file. A plugin that takes it works in
            its author's tests and not on a node.",
        wrong: "The library strips the mark without being asked.",
    },
    Reason {
        check: 58,
        says: Source(
            "RFC 8259, 8.1",
            "JSON that is exchanged between systems must be UTF-8; what a decoder does with anything else is left
            open.",
        ),
        breaks: "Pod annotations and names of devices come from elsewhere. Go replaces invalid bytes, other
            languages refuse them; both are fine, a crash or invalid JSON in the answer is not.",
        wrong: "Bytes of the input are copied into the error message as they are.",
    },
    Reason {
        check: 59,
        says: Spec(
            "section 5 (Error)",
            "I/O failure. For example, failed to read network config bytes from stdin.",
        ),
        breaks: "A read error is no empty configuration. Code 5 says that it is worth looking at the runtime, not at
            the file.",
        wrong: "The error of `read` is ignored and what has come so far is decoded.",
    },
    Reason {
        check: 60,
        says: Source("RFC 8259, 9", "A parser may set limits on the size and the depth of what it accepts."),
        breaks: "Whoever may write a network attachment definition chooses the input that Multus hands on. A crash
            is an attachment that is half made; recursion without a bound ends in one.",
        wrong: "A recursive parser without a limit; a copy of the input for each level.",
    },
    Reason {
        check: 61,
        says: Spec(
            "section 1 (Plugin configuration objects)",
            "Plugins may define additional fields that they accept and may generate an error if called with unknown
            fields.",
        ),
        breaks: "Multus puts `deviceID`, `pciBusID` and `args` into the object, runtimes `runtimeConfig` and
            `prevResult`, libcni leaves `capabilities` in. A plugin that refuses what it does not know cannot be
            used behind any of them.",
        wrong: "`deny_unknown_fields`, or a JSON schema without additional properties.",
    },
    Reason {
        check: 62,
        says: Source(
            "RFC 8259, 4",
            "Names within an object should be unique; when they are not, what a decoder does is unpredictable.",
        ),
        breaks: "A configuration that is put together by text substitution has keys twice. Different answers on
            different calls mean that ADD and DEL are about different networks.",
        wrong: "Keys are kept in a map without an order, and whichever comes last is used.",
    },
    Reason {
        check: 63,
        says: Source(
            "encoding/json of Go",
            "Keys match a field's name in any case, the exact one preferred.",
        ),
        breaks: "A file with `CNIVersion` works with every plugin in Go. Whether it does with this one is told, not
            judged.",
        wrong: "A crash, or a version that is taken for 0.1.0 without a word.",
    },
    Reason {
        check: 64,
        says: Source(
            "containernetworking/cni pkg/version/conf.go",
            "`ConfigDecoder.Decode` reads `cniVersion` as a string; another type does not decode, code 6.",
        ),
        breaks: "`cniVersion: 1.1` in a file that was YAML once becomes a number. Converted, it is a version that
            does not exist.",
        wrong: "The value is formatted into a string whatever its type.",
    },
    Reason {
        check: 65,
        says: Source(
            "containernetworking/cni pkg/version/conf.go",
            "`ConfigDecoder.Decode` takes a missing or empty version for 0.1.0.",
        ),
        breaks: "Old configurations have no such key, and libcni still takes them. An answer in today's shape cannot
            be read as one of 0.1.0.",
        wrong: "The newest version is the default. sbr and tuning take it for 0.1.0 as well, and then refuse the
            `prevResult` of 1.1.0 that comes with it.",
    },
];
