//! 66-80: VERSION, and what a plugin does with the versions of configurations.

use std::iter::repeat_n;

use serde_json::{Map, Value};

use crate::answer::{Answer, Outcome};
use crate::call::Call;
use crate::case::{TestCase, case};
use crate::levels::{K, KR, M, MK, R};
use crate::stop::{Stop, Verdict};
use crate::threads::at_once;
use crate::trial::Trial;
use crate::versions::{self, Versions, at_least};

mod reasons;

pub(crate) use self::reasons::REASONS;

const VERSION: &str = "SPEC 5 (VERSION success); version.PluginDecoder";
const RECONCILE: &str = "SPEC 5 (code 1); version.Reconciler";
const TOO_OLD: &str = "SPEC 2; skel checkVersionAndCall";

pub(crate) const CASES: &[TestCase] = &[
    case(66, "VERSION", M, version_answers)
        .when("VERSION with 1.1.0")
        .then("string cniVersion, array of strings supportedVersions")
        .source(VERSION)
        .versions(Versions::Newest),
    case(67, "VERSION", MK, version_echo)
        .when("VERSION with each version")
        .then("cniVersion the same, or another published one (reported)")
        .source("SPEC 5 (VERSION: the configuration's version)"),
    case(68, "VERSION", K, version_of_nothing)
        .when("stdin empty, junk, without cniVersion")
        .then("success, the same list")
        .source("skel: VERSION reads nothing")
        .versions(Versions::Newest),
    case(69, "VERSION", R, version_list)
        .when("VERSION")
        .then("versions a.b.c, none twice, ascending (reported)")
        .source("version.ParseVersion")
        .versions(Versions::Newest),
    case(70, "VERSION", R, version_in_parallel)
        .when("50 at the same time")
        .then("the same answer from all")
        .source("CRI-O re-reads on every change")
        .versions(Versions::Newest),
    case(71, "ADD", M, listed_versions_work)
        .when("each listed version")
        .then("never code 1")
        .source(RECONCILE),
    case(72, "ADD", MK, unknown_versions)
        .when("9.9.9, 2.0.0, 1.1, v1.0.0, `1.1.0 `")
        .then("code 1, naming it and what is supported")
        .source(RECONCILE)
        .versions(Versions::Newest),
    case(73, "CHECK", MK, check_too_early)
        .when("CHECK before 0.4.0")
        .then("code 1")
        .source(TOO_OLD)
        .versions(Versions::Before(versions::CHECK)),
    case(74, "CHECK", M, check_in_time)
        .when("CHECK from 0.4.0 on")
        .then("not code 1")
        .source(TOO_OLD)
        .versions(Versions::from(versions::CHECK)),
    case(75, "GC", MK, gc_too_early)
        .when("GC before 1.1.0")
        .then("code 1")
        .source(TOO_OLD)
        .versions(Versions::Before(versions::STATUS)),
    case(76, "STATUS", MK, status_too_early)
        .when("STATUS before 1.1.0")
        .then("code 1")
        .source(TOO_OLD)
        .versions(Versions::Before(versions::STATUS)),
    case(77, "STATUS GC", K, node_verbs_of_the_future)
        .when("STATUS, GC with 1.2.0")
        .then("code 1")
        .source(RECONCILE)
        .versions(Versions::from(versions::STATUS)),
    case(78, "CHECK GC STATUS", K, nonsense)
        .when("cniVersion `adsfsadf`")
        .then("code 6")
        .source("version.GreaterThanOrEqualTo")
        .versions(Versions::Newest),
    case(79, "STATUS GC", K, node_verbs_unknown)
        .when("STATUS, GC with 1.1.0, by a plugin that does not list it")
        .then("code 1")
        .source(RECONCILE)
        .versions(Versions::Newest),
    case(80, "DEL", KR, del_of_unknown_version)
        .when("DEL with 9.9.9")
        .then("code 1")
        .source("skel; CRI-O: pods must stay deletable")
        .versions(Versions::Newest),
];

fn list(answer: &Answer) -> Result<(Map<String, Value>, Vec<String>), Stop> {
    let object = answer.object()?;
    let strings = object.get("supportedVersions").and_then(Value::as_array).and_then(|versions| {
        versions.iter().map(|version| version.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    let listed = strings.filter(|versions| !versions.is_empty());
    let listed = listed.ok_or_else(|| answer.should("a non-empty array of strings `supportedVersions`"))?;
    Ok((object, listed))
}

fn version_answers(t: &Trial<'_>) -> Verdict {
    let answer = t.version_call().key("cniVersion", "1.1.0").run()?;
    let (object, _) = list(&answer)?;
    answer.expect(object.get("cniVersion").is_some_and(Value::is_string), "a string `cniVersion`")
}

fn version_echo(t: &Trial<'_>) -> Verdict {
    let answer = t.version_call().run()?;
    let (object, _) = list(&answer)?;
    let said = object.get("cniVersion").and_then(Value::as_str).unwrap_or_default();
    if said != t.version {
        t.remark(format!("answers {said} whatever it is asked"));
    }
    answer.expect(versions::KNOWN.contains(&said), "the configuration's version, or another published one")
}

fn version_of_nothing(t: &Trial<'_>) -> Verdict {
    let (_, usual) = list(&t.version_call().run()?)?;
    for input in ["", "junk", "{}", r#"{"cniVersion":5}"#] {
        let answer = t.version_call().stdin(input).run()?;
        let (_, listed) = list(&answer)?;
        answer.expect(listed == usual, "the same list as ever")?;
    }
    Ok(())
}

fn version_list(t: &Trial<'_>) -> Verdict {
    let answer = t.version_call().run()?;
    let (_, listed) = list(&answer)?;
    for version in &listed {
        let parts: Vec<&str> = version.split('.').collect();
        let numbers = parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok());
        answer.expect(numbers, "versions of the form a.b.c")?;
    }
    let once = listed.iter().enumerate().all(|(index, version)| !listed[..index].contains(version));
    answer.expect(once, "no version twice")?;
    if !listed.windows(2).all(|pair| at_least(&pair[1], &pair[0])) {
        t.remark("the list is not ascending");
    }
    Ok(())
}

fn version_in_parallel(t: &Trial<'_>) -> Verdict {
    let call = t.version_call();
    let usual = call.run()?;
    for answer in at_once(repeat_n(|| call.run(), 50)) {
        let answer = answer?;
        answer.expect(answer.stdout() == usual.stdout(), "the same answer from all")?;
    }
    Ok(())
}

fn not_incompatible(call: &Call) -> Verdict {
    let answer = call.run()?;
    let fine = !matches!(answer.outcome(), Outcome::Refused(1) | Outcome::Garbled);
    answer.expect(fine, "no error with code 1: the version is listed")
}

fn listed_versions_work(t: &Trial<'_>) -> Verdict {
    not_incompatible(&t.call("ADD", &t.pod()?))
}

fn unknown_versions(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    for version in ["9.9.9", "2.0.0", "1.1", "v1.0.0", "1.1.0 "] {
        let refusal = t.call("ADD", &pod).key("cniVersion", version).run()?.refused(1)?;
        refusal.says("incompatible CNI versions")?;
        refusal.names(version.trim())?;
        refusal.names(t.suite.newest())?;
    }
    Ok(())
}

fn check_too_early(t: &Trial<'_>) -> Verdict {
    let refusal = t.call("CHECK", &t.pod()?).run()?.refused(1)?;
    refusal.says("config version does not allow CHECK")
}

fn check_in_time(t: &Trial<'_>) -> Verdict {
    not_incompatible(&t.call("CHECK", &t.pod()?))
}

/// A plugin from before 1.1.0 does not know these verbs: 79 is about that.
fn require_node_verbs(t: &Trial<'_>) -> Verdict {
    if t.suite.lists(versions::STATUS) {
        return Ok(());
    }
    Err(Stop::skipped("the plugin does not list 1.1.0, so it need not know the verb"))
}

fn gc_too_early(t: &Trial<'_>) -> Verdict {
    require_node_verbs(t)?;
    match t.refuses(&t.node_call("GC"), &[1])? {
        Some(refusal) => refusal.says("config version does not allow GC"),
        None => Ok(()),
    }
}

fn status_too_early(t: &Trial<'_>) -> Verdict {
    require_node_verbs(t)?;
    t.node_call("STATUS").run()?.refused(1)?.says("config version does not allow STATUS")
}

fn node_verbs_of_the_future(t: &Trial<'_>) -> Verdict {
    for verb in ["STATUS", "GC"] {
        t.refuses(&t.node_call(verb).key("cniVersion", "1.2.0"), &[1])?;
    }
    Ok(())
}

fn nonsense(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    t.call("CHECK", &pod).key("cniVersion", "adsfsadf").run()?.refused(6)?;
    if t.suite.lists(versions::STATUS) {
        for verb in ["STATUS", "GC"] {
            t.refuses(&t.node_call(verb).key("cniVersion", "adsfsadf"), &[6])?;
        }
    }
    Ok(())
}

fn node_verbs_unknown(t: &Trial<'_>) -> Verdict {
    if t.suite.lists(versions::STATUS) {
        return Err(Stop::skipped("the plugin lists 1.1.0"));
    }
    for verb in ["STATUS", "GC"] {
        t.node_call(verb).key("cniVersion", versions::STATUS).run()?.refused(1)?;
    }
    Ok(())
}

fn del_of_unknown_version(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    t.refuses(&t.call("DEL", &pod).key("cniVersion", "9.9.9"), &[1]).map(drop)
}
