//! Versions, namespaces, and what each verb passes on.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::support::{ANY_VERSION, Call, NEVER, Probe, STRICT};
use cni::{AddResult, Error, Interface, Ip, Version};
use serde_json::{Value, json};

const OWN: &str = "/proc/self/ns/net";

fn one_address() -> AddResult {
    let ip = Ip { interface: Some(0), address: "10.0.0.2/24".parse().unwrap(), gateway: None };
    let interface = Interface { name: "eth0".into(), ..Interface::default() };
    AddResult { interfaces: vec![interface], ips: vec![ip], ..AddResult::default() }
}

#[test]
fn every_version_is_answered_in_itself() {
    for version in Version::ALL.map(Version::as_str) {
        let probe = Probe::<STRICT> { result: one_address(), ..Probe::default() };
        let answer = Call::new("ADD", version).run(&probe);
        assert!(answer.success);
        let result: Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(result["cniVersion"], version);
        assert_eq!(*probe.calls.borrow(), ["ADD net/suite-0001/eth0 /var/run/netns/suite-nowhere ns/pod"]);
        assert_eq!(*probe.afterwards.borrow(), 1);
    }
}

#[test]
fn no_version_is_0_1_0() {
    for conf in [json!({"name": "net"}), json!({"name": "net", "cniVersion": ""})] {
        let probe = Probe::<STRICT> { result: one_address(), ..Probe::default() };
        let answer = Call::new("ADD", "").conf(conf).run(&probe);
        assert!(answer.stdout.contains("\"cniVersion\":\"0.1.0\""), "{}", answer.stdout);
    }
}

#[test]
fn unlisted_versions() {
    for version in ["9.9.9", "2.0.0", "1.1", "v1.0.0", "1.1.0 ", "x"] {
        let (code, msg, details, answered_in) = Call::new("ADD", version).refused();
        assert_eq!((code, &*msg, &*answered_in), (1, "incompatible CNI versions", "1.1.0"));
        assert_eq!(
            details,
            format!(
                "config is \"{version}\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\" \
                 \"1.0.0\" \"1.1.0\"]"
            )
        );
        assert_eq!(Call::new("DEL", version).code(), 1);
    }
}

#[test]
fn verbs_that_came_later() {
    for version in Version::ALL {
        let text = version.as_str();
        for (verb, since) in
            [("CHECK", Version::V0_4_0), ("STATUS", Version::V1_1_0), ("GC", Version::V1_1_0)]
        {
            let call = Call::new(verb, text);
            if version >= since {
                assert!(call.run(&Probe::<STRICT>::default()).silent(), "{verb} {version}");
            } else {
                let (code, msg, _, answered_in) = call.refused();
                let expected = format!("config version does not allow {verb}");
                assert_eq!((code, msg, &*answered_in), (1, expected, text));
            }
        }
    }
    for verb in ["CHECK", "STATUS", "GC"] {
        let newer = Call::new(verb, "1.2.0").refused();
        assert_eq!((newer.0, newer.1), (1, format!("plugin version does not allow {verb}")));
        assert_eq!(Call::new(verb, "adsfsadf").code(), 6);
        assert_eq!(Call::new(verb, "1.1.0.0").code(), 6);
        assert_eq!(Call::new(verb, "1.1").refused().1, "incompatible CNI versions");
    }
    assert_eq!(Call::new("CHECK", "").code(), 1);
}

#[test]
fn an_add_in_our_own_namespace_is_refused() {
    let call = Call::new("ADD", "1.1.0").env("CNI_NETNS", OWN);
    for not in ["", "0", "yes"] {
        let (code, msg, ..) = call.clone().env("CNI_NETNS_OVERRIDE", not).refused();
        assert_eq!((code, &*msg), (8, "plugin's netns and netns from CNI_NETNS should not be the same"));
    }
    for yes in ["1", "true", "TRUE", "TrUe"] {
        assert!(call.clone().env("CNI_NETNS_OVERRIDE", yes).run(&Probe::<STRICT>::default()).success);
    }
}

#[test]
fn a_del_never_sees_our_own_namespace() {
    let seen = |call: Call| {
        let probe = Probe::<STRICT>::default();
        assert!(call.run(&probe).silent());
        probe.calls.take().concat()
    };
    let call = Call::new("DEL", "1.1.0");
    assert_eq!(seen(call.clone().env("CNI_NETNS", OWN)), "DEL net/suite-0001/eth0 None None");
    assert_eq!(seen(call.clone().env("CNI_NETNS", "")), "DEL net/suite-0001/eth0 None None");
    assert_eq!(seen(call.clone().without("CNI_NETNS")), "DEL net/suite-0001/eth0 None None");
    assert_eq!(seen(call.clone().env("CNI_NETNS", "/gone")), "DEL net/suite-0001/eth0 Some(\"/gone\") None");
    let vouched = call.env("CNI_NETNS", OWN).env("CNI_NETNS_OVERRIDE", "1");
    assert_eq!(seen(vouched), format!("DEL net/suite-0001/eth0 Some({OWN:?}) None"));
}

#[test]
fn a_prev_result_must_be_right_except_for_del() {
    let good = json!({"cniVersion": "1.0.0", "ips": [{"address": "10.0.0.2/24"}]});
    let unversioned = json!({"ips": [{"address": "10.0.0.2/24"}]});
    for prev in [good, unversioned] {
        for verb in ["CHECK", "DEL"] {
            let probe = Probe::<STRICT>::default();
            assert!(Call::new(verb, "1.1.0").with(json!({"prevResult": prev})).run(&probe).silent());
            assert!(probe.calls.borrow()[0].ends_with(" Some(1)"));
        }
    }
    let other = json!({"cniVersion": "0.2.0", "ip4": {"ip": "10.0.0.2/24"}});
    let unknown = json!({"cniVersion": "9.9.9"});
    for bad in [other, unknown, json!("garbage"), json!([]), json!({"ips": [{"address": "10.0.0.2"}]})] {
        let keys = json!({"prevResult": bad});
        let (code, msg, ..) =
            Call::new("CHECK", "1.1.0").with(keys.clone()).run(&Probe::<STRICT>::default()).error();
        assert_eq!(code, 6);
        assert!(msg.starts_with("could not parse prevResult: "), "{msg}");
        let probe = Probe::<STRICT>::default();
        assert!(Call::new("DEL", "1.1.0").with(keys).run(&probe).silent());
        assert!(probe.calls.borrow()[0].ends_with(" None"));
    }
}

#[test]
fn gc_passes_the_list_on() {
    let calls = |keys: Value| {
        let probe = Probe::<STRICT>::default();
        assert!(Call::new("GC", "1.1.0").with(keys).run(&probe).silent());
        probe.calls.take().concat()
    };
    assert_eq!(calls(json!({})), "GC net Unlisted");
    assert_eq!(calls(json!({"cni.dev/valid-attachments": null})), "GC net Only({})");
    let list = json!([{"containerID": "a", "ifname": "eth0"}]);
    assert_eq!(calls(json!({"cni.dev/attachments": list})), "GC net Only({(\"a\", \"eth0\")})");
    let many: Vec<Value> =
        (0..10_000).map(|i| json!({"containerID": format!("c{i}"), "ifname": "eth0"})).collect();
    assert!(calls(json!({"cni.dev/valid-attachments": many})).contains("(\"c9999\", \"eth0\")"));
    assert_eq!(Call::new("GC", "1.1.0").with(json!({"cni.dev/valid-attachments": "all"})).code(), 7);
}

#[test]
fn a_plugins_error_is_printed_in_the_configurations_version() {
    let failure = Some(Error::new(123u32, "no device").details("add one"));
    for verb in ["ADD", "DEL", "CHECK", "STATUS", "GC"] {
        let probe = Probe::<STRICT> { failure: failure.clone(), ..Probe::default() };
        let error = Call::new(verb, "1.1.0").run(&probe).error();
        assert_eq!(error, (123, "no device".into(), "add one".into(), "1.1.0".into()));
        assert_eq!(*probe.afterwards.borrow(), 1);
    }
    let probe = Probe::<STRICT> { failure, ..Probe::default() };
    assert_eq!(Call::new("ADD", "0.3.1").run(&probe).error().3, "0.3.1");
}

#[test]
fn a_del_for_any_version() {
    for version in ["9.9.9", "x", "1.1.0 ", "0.1.0"] {
        let probe = Probe::<ANY_VERSION>::default();
        assert!(Call::new("DEL", version).run(&probe).silent());
        assert_eq!(probe.calls.borrow().len(), 1);
    }
    let probe = Probe::<ANY_VERSION>::default();
    assert_eq!(Call::new("ADD", "9.9.9").run(&probe).error().0, 1);
    assert_eq!(Call::new("DEL", "1.1.0").stdin("").run(&probe).error().0, 6);
    assert_eq!(Call::new("DEL", "1.1.0").without("CNI_IFNAME").run(&probe).error().0, 4);
}

#[test]
fn a_del_that_never_fails() {
    let failure = Some(Error::new(123u32, "no"));
    for verb in ["DEL", "GC"] {
        let good = Call::new(verb, "1.1.0");
        let bad = [
            good.clone(),
            good.clone().stdin(""),
            good.clone().stdin("{{{"),
            good.clone().stdin("null"),
            Call::new(verb, "9.9.9"),
            good.clone().without("CNI_PATH").without("CNI_CONTAINERID"),
            good.clone().env("CNI_CONTAINERID", "-"),
            good.clone().with(json!({"logLevel": []})),
            good.with(json!({"prevResult": 1, "cni.dev/valid-attachments": 1})),
        ];
        for call in bad {
            let probe = Probe::<NEVER> { failure: failure.clone(), ..Probe::default() };
            assert!(call.run(&probe).silent());
        }
    }
    let probe = Probe::<NEVER> { failure, ..Probe::default() };
    assert_eq!(Call::new("CHECK", "1.1.0").run(&probe).error().0, 123);
}

#[test]
fn a_result_that_cannot_be_told_is_taken_back() {
    let probe = Probe::<STRICT>::default();
    let (code, msg, ..) = Call::new("ADD", "0.2.0").run(&probe).error();
    assert_eq!((code, &*msg), (1, "cannot convert: no valid IP addresses"));
    assert_eq!(
        *probe.calls.borrow(),
        [
            "ADD net/suite-0001/eth0 /var/run/netns/suite-nowhere ns/pod",
            "DEL net/suite-0001/eth0 Some(\"/var/run/netns/suite-nowhere\") None"
        ]
    );
}

/// A standard output whose reader is gone.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_answer_that_nobody_reads_is_a_failure() {
    for verb in ["ADD", "VERSION"] {
        let probe = Probe::<STRICT>::default();
        let exit = Call::new(verb, "1.1.0").serve(
            &probe,
            &mut "{\"name\":\"n\",\"cniVersion\":\"1.1.0\"}".as_bytes(),
            &mut Broken,
            &mut io::sink(),
        );
        assert_eq!(exit, ExitCode::FAILURE);
        let verbs = probe.calls.take().iter().map(|call| call[..3].to_owned()).collect::<Vec<_>>();
        assert_eq!(
            verbs,
            if verb == "ADD" { vec!["ADD", "DEL"] } else { vec![] },
            "what was made is taken back"
        );
    }
    let probe = Probe::<STRICT>::default();
    let exit =
        Call::new("ADD", "").without("CNI_COMMAND").serve(&probe, &mut io::empty(), &mut Broken, &mut Broken);
    assert_eq!(exit, ExitCode::SUCCESS);
}
