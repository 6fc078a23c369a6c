//! Called by cnitool, so by the library of every runtime: each protocol version, chains, capability arguments, and the
//! error text. Checks 134 to 138 of the suite's list.

use rstest::rstest;
use runtimes::{Cnitool, Setup};
use serde_json::{Value, json};
use suite::{LONGEST, MATCHED, NOT_READY};
use testkit::binaries;

use super::{HINT, POD, REFUSED};

/// What cnitool says of a refused ADD.
fn refusal() -> String {
    format!("plugin type=\"dpu-nic-placeholder\" failed (add): {REFUSED}; {HINT}")
}

/// cnitool over one configuration, the plugin's calls recorded.
fn cnitool(configuration: &Value) -> Cnitool {
    let plugin = binaries::plugin("dpu-nic-placeholder").unwrap();
    let setup = Setup::new().unwrap().recorded_plugin(&plugin).unwrap().stub_plugin("stub").unwrap();
    Cnitool::new(setup.configuration("10-dpu-nic.conflist", configuration).unwrap(), None).unwrap()
}

fn conflist(version: &str) -> Value {
    json!({ "cniVersion": version, "name": "dpu-nic", "plugins": [{ "type": "dpu-nic-placeholder" }] })
}

/// Check 134: every verb over one plugin. STATUS and GC reach it from protocol 1.1.0 on, CHECK from 0.4.0 on, and only
/// where something was attached: nothing ever is.
#[rstest]
#[case("0.4.0", &["ADD", "DEL"])]
#[case("1.0.0", &["ADD", "DEL"])]
#[case("1.1.0", &["STATUS", "ADD", "DEL", "GC"])]
fn every_verb(#[case] version: &str, #[case] reached: &[&str]) {
    let cnitool = cnitool(&conflist(version));
    let sandbox = cnitool.sandbox("pod").unwrap();
    let call = |verb: &str| cnitool.call(verb, "dpu-nic", &sandbox, &[POD]).unwrap();

    call("status").ok().unwrap();
    let refused = call("add");
    assert!(!refused.success);
    assert_eq!(refused.stderr.trim(), refusal());
    assert!(!call("check").success);
    call("del").ok().unwrap();
    call("gc").ok().unwrap();

    let calls = cnitool.setup().calls().unwrap();
    let commands: Vec<&str> =
        calls.iter().map(|call| call.command.as_str()).filter(|&c| c != "CHECK").collect();
    assert_eq!(commands, reached);
    assert!(calls.iter().all(|call| call.stdin["cniVersion"] == version), "{calls:?}");
    assert!(cnitool.remembered().unwrap().is_empty());
}

/// Check 135: of several versions the library takes the highest that it knows.
#[test]
fn the_highest_version_is_taken() {
    let mut configuration = conflist("0.4.0");
    configuration["cniVersions"] = json!(["0.4.0", "1.0.0", "1.1.0", "9.0.0"]);
    let cnitool = cnitool(&configuration);
    let sandbox = cnitool.sandbox("pod").unwrap();
    assert!(!cnitool.call("add", "dpu-nic", &sandbox, &[POD]).unwrap().success);
    assert_eq!(cnitool.setup().calls().unwrap()[0].stdin["cniVersion"], "1.1.0");
}

/// Check 136: after another plugin of the chain it gets that one's result, and refuses all the same.
#[rstest]
fn second_in_a_chain(#[values("0.4.0", "1.0.0", "1.1.0")] version: &str) {
    let mut configuration = conflist(version);
    configuration["plugins"] = json!([{ "type": "stub" }, { "type": "dpu-nic-placeholder" }]);
    let cnitool = cnitool(&configuration);
    let sandbox = cnitool.sandbox("pod").unwrap();
    let refused = cnitool.call("add", "dpu-nic", &sandbox, &[POD]).unwrap();
    assert_eq!(refused.stderr.trim(), refusal());
    cnitool.call("del", "dpu-nic", &sandbox, &[POD]).unwrap().ok().unwrap();

    let calls = cnitool.setup().calls().unwrap();
    let order: Vec<_> = calls.iter().map(|call| (call.plugin.as_str(), call.command.as_str())).collect();
    let expected =
        [("stub", "ADD"), ("dpu-nic-placeholder", "ADD"), ("dpu-nic-placeholder", "DEL"), ("stub", "DEL")];
    assert_eq!(order, expected);
    assert_eq!(calls[1].stdin["prevResult"]["interfaces"][0]["name"], "stub0");
    assert_eq!(calls[2].stdin.get("prevResult"), None, "nothing was attached");
}

/// Check 137: capability arguments reach a plugin that declares the capability, and no other.
#[rstest]
#[case::declared(json!({ "deviceID": true }), json!({ "deviceID": "0000:65:00.2" }))]
#[case::undeclared(json!({}), Value::Null)]
fn capability_arguments(#[case] capabilities: Value, #[case] delivered: Value) {
    let mut configuration = conflist("1.0.0");
    configuration["plugins"][0]["capabilities"] = capabilities;
    let cnitool = cnitool(&configuration);
    let sandbox = cnitool.sandbox("pod").unwrap();
    let arguments = ("CAP_ARGS", r#"{"deviceID":"0000:65:00.2","bandwidth":{}}"#);
    let refused = cnitool.call("add", "dpu-nic", &sandbox, &[POD, arguments]).unwrap();
    assert!(refused.stderr.contains(&refusal()), "{}", refused.stderr);
    assert_eq!(cnitool.setup().calls().unwrap()[0].stdin["runtimeConfig"], delivered);
}

/// Check 138: what a person reads is one line, short, and holds no phrase that kubelet, Multus or containerd take for
/// something else.
#[test]
fn the_sentence_survives_the_runtime() {
    let cnitool = cnitool(&conflist("1.1.0"));
    let sandbox = cnitool.sandbox("pod").unwrap();
    let refused = cnitool.call("add", "dpu-nic", &sandbox, &[POD]).unwrap();
    let text = refused.stderr.trim_end_matches('\n');
    let sentence = text.strip_prefix("plugin type=\"dpu-nic-placeholder\" failed (add): ").unwrap();
    assert!(sentence.len() <= LONGEST, "{} bytes: {sentence}", sentence.len());
    for phrase in MATCHED.iter().chain([&NOT_READY, &"\n"]) {
        assert!(!sentence.contains(phrase), "{phrase:?} in {sentence}");
    }
}
