//! 142-151: a plugin that keeps its node ready and refuses every pod.

use serde_json::{Map, Value, json};

use crate::answer::{LONGEST, Outcome, Refusal};
use crate::case::{TestCase, case};
use crate::levels::P;
use crate::stop::{Stop, Verdict};
use crate::trial::Trial;
use crate::versions::{self, Versions, at_least};

mod cost;
mod loader;
mod reasons;
mod traced;

pub(crate) use self::reasons::REASONS;

const READY: &str = "a node that is ready and takes no pod";

pub(crate) const CASES: &[TestCase] = &[
    case(142, "VERSION", P, lists_all)
        .when("VERSION")
        .then("0.3.0 to 1.1.0 at least")
        .source("runtimes refuse other configurations")
        .versions(Versions::Newest),
    case(143, "STATUS", P, always_ready)
        .when("any valid configuration")
        .then("silent success")
        .source(READY)
        .versions(Versions::from(versions::STATUS)),
    case(144, "ADD", P, one_fixed_error)
        .when("any valid call")
        .then("one fixed code >= 100, and what to do: hostNetwork, node")
        .source(READY),
    case(145, "ADD", P, validation_comes_first)
        .when("invalid environment, input, version, name")
        .then("4, 6, 1, 7 rather than the fixed code")
        .source("skel"),
    case(146, "ADD", P, traced::touches_nothing)
        .when("CNI_NETNS missing, CNI_IFNAME taken, chained")
        .then("the fixed error; no namespace, no netlink socket opened")
        .source(READY),
    case(147, "DEL", P, del_never_fails)
        .when("anything: empty, broken, unknown version, no environment")
        .then("silent success")
        .source("CRI-O, containerd: a failed DEL keeps the pod"),
    case(148, "CHECK", P, check_refuses)
        .when("CHECK")
        .then("the fixed code")
        .source("nothing was ever attached")
        .versions(Versions::from(versions::CHECK)),
    case(149, "GC", P, gc_never_fails)
        .when("anything")
        .then("silent success")
        .source(READY)
        .versions(Versions::from(versions::STATUS)),
    case(150, "ADD", P, cost::cheap)
        .when("1000 in a row")
        .then("median < 5 ms, < 5 MB of memory, no file grows")
        .source("kubelet retries every 10 s for every pod")
        .versions(Versions::Newest),
    case(151, "configuration", P, loader::accepts)
        .when("as .conflist and as .conf")
        .then("loaded as by CRI-O, and by Multus' rule")
        .source("ocicni; Multus: cniVersion >= 0.4.0")
        .versions(Versions::Newest),
];

fn lists_all(t: &Trial<'_>) -> Verdict {
    let answer = t.version_call().run()?;
    let object = answer.object()?;
    let listed = object.get("supportedVersions").and_then(Value::as_array).cloned().unwrap_or_default();
    for version in versions::KNOWN.iter().filter(|version| at_least(version, "0.3.0")) {
        answer.expect(listed.iter().any(|listed| listed == version), format!("{version} in the list"))?;
    }
    Ok(())
}

fn always_ready(t: &Trial<'_>) -> Verdict {
    t.node_call("STATUS").run()?.silent()?;
    let odd = [
        ("prevResult", json!({})),
        ("ipam", json!({})),
        ("dns", Value::Null),
        ("runtimeConfig", json!({"x": 1})),
    ];
    odd.into_iter().try_for_each(|(key, value)| t.node_call("STATUS").key(key, value).run()?.silent())
}

/// The error that every valid ADD gets.
fn fixed(t: &Trial<'_>) -> Result<Refusal, Stop> {
    let answer = t.call("ADD", &t.pod()?).run()?;
    let refusal = answer.refusal()?;
    refusal.expect(refusal.code >= 100, "a code of the plugin's own: 100 or more")?;
    Ok(refusal)
}

fn one_fixed_error(t: &Trial<'_>) -> Verdict {
    let refusal = fixed(t)?;
    let other = t.suite.plain("ADD", t.suite.newest());
    refusal.expect(other == Outcome::Refused(refusal.code), "the same code with every version")?;
    let text = refusal.text();
    refusal.expect(text.chars().count() <= LONGEST, format!("at most {LONGEST} characters"))?;
    refusal.expect(
        text.contains("hostNetwork") || text.contains("node"),
        "what to do: hostNetwork, or another node",
    )?;
    refusal.expect(text.contains("DPU"), "what kind of node this is")
}

fn validation_comes_first(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let call = || t.call("ADD", &pod);
    call().without("CNI_IFNAME").run()?.refused(4)?;
    call().env("CNI_CONTAINERID", "a/b").run()?.refused(4)?;
    call().stdin("{").run()?.refused(6)?;
    call().key("cniVersion", "9.9.9").run()?.refused(1)?;
    call().key("name", "a/b").run()?.refused(7).map(drop)
}

fn del_never_fails(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let call = || t.call("DEL", &pod);
    call().only(&["CNI_COMMAND"]).run()?.silent()?;
    call().only(&["CNI_COMMAND"]).stdin("").run()?.silent()?;
    call().stdin_file(t.dir()).run()?.silent()?;
    for input in ["", "{", "null", "[]", "junk", "\u{feff}{}", "{}{}"] {
        call().stdin(input).run()?.silent()?;
    }
    for version in [json!("9.9.9"), json!("junk"), json!(5), Value::Null] {
        call().key("cniVersion", version).run()?.silent()?;
    }
    for (key, value) in
        [("CNI_CONTAINERID", "a/b"), ("CNI_IFNAME", "a/b"), ("CNI_NETNS", "/nowhere"), ("CNI_ARGS", "=;=")]
    {
        call().env(key, value).run()?.silent()?;
    }
    call().with_conf(Map::clear).noting("an empty object".to_owned()).run()?.silent()
}

fn check_refuses(t: &Trial<'_>) -> Verdict {
    let code = fixed(t)?.code;
    let pod = t.pod()?;
    for call in
        [t.call("CHECK", &pod), t.call("CHECK", &pod).key("prevResult", json!({"cniVersion": t.version}))]
    {
        let answer = call.run()?;
        if answer.outcome() == Outcome::Ok {
            t.remark("CHECK succeeds");
        } else {
            answer.refused(code)?;
        }
    }
    Ok(())
}

fn gc_never_fails(t: &Trial<'_>) -> Verdict {
    for value in [Value::Null, json!([]), json!("junk"), json!([5]), json!({"a": 1})] {
        t.node_call("GC").key("cni.dev/valid-attachments", value).run()?.silent()?;
    }
    for input in ["", "{", "null", "junk"] {
        t.node_call("GC").stdin(input).run()?.silent()?;
    }
    t.node_call("GC").only(&["CNI_COMMAND"]).run()?.silent()
}
