//! Why 1-16 are there.

use crate::reason::Says::{Source, Spec};
use crate::reason::{OCICNI, RAW_EXEC, Reason, SKEL};

pub(crate) const REASONS: &[Reason] = &[
    Reason {
        check: 1,
        says: Source(
            OCICNI,
            "Loading a configuration runs VERSION of every plugin in it (`ValidateNetworkList`), without a deadline.",
        ),
        breaks: "CRI-O asks while it starts, and again on every change in its directories. A plugin that hangs keeps
            it from starting; one that leaves a process behind leaves one more each time.",
        wrong: "A daemon is looked for, or a helper started, before `CNI_COMMAND` is looked at.",
    },
    Reason {
        check: 2,
        says: Spec("section 5", "The output should be serialized as JSON on standard out."),
        breaks: "libcni, and so every runtime, reads stdout of a failed plugin as one JSON object. With anything
            before or after it the pod's event says `netplugin failed but error parsing its diagnostic message`, and
            stderr is dropped because stdout was not empty.",
        wrong: "A logger writes to stdout; a library prints progress there; the result has been printed when the
            error comes, as skel does for the plugin's own namespace (81).",
    },
    Reason {
        check: 3,
        says: Spec(
            "section 5 (Error)",
            "Plugins should output a JSON object with the following keys if they encounter an error:",
        ),
        breaks: "A `code` that is a string or negative does not decode into the unsigned number of libcni's error
            type, and the whole message becomes unreadable. With a code alone the text of the error is empty: the
            pod's event gives no reason. Only podman shows the number then.",
        wrong: "Scripts print the code between quotation marks, or nothing but the code.",
    },
    Reason {
        check: 4,
        says: Spec("section 5 (Error)", r#"`cniVersion`: The protocol version in use - "1.1.0""#),
        breaks: "Nothing today: neither libcni nor podman reads it. A reader of errors that goes by their version,
            as it does for results, cannot tell which shape this one has.",
        wrong: "skel's error type has no such field, so that everything built on it leaves the key out; a fixed
            version is wrong for every other configuration.",
    },
    Reason {
        check: 5,
        says: Spec("section 2 (GC)", "No output on success"),
        breaks: "libcni ignores what a verb other than ADD and VERSION prints when it succeeds. A caller that reads
            stdout whenever there is any takes a note for a result or an error.",
        wrong: "A script echoes what it does; a plugin prints an empty result, `{}`, whatever the verb.",
    },
    Reason {
        check: 6,
        says: Spec(
            "section 5 (ADD Success)",
            "Plugins must output a JSON object with the following keys upon a successful `ADD` operation:",
        ),
        breaks: "libcni decodes all of stdout. One more byte, and ADD has failed although the interface is there:
            `failed to unmarshal raw result`. CRI-O and containerd then send a DEL and the pod does not start.",
        wrong: "A debug line on stdout in front of the result; the delegate's output copied to stdout in addition.",
    },
    Reason {
        check: 7,
        says: Source("pipe(7)", "A write to a pipe that nobody reads any more fails with `EPIPE`."),
        breaks: "The runtime was killed, or has given up waiting. A plugin that exits with 0 says that somebody has
            the result; one that hangs keeps its locks from every other pod.",
        wrong: "The error of the last write is not looked at; the language's runtime panics when stdout is gone.",
    },
    Reason {
        check: 8,
        says: Spec(
            "section 5 (Error)",
            "In addition, stderr can be used for unstructured output such as logs.",
        ),
        breaks: "Logs are optional: a caller that has closed stderr must get the same result. A file that the plugin
            opens would get descriptor 2, and its logs.",
        wrong: "A logger that cannot write ends the process.",
    },
    Reason {
        check: 9,
        says: Source("pipe(7)", "A pipe holds 64 KiB; whoever writes more waits for a reader."),
        breaks: "The input carries `prevResult`, pod annotations and port mappings, and has no limit. libcni writes
            it while it reads the answer; a plugin that does not read it all fails on large pods only.",
        wrong: "One read into a buffer of fixed size; an answer before the input is read to its end.",
    },
    Reason {
        check: 10,
        says: Source(SKEL, "`getCmdArgsFromEnv` checks the environment, and only then reads stdin."),
        breaks: "Who types a call by hand gets no answer before the end of input; a caller that keeps the pipe open
            while it waits for the error waits for ever.",
        wrong: "Input is read first. Debian 12's plugins, built on skel 1.1, read all of it before they look at the
            container ID.",
    },
    Reason {
        check: 11,
        says: Source(
            SKEL,
            r#"`getCmdArgsFromEnv` replaces stdin by an empty reader for VERSION: "does not read from Stdin"."#,
        ),
        breaks: "VERSION is asked without a deadline by CRI-O. A caller that leaves stdin open and a plugin that
            reads it wait for each other.",
        wrong: "Input is read and decoded before the verb is looked at.",
    },
    Reason {
        check: 12,
        says: Source(
            OCICNI,
            "`monitorConfDir` watches the configurations' and every plugin directory, and loads everything anew on
            each write.",
        ),
        breaks: "CRI-O runs VERSION of every plugin when it loads. A plugin that writes into one of these
            directories is therefore run again because it was run, without an end.",
        wrong: "A log, a lock or a state file beside the binary or beside the configuration; one in the working
            directory, which is whatever the runtime's is.",
    },
    Reason {
        check: 13,
        says: Source(
            "systemd.kill(5)",
            "With `KillMode=control-group`, the default, every process of a unit is sent SIGTERM when it stops.",
        ),
        breaks: "A runtime that is stopped so takes its plugins with it in the middle of an ADD. What was half done
            is left, and the DEL that comes later has to find it; a plugin that holds out delays the shutdown.",
        wrong: "The signal is blocked until a daemon has answered; what is to be undone is known in memory only.",
    },
    Reason {
        check: 14,
        says: Source(
            RAW_EXEC,
            "`pluginErr` falls back on stderr when stdout is empty, and on the exit status when both are.",
        ),
        breaks: "A plugin that dies without a word is `netplugin failed with no error message` in the pod's event:
            nobody can tell it from a crash of any other kind.",
        wrong: "The error path needs memory itself to make its JSON, and a handler ends the process in silence, or
            with success.",
    },
    Reason {
        check: 15,
        says: Source(
            RAW_EXEC,
            "`ExecPlugin` hands the runtime's whole environment on; the plugin's own variables are added.",
        ),
        breaks: "A plugin gets the variables of the runtime's service: proxies, traces, whatever an administrator
            has put there, in any encoding.",
        wrong: "The environment is read into strings that must be UTF-8, or into an array of fixed size.",
    },
    Reason {
        check: 16,
        says: Source(
            "containernetworking/cni pkg/invoke/find.go",
            "`FindInPath` takes the first regular file of that name, links followed, in the order of CNI_PATH.",
        ),
        breaks: "Distributions and operators link plugins into place, and a runtime's working directory may be gone.
            Both are no business of a call that names all its paths.",
        wrong: "Files are looked for beside `argv[0]`, or by relative paths; the current directory is asked for and
            must exist.",
    },
];
