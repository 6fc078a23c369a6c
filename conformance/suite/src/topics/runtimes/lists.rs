//! 134-138: in a configuration list, as libcni runs it.

use serde_json::{Map, Value, json};

use crate::answer::{LONGEST, MATCHED, NOT_READY, Outcome};
use crate::chain::Chain;
use crate::levels::Profile;
use crate::pod::Pod;
use crate::stop::{Stop, Verdict};
use crate::stub::Stub;
use crate::trial::Trial;

/// The plugin's own object of a list.
fn plugin(t: &Trial<'_>, pod: &Pod) -> Map<String, Value> {
    let mut conf = t.call("ADD", pod).conf().clone();
    conf.retain(|key, _| key != "cniVersion" && key != "name");
    conf
}

fn stub() -> Map<String, Value> {
    Map::from_iter([("type".to_owned(), json!(Stub::KIND))])
}

/// An ADD that should fail has been shown to; whatever else a list does has to work.
fn never_attaches(t: &Trial<'_>) -> bool {
    t.suite.plain("ADD", t.version) != Outcome::Ok && t.profile() != Profile::Interface
}

pub(super) fn whole_life(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let mut chain = Chain::new(t, &pod, &[t.version], vec![plugin(t, &pod)]);
    if never_attaches(t) {
        t.remark("without ADD and CHECK: the plugin attaches nothing");
    } else {
        chain.add()?;
        chain.check()?;
    }
    chain.status_and_gc()?;
    chain.del()
}

pub(super) fn version_is_chosen(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let mut versions: Vec<&str> = t.suite.versions.iter().map(String::as_str).collect();
    versions.push("9.9.9");
    let mut chain = Chain::new(t, &pod, &versions, vec![plugin(t, &pod)]);
    if never_attaches(t) {
        return chain.del();
    }
    chain.add()?;
    let said = chain.result().and_then(|result| result["cniVersion"].as_str()).unwrap_or_default();
    if said != chain.version() {
        let came_back = format!("a result of version {said:?}");
        return Err(Stop::failed("ADD through a list", came_back, format!("version {}", chain.version())));
    }
    chain.del()
}

pub(super) fn second_in_chain(t: &Trial<'_>) -> Verdict {
    t.require_attaching()?;
    let (first, pod) = (Stub::new(t.dir().join("stub"))?, t.pod()?);
    // What it left is in the host only, so that it is in nobody's way.
    let before = json!({"cniVersion": t.version, "interfaces": [{"name": "before0"}], "ips": [], "dns": {}});
    first.says("ADD", &before)?;
    let mut chain = Chain::new(t, &pod, &[t.version], vec![stub(), plugin(t, &pod)]).searching(first.dir());
    if let Some(answer) = chain.try_add()? {
        // Its right; but the rest of the list still has to be deleted.
        answer.refusal()?;
        t.remark("refuses to be chained");
        return chain.del();
    }
    let result = chain.result().cloned().unwrap_or_default();
    let links = result["interfaces"].as_array().cloned().unwrap_or_default();
    if !links.iter().any(|link| link["name"] == "before0") {
        let should = "the earlier plugin's interface in the result";
        return Err(Stop::failed("ADD behind another plugin", result.to_string(), should));
    }
    chain.check()?;
    chain.del()?;
    let seen = first.seen()?;
    let last = seen.last().filter(|seen| seen.verb == "DEL").map(|seen| seen.conf["prevResult"].clone());
    if last.is_some_and(|previous| previous == result) {
        return Ok(());
    }
    Err(Stop::failed(
        "DEL of a list",
        "no DEL with the final result",
        "DEL of both plugins with the final result",
    ))
}

pub(super) fn capabilities(t: &Trial<'_>) -> Verdict {
    let offered = Map::from_iter([("conformance".to_owned(), json!({"key": "value"}))]);
    for declared in [true, false] {
        let (recorder, pod) = (Stub::new(t.dir().join(format!("stub-{declared}")))?, t.pod()?);
        let mut plugins = vec![stub(), plugin(t, &pod)];
        for plugin in &mut plugins {
            plugin.insert("capabilities".to_owned(), json!({"conformance": declared}));
        }
        let chain =
            Chain::new(t, &pod, &[t.version], plugins).searching(recorder.dir()).offering(offered.clone());
        // The recorder is the first of the list: it is called whatever becomes of the other.
        chain.first("ADD")?;
        let got = recorder.seen()?.iter().any(|seen| seen.conf.get("runtimeConfig").is_some());
        if got != declared {
            let came_back = format!("runtimeConfig {}", if got { "sent" } else { "not sent" });
            return Err(Stop::failed("capabilities", came_back, "runtimeConfig only where it is declared"));
        }
        if declared {
            let call = t.call("ADD", &pod).key("capabilities", json!({"conformance": true}));
            t.same_as_plain(&call.key("runtimeConfig", Value::Object(offered.clone())))?;
        }
    }
    Ok(())
}

pub(super) fn failing(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let (answer, text) = Chain::new(t, &pod, &[t.version], vec![plugin(t, &pod)]).failing_add()?;
    let own = answer.refusal()?.text();
    answer.expect(!own.contains(['\n', '\r']), format!("one line: {text:?}"))?;
    answer.expect(own.chars().count() <= LONGEST, format!("at most {LONGEST} characters: {text}"))?;
    answer.expect(!own.contains(NOT_READY), format!("no {NOT_READY:?}: {text}"))?;
    for phrase in MATCHED.iter().filter(|phrase| own.contains(**phrase)) {
        // A placeholder's error is what everybody sees.
        answer.expect(t.profile() != Profile::Placeholder, format!("no {phrase:?}: {text}"))?;
        t.remark(format!("says {phrase:?}"));
    }
    Ok(())
}
