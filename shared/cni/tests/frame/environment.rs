//! Commands and variables, as `skel` treats them; errors here come before standard input is read.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::{Call, Probe, STRICT, Unreadable};

/// The error of a call whose standard input must not be touched.
fn refused_early(call: &Call) -> (u64, String, String, String) {
    call.run_with(&Probe::<STRICT>::default(), &mut Unreadable).error()
}

#[test]
fn without_command_it_introduces_itself() {
    for call in [Call::new("ADD", "1.1.0").without("CNI_COMMAND"), Call::new("", "1.1.0")] {
        let answer = call.run_with(&Probe::<STRICT>::default(), &mut Unreadable);
        assert!(answer.success);
        assert_eq!(answer.stdout, "");
        assert_eq!(
            answer.stderr,
            concat!(
                "probe ",
                env!("CARGO_PKG_VERSION"),
                ": records how it is called\n",
                "CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n"
            )
        );
    }
}

#[test]
fn unknown_commands() {
    for command in ["NOPE", "add", "UPDATE", "GET", "ADD "] {
        let expected = (4, format!("unknown CNI_COMMAND: {command}"), String::new(), "1.0.0".to_owned());
        assert_eq!(Call::new(command, "1.0.0").refused(), expected);
        // As for skel, standard input comes first.
        assert_eq!(Call::new(command, "1.0.0").stdin("").code(), 6);
    }
}

#[test]
fn missing_and_empty_variables() {
    let cases: [(&str, &[&str]); 3] = [
        ("ADD", &["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]),
        ("CHECK", &["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]),
        ("DEL", &["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"]),
    ];
    for (verb, required) in cases {
        let mut bare = Call::new(verb, "0.4.0");
        for key in required {
            let msg = format!("required env variables [{key}] missing");
            let expected = (4, msg, String::new(), "1.1.0".to_owned());
            assert_eq!(refused_early(&Call::new(verb, "0.4.0").without(key)), expected);
            assert_eq!(refused_early(&Call::new(verb, "0.4.0").env(key, "")), expected);
            bare = bare.without(key);
        }
        let msg = format!("required env variables [{}] missing", required.join(","));
        assert_eq!(refused_early(&bare).1, msg);
    }
    for verb in ["GC", "STATUS"] {
        let error = refused_early(&Call::new(verb, "1.1.0").without("CNI_PATH"));
        assert_eq!(error.1, "required env variables [CNI_PATH] missing");
    }
}

#[test]
fn a_malformed_variable_wins_over_missing_ones() {
    let call =
        Call::new("ADD", "1.1.0").env("CNI_CONTAINERID", "a b").without("CNI_NETNS").without("CNI_PATH");
    let expected = (4, "invalid characters in containerID".into(), "a b".into(), "1.1.0".into());
    assert_eq!(refused_early(&call), expected);
    for verb in ["DEL", "CHECK"] {
        assert_eq!(refused_early(&Call::new(verb, "1.1.0").env("CNI_CONTAINERID", "é")).0, 4);
    }
    let not_utf8 = OsStr::from_bytes(b"a\xff");
    assert_eq!(refused_early(&Call::new("ADD", "1.1.0").env("CNI_CONTAINERID", not_utf8)).0, 4);
    assert_eq!(refused_early(&Call::new("ADD", "1.1.0").env("CNI_IFNAME", not_utf8)).0, 4);
    assert_eq!(refused_early(&Call::new("DEL", "1.1.0").env("CNI_IFNAME", "a/b")).0, 4);
}

#[test]
fn what_a_verb_needs_not_is_ignored() {
    for verb in ["GC", "STATUS"] {
        for (id, ifname) in [("", ""), ("-", "a/b")] {
            let probe = Probe::<STRICT>::default();
            let call = Call::new(verb, "1.1.0")
                .env("CNI_CONTAINERID", id)
                .env("CNI_NETNS", "")
                .env("CNI_IFNAME", ifname)
                .env("CNI_ARGS", "");
            assert!(call.run(&probe).silent());
            assert_eq!(probe.calls.borrow().len(), 1);
        }
    }
}

#[test]
fn version_reads_nothing() {
    let calls = [
        Call::new("VERSION", "1.1.0"),
        Call::new("VERSION", "1.1.0").env("CNI_CONTAINERID", "").env("CNI_IFNAME", "a/b").without("CNI_PATH"),
    ];
    for call in calls {
        let answer = call.run_with(&Probe::<STRICT>::default(), &mut Unreadable);
        assert!(answer.success);
        assert_eq!(
            answer.stdout,
            "{\"cniVersion\":\"1.1.0\",\"supportedVersions\":[\"0.1.0\",\"0.2.0\",\"0.3.0\",\"0.3.1\",\"0.4.0\",\
             \"1.0.0\",\"1.1.0\"]}\n"
        );
    }
}

#[test]
fn cni_args_are_read_leniently() {
    let not_utf8 = OsStr::from_bytes(b"K8S_POD_NAME=\xff");
    let args = ["", "FOO=BAR", "IgnoreUnknown=true;X", "K8S_POD_NAME=", "K8S_POD_UID==a=b;;"];
    let calls = args.iter().map(|args| Call::new("ADD", "1.1.0").env("CNI_ARGS", args));
    for call in calls.chain([Call::new("ADD", "1.1.0").env("CNI_ARGS", not_utf8)]) {
        let probe = Probe::<STRICT>::default();
        assert!(call.run(&probe).success);
        assert_eq!(probe.calls.borrow().len(), 1);
    }
}
