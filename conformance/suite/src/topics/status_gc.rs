//! 118-130: STATUS and GC.

use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::Outcome;
use crate::call::Call;
use crate::case::{TestCase, case};
use crate::fixture::Fault;
use crate::levels::{M, MR, R};
use crate::pod::{Attached, Pod};
use crate::stop::{Stop, Verdict};
use crate::stub::Stub;
use crate::trial::Trial;
use crate::versions::{self, Versions};
use crate::witness::State;

mod reasons;

pub(crate) use self::reasons::REASONS;

const SINCE: Versions = Versions::from(versions::STATUS);
const STATUS: &str = "SPEC 2 (STATUS)";
const GC: &str = "SPEC 2 (GC)";
/// The list of attachments to keep.
const VALID: &str = "cni.dev/valid-attachments";
/// What it was called before.
const LEGACY: &str = "cni.dev/attachments";

pub(crate) const CASES: &[TestCase] = &[
    case(118, "STATUS", M, healthy)
        .when("a healthy plugin")
        .then("silent success within 1 s")
        .source(STATUS)
        .versions(SINCE),
    case(119, "STATUS", M, unhealthy)
        .when("what the plugin depends on is down")
        .then("code 50 or 51")
        .source(STATUS)
        .versions(SINCE),
    case(120, "STATUS", R, wrong_configuration)
        .when("the plugin's own keys, each with a value of another type")
        .then("code 7 (or 6)")
        .source("SPEC 5 (error codes)")
        .versions(SINCE),
    case(121, "STATUS", R, often)
        .when("100 times")
        .then("no more files, processes or links than before")
        .source("CRI-O polls")
        .versions(SINCE),
    case(122, "STATUS", M, status_is_delegated)
        .when("an IPAM plugin that is not available")
        .then("its error")
        .source("SPEC 4 (delegation)")
        .versions(SINCE),
    case(123, "GC", MR, shapes)
        .when("attachments absent, null, [], one, 10 000")
        .then("silent success")
        .source("SPEC 2 (GC); libcni sends these")
        .versions(SINCE),
    case(124, "GC", R, legacy_key)
        .when("the list under its former name only")
        .then("the same as under the new one")
        .source("containernetworking/cni 1101")
        .versions(SINCE),
    case(125, "GC", R, both_keys)
        .when("the list under both names")
        .then("silent success")
        .source("libcni sends both")
        .versions(SINCE),
    case(126, "GC", R, odd_entries)
        .when("entries with unknown keys, and without ifname")
        .then("silent success")
        .source("robustness")
        .versions(SINCE),
    case(127, "GC", M, stale_and_live)
        .when("one attachment listed, one stale")
        .then("the stale one's state removed, the other kept")
        .source(GC)
        .versions(SINCE),
    case(128, "GC", M, stuck)
        .when("a stale attachment that cannot be removed")
        .then("the others removed, an error at the end")
        .source(GC)
        .versions(SINCE),
    case(129, "GC", M, gc_is_delegated)
        .when("an IPAM plugin")
        .then("GC sent to it too")
        .source("SPEC 4 (delegation)")
        .versions(SINCE),
    case(130, "GC", M, twice).when("twice").then("silent success").source(GC).versions(SINCE),
];

fn healthy(t: &Trial<'_>) -> Verdict {
    let answer = t.node_call("STATUS").run()?;
    answer.silent()?;
    answer.expect(answer.finished().elapsed < Duration::from_secs(1), "an answer within 1 s")
}

fn unhealthy(t: &Trial<'_>) -> Verdict {
    t.cause(Fault::DependencyDown)?;
    t.node_call("STATUS").noting("the dependency down".to_owned()).run()?.refused_with(&[50, 51])?;
    t.mend(Fault::DependencyDown)?;
    t.node_call("STATUS").noting("the dependency up again".to_owned()).run()?.silent()
}

fn wrong_configuration(t: &Trial<'_>) -> Verdict {
    let foreign = ["ipam", "dns", "capabilities", "args"];
    let own: Vec<String> =
        t.suite.template.keys.keys().filter(|key| !foreign.contains(&key.as_str())).cloned().collect();
    if own.is_empty() {
        return Err(Stop::skipped("the configuration holds no key of the plugin's own (--config)"));
    }
    for key in own {
        t.node_call("STATUS").key(&key, json!({"conformance": []})).run()?.refused_with(&[6, 7])?;
    }
    Ok(())
}

fn often(t: &Trial<'_>) -> Verdict {
    let look = || -> Result<_, Stop> { Ok((State::here()?, t.files()?)) };
    let call = t.node_call("STATUS");
    call.run()?;
    let before = look()?;
    for _ in 0..100 {
        call.run()?.silent()?;
    }
    let after = look()?;
    if before == after {
        return Ok(());
    }
    let changed: Vec<_> = after.1.symmetric_difference(&before.1).map(String::as_str).collect();
    let changed = format!("{} {}", after.0.since(&before.0), changed.join(", "));
    Err(Stop::failed("STATUS 100 times", format!("changed: {changed}"), "nothing more than before"))
}

/// The call with the stub in place of the IPAM plugin that the configuration delegates to.
fn delegating(t: &Trial<'_>, verb: &str, stub: &Stub) -> Call {
    let path = format!("{}:{}", stub.dir().display(), t.suite.bin_dir().display());
    t.node_call(verb).key("ipam", json!({"type": Stub::KIND})).with("CNI_PATH", path)
}

fn require_delegate(t: &Trial<'_>) -> Result<Stub, Stop> {
    if t.suite.template.ipam().is_none() {
        return Err(Stop::skipped("the configuration delegates to no IPAM plugin"));
    }
    Ok(Stub::new(t.dir().join("stub"))?)
}

fn status_is_delegated(t: &Trial<'_>) -> Verdict {
    let stub = require_delegate(t)?;
    stub.fails("STATUS", 50)?;
    let answer = delegating(t, "STATUS", &stub).run()?;
    answer.expect(stub.was_asked("STATUS")?, "STATUS sent to the IPAM plugin")?;
    answer.refused(50).map(drop)
}

fn gc_is_delegated(t: &Trial<'_>) -> Verdict {
    let stub = require_delegate(t)?;
    let answer = delegating(t, "GC", &stub).key(VALID, json!([])).run()?;
    answer.expect(stub.was_asked("GC")?, "GC sent to the IPAM plugin")?;
    answer.silent()
}

fn entry(pod: &Pod) -> Value {
    json!({"containerID": pod.id, "ifname": pod.ifname})
}

fn shapes(t: &Trial<'_>) -> Verdict {
    let one = json!({"containerID": "conformance-1", "ifname": "eth0"});
    t.node_call("GC").noting("no list".to_owned()).run()?.silent()?;
    for list in [Value::Null, json!([]), json!([one]), json!(vec![one; 10_000])] {
        t.node_call("GC").key(VALID, list).run()?.silent()?;
    }
    Ok(())
}

fn legacy_key(t: &Trial<'_>) -> Verdict {
    t.node_call("GC").key(LEGACY, json!([])).run()?.silent()?;
    if t.suite.plain("ADD", t.version) != Outcome::Ok {
        return Ok(());
    }
    let attached = t.attach()?;
    let before = State::of(&attached.pod.container)?;
    let answer = t.node_call("GC").key(LEGACY, json!([entry(&attached.pod)])).run()?;
    answer.silent()?;
    kept(&attached, &before)
}

fn kept(attached: &Attached, before: &State) -> Verdict {
    let after = State::of(&attached.pod.container)?;
    if after == *before {
        return Ok(());
    }
    let came_back = format!("changed in a listed container: {}", after.since(before));
    Err(Stop::failed("GC", came_back, "a listed attachment untouched"))
}

fn both_keys(t: &Trial<'_>) -> Verdict {
    let list = json!([{"containerID": "conformance-1", "ifname": "eth0"}]);
    t.node_call("GC").key(VALID, list.clone()).key(LEGACY, list).run()?.silent()
}

fn odd_entries(t: &Trial<'_>) -> Verdict {
    let list = json!([
        {"containerID": "conformance-1", "ifname": "eth0", "foo": {"bar": 1}},
        {"containerID": "conformance-2"},
    ]);
    t.node_call("GC").key(VALID, list).run()?.silent()
}

/// A container that went away without a DEL.
fn lose(t: &Trial<'_>) -> Verdict {
    let mut attached = t.attach()?;
    t.lose(&mut attached.pod)?;
    // No farewell: GC has to do all.
    attached.pod.forget();
    Ok(())
}

fn stale_and_live(t: &Trial<'_>) -> Verdict {
    let live = t.attach()?;
    // What a DEL leaves is what a GC should leave.
    let other = t.attach()?;
    t.call("DEL", &other.pod).run()?.silent()?;
    drop(other);
    let (clean, before) = (t.files()?, State::of(&live.pod.container)?);
    lose(t)?;
    let answer = t.node_call("GC").key(VALID, json!([entry(&live.pod)])).run()?;
    answer.silent()?;
    kept(&live, &before)?;
    let left = t.files()?;
    if left == clean {
        return Ok(());
    }
    let left: Vec<_> = left.symmetric_difference(&clean).map(String::as_str).collect();
    let came_back =
        format!("{}; files that a DEL would not have left so: {}", answer.came_back(), left.join(", "));
    Err(Stop::failed(answer.sent(), came_back, "the stale attachment's state removed, as by a DEL"))
}

fn stuck(t: &Trial<'_>) -> Verdict {
    let live = t.attach()?;
    lose(t)?;
    t.cause(Fault::Stuck)?;
    lose(t)?;
    let answer = t.node_call("GC").key(VALID, json!([entry(&live.pod)])).run()?;
    answer.refusal()?;
    t.mend(Fault::Stuck)?;
    t.node_call("GC").key(VALID, json!([entry(&live.pod)])).run()?.silent()
}

fn twice(t: &Trial<'_>) -> Verdict {
    for _ in 0..2 {
        t.node_call("GC").key(VALID, json!([])).run()?.silent()?;
    }
    Ok(())
}
