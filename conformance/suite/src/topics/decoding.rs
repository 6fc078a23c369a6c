//! 52-65: what a plugin makes of its standard input.

use serde_json::{Value, json};

use crate::answer::{Answer, Outcome};
use crate::call::Call;
use crate::case::{TestCase, case};
use crate::levels::{K, M, MK, R};
use crate::stop::Verdict;
use crate::trial::Trial;
use crate::versions::{Versions, at_least};

mod reasons;

pub(crate) use self::reasons::REASONS;

const SKEL: &str = "skel validateConfig";

pub(crate) const CASES: &[TestCase] = &[
    case(52, "ADD", K, empty).when("nothing on stdin").then("code 6").source(SKEL),
    case(53, "ADD", MK, broken)
        .when("`{`, `{{{`, text")
        .then("code 6")
        .source("SPEC 5 (error codes: decoding failure)"),
    case(54, "ADD", K, another_type).when("`[]`, `\"x\"`, `5`").then("code 6").source(SKEL),
    case(55, "ADD", K, null).when("`null`").then("code 7").source(SKEL),
    case(56, "ADD", K, trailing).when("two objects, trailing text").then("code 6").source(SKEL),
    case(57, "ADD", K, byte_order_mark).when("a UTF-8 byte order mark").then("code 6").source(SKEL),
    case(58, "ADD", R, invalid_utf8)
        .when("invalid UTF-8 in a string")
        .then("code 6, or accepted")
        .source("decoders differ"),
    case(59, "ADD", K, unreadable)
        .when("stdin cannot be read (a directory)")
        .then("code 5")
        .source("skel: error reading from stdin")
        .versions(Versions::Newest),
    case(60, "ADD", R, monstrous)
        .when("10 000 levels deep; 10 MiB")
        .then("code 6, or accepted; no crash")
        .source("robustness")
        .versions(Versions::Newest),
    case(61, "ADD", M, unknown_keys)
        .when("keys that the plugin does not know, reserved ones included")
        .then("accepted, or code 2 naming key and value")
        .source("SPEC 1 (additional fields), 5 (code 2)"),
    case(62, "ADD", R, twice_the_same_key)
        .when("a key twice")
        .then("always the same, no crash")
        .source("JSON leaves it open"),
    case(63, "ADD", K, other_case)
        .when("`CNIVersion` for `cniVersion`")
        .then("accepted or refused in order (reported)")
        .source("Go decodes keys in any case"),
    case(64, "ADD", K, mistyped_version).when("cniVersion a number, an array").then("code 6").source(SKEL),
    case(65, "ADD", K, no_version)
        .when("cniVersion missing or empty")
        .then("taken as 0.1.0: accepted if listed, else code 1")
        .source("version.ConfigDecoder")
        .versions(Versions::Newest),
];

fn refused(t: &Trial<'_>, inputs: &[&[u8]], code: u64) -> Verdict {
    let pod = t.pod()?;
    inputs.iter().try_for_each(|input| t.call("ADD", &pod).stdin(*input).run()?.refused(code).map(drop))
}

fn empty(t: &Trial<'_>) -> Verdict {
    refused(t, &[b""], 6)
}

fn broken(t: &Trial<'_>) -> Verdict {
    refused(t, &[b"{", b"{{{", b"some text"], 6)
}

fn another_type(t: &Trial<'_>) -> Verdict {
    refused(t, &[b"[]", b"\"x\"", b"5"], 6)
}

fn null(t: &Trial<'_>) -> Verdict {
    refused(t, &[b"null"], 7)
}

fn trailing(t: &Trial<'_>) -> Verdict {
    let conf = Value::Object(t.conf()).to_string();
    refused(t, &[format!("{conf}{conf}").as_bytes(), format!("{conf} text").as_bytes()], 6)
}

fn byte_order_mark(t: &Trial<'_>) -> Verdict {
    let conf = Value::Object(t.conf()).to_string();
    refused(t, &[format!("\u{feff}{conf}").as_bytes()], 6)
}

/// As without the oddity, or a decoding error.
fn accepted_or_6(t: &Trial<'_>, answer: &Answer) -> Verdict {
    let plain = t.suite.plain("ADD", t.version);
    let fine = answer.outcome() == plain || answer.outcome() == Outcome::Refused(6);
    answer.expect(fine, "code 6, or the same as without it")
}

/// A valid ADD whose input is the configuration with `text` before its last brace.
fn with_raw(t: &Trial<'_>, text: &[u8]) -> Result<(crate::pod::Pod, Call), crate::stop::Stop> {
    let pod = t.pod()?;
    let call = t.call("ADD", &pod);
    let mut bytes = Value::Object(call.conf().clone()).to_string().into_bytes();
    bytes.pop();
    bytes.extend_from_slice(text);
    bytes.push(b'}');
    Ok((pod, call.stdin(bytes)))
}

fn invalid_utf8(t: &Trial<'_>) -> Verdict {
    let (_pod, call) = with_raw(t, b",\"conformance\":\"\xff\xc0\"")?;
    accepted_or_6(t, &call.run()?)
}

fn unreadable(t: &Trial<'_>) -> Verdict {
    let refusal = t.call("ADD", &t.pod()?).stdin_file(t.dir()).run()?.refused(5)?;
    refusal.begins("error reading from stdin: ")
}

fn monstrous(t: &Trial<'_>) -> Verdict {
    let deep = format!(",\"conformance\":{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let large = format!(",\"conformance\":\"{}\"", "x".repeat(10 << 20));
    for text in [deep, large] {
        let (_pod, call) = with_raw(t, text.as_bytes())?;
        accepted_or_6(t, &call.run()?)?;
    }
    Ok(())
}

fn unknown_keys(t: &Trial<'_>) -> Verdict {
    let device =
        t.call("ADD", &t.pod()?).conf().get("deviceID").cloned().unwrap_or_else(|| json!("0000:00:00.7"));
    let keys = [
        ("foo", json!({"bar": [1, 2.5, null]})),
        ("args", json!({"cni": {"foo": "bar"}})),
        ("cni.dev/foo", json!("bar")),
        ("capabilities", json!({"foo": true})),
        ("deviceID", device.clone()),
        ("pciBusID", device.clone()),
        ("runtimeConfig", json!({"foo": "bar"})),
        ("prevResult", previous(t.version)),
    ];
    for (key, value) in keys {
        let pod = t.pod()?;
        let answer = t.call("ADD", &pod).key(key, value.clone()).run()?;
        // One that stands behind another plugin succeeds only with a prevResult.
        if [t.suite.plain("ADD", t.version), Outcome::Ok].contains(&answer.outcome()) {
            continue;
        }
        let refusal =
            answer.refusal().map_err(|_| answer.should("accepted, or code 2 naming key and value"))?;
        // A plugin may know a key, and then it may refuse a device that does not exist: but it has to name it.
        let named = value.as_str().is_some_and(|value| refusal.text().contains(value));
        let known = matches!(key, "deviceID" | "pciBusID") && named;
        // One that has to be the first of its list may refuse a prevResult (98 is about that).
        let first = key == "prevResult" && refusal.code == 7;
        refusal.expect(
            known || first || (refusal.code == 2 && named),
            "accepted, or code 2 naming key and value",
        )?;
    }
    Ok(())
}

/// A result as an earlier plugin of the chain would have left it: no interface, and an address only where the reference
/// library cannot write a result without (`types/040: convertTo02x`).
fn previous(version: &str) -> Value {
    let mut result = json!({"cniVersion": version, "dns": {"nameservers": ["192.0.2.53"]}});
    if !at_least(version, "0.3.0") {
        result["ip4"] = json!({"ip": "192.0.2.9/24"});
    }
    result
}

fn twice_the_same_key(t: &Trial<'_>) -> Verdict {
    let mut first: Option<Outcome> = None;
    for _ in 0..3 {
        let (_pod, call) =
            with_raw(t, b",\"conformance\":1,\"conformance\":2,\"name\":\"conformance-again\"")?;
        let answer = call.noting("`name` twice".to_owned()).run()?;
        answer.expect(answer.outcome() != Outcome::Garbled, "success, or one JSON error object")?;
        let same = first.as_ref().is_none_or(|first| *first == answer.outcome());
        answer.expect(same, "the same every time")?;
        first = Some(answer.outcome());
    }
    Ok(())
}

fn other_case(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let call = t.call("ADD", &pod).without_key("cniVersion").key("CNIVersion", t.version);
    let answer = call.run()?;
    let how = match answer.outcome() {
        Outcome::Garbled => return Err(answer.should("success, or one JSON error object")),
        outcome if outcome == t.suite.plain("ADD", t.version) => "keys are taken in any case",
        _ => "keys are taken in their exact case only",
    };
    t.remark(how);
    Ok(())
}

fn mistyped_version(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    for version in [json!(1), json!(["1.0.0"])] {
        t.call("ADD", &pod).key("cniVersion", version).run()?.refused(6)?;
    }
    Ok(())
}

fn no_version(t: &Trial<'_>) -> Verdict {
    let first = "0.1.0";
    for change in [|call: Call| call.without_key("cniVersion"), |call: Call| call.key("cniVersion", "")] {
        let pod = t.pod()?;
        let answer = change(t.call("ADD", &pod)).run()?;
        if t.suite.lists(first) {
            let same = answer.outcome() == t.suite.plain("ADD", first);
            answer.expect(same, format!("the same as with cniVersion {first}"))?;
            let version = answer.object().unwrap_or_default();
            let version = version.get("cniVersion").and_then(Value::as_str).unwrap_or(first);
            answer.expect(version == first, format!("a result of version {first}"))?;
        } else {
            answer.refused(1)?;
        }
    }
    Ok(())
}
