//! Standard input: what is a configuration and what is not.

use std::fs::File;

use crate::support::{ANY_VERSION, Call, Probe, STRICT, Unreadable};
use serde_json::json;

const VERBS: [&str; 5] = ["ADD", "DEL", "CHECK", "STATUS", "GC"];

#[test]
fn what_is_no_json_object_cannot_be_decoded() {
    let bad = [
        "",
        " \n",
        "{",
        "{{{",
        "hello",
        "[]",
        "\"x\"",
        "5",
        "true",
        "{} {}",
        "{\"name\":\"n\"}x",
        "\u{feff}{\"cniVersion\":\"1.1.0\",\"name\":\"n\"}",
    ];
    for verb in VERBS {
        for stdin in bad {
            let (code, msg, _, version) = Call::new(verb, "1.1.0").stdin(stdin).refused();
            assert_eq!((code, &*version), (6, "1.1.0"), "{stdin}");
            assert!(msg.starts_with("error unmarshall network config: "), "{msg}");
        }
    }
    assert_eq!(Call::new("ADD", "1.1.0").stdin(b"{\"name\":\"\xff\"}".as_slice()).code(), 6);
}

#[test]
fn network_names() {
    for verb in VERBS {
        assert_eq!(Call::new(verb, "1.1.0").stdin("null").refused().1, "missing network name");
        for missing in [json!({}), json!({"name": ""}), json!({"name": null})] {
            let (code, msg, ..) = Call::new(verb, "1.1.0").conf(missing).refused();
            assert_eq!((code, &*msg), (7, "missing network name"));
        }
        for bad in ["te%%st", "a/b", "-a", "a b", "..", "é"] {
            let conf = json!({"cniVersion": "0.4.0", "name": bad});
            let msg = "invalid characters found in network name".to_owned();
            assert_eq!(
                Call::new(verb, "1.1.0").conf(conf).refused(),
                (7, msg, bad.to_owned(), "0.4.0".to_owned())
            );
        }
        for wrong in [json!(1), json!({}), json!([]), json!(true)] {
            assert_eq!(Call::new(verb, "1.1.0").conf(json!({"name": wrong})).code(), 6);
        }
    }
}

#[test]
fn the_name_is_looked_at_before_the_version() {
    let call = Call::new("ADD", "1.1.0");
    assert_eq!(call.clone().conf(json!({"cniVersion": 5})).code(), 7);
    assert_eq!(call.clone().conf(json!({"cniVersion": 5, "name": "n"})).code(), 6);
    assert_eq!(call.conf(json!({"cniVersion": "1.1.0", "name": "n", "type": 5})).code(), 6);
}

#[test]
fn what_cannot_be_read_is_an_io_error() {
    let (code, msg, ..) =
        Call::new("ADD", "1.1.0").run_with(&Probe::<STRICT>::default(), &mut Unreadable).error();
    assert_eq!(code, 5);
    assert!(msg.starts_with("error reading from stdin: "), "{msg}");
    let mut folder = File::open("/").unwrap();
    assert_eq!(Call::new("ADD", "1.1.0").run_with(&Probe::<STRICT>::default(), &mut folder).error().0, 5);
}

#[test]
fn deep_and_long_input() {
    let deep = format!("{{\"name\":\"n\",\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(Call::new("ADD", "1.1.0").stdin(deep).code(), 6);
    assert_eq!(Call::new("ADD", "1.1.0").stdin("[".repeat(10 << 20)).code(), 6);
    let long = Call::new("ADD", "1.1.0").with(json!({"x": "y".repeat(10 << 20)}));
    assert!(long.run(&Probe::<STRICT>::default()).success);
    assert_eq!(Call::new("ADD", "1.1.0").stdin(vec![b' '; (64 << 20) + 1]).code(), 6);
}

#[test]
fn other_keys_are_not_the_frames_business() {
    let call = Call::new("ADD", "1.1.0").with(json!({
        "ipam": {}, "dns": {}, "args": {"cni": {}}, "cni.dev/x": 1, "capabilities": {"mac": true},
        "deviceID": "0000:01:00.1", "pciBusID": "0000:01:00.1", "runtimeConfig": {}, "prevResult": {}, "foo": null,
    }));
    assert!(call.run(&Probe::<STRICT>::default()).success);
    let nulls =
        Call::new("ADD", "1.1.0").with(json!({"ipam": null, "dns": null, "type": null, "logFile": null}));
    assert!(nulls.run(&Probe::<STRICT>::default()).success);
}

#[test]
fn standard_keys_in_any_case_the_last_counts() {
    let upper = Call::new("STATUS", "").stdin("{\"CNIVersion\":\"1.1.0\",\"NAME\":\"a\",\"Type\":\"probe\"}");
    let twice = Call::new("STATUS", "").stdin("{\"cniVersion\":\"1.1.0\",\"name\":\"x\",\"name\":\"a\"}");
    let exact = Call::new("STATUS", "").stdin("{\"name\":\"a\",\"Name\":\"b\",\"cniVersion\":\"1.1.0\"}");
    for call in [upper, twice, exact] {
        let probe = Probe::<STRICT>::default();
        assert!(call.run(&probe).silent());
        assert_eq!(*probe.calls.borrow(), ["STATUS a"]);
    }
}

#[test]
fn logging_keys_are_checked_except_in_del() {
    for keys in [json!({"logFile": 1}), json!({"logLevel": "loud"})] {
        for verb in VERBS {
            assert_eq!(Call::new(verb, "1.1.0").with(keys.clone()).code(), 7);
        }
        let probe = Probe::<ANY_VERSION>::default();
        assert!(Call::new("DEL", "1.1.0").with(keys.clone()).run(&probe).success);
        assert_eq!(probe.calls.borrow().len(), 1);
        assert_eq!(Call::new("ADD", "1.1.0").with(keys).run(&probe).error().0, 7);
    }
}
