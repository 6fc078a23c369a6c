//! 112-117: CHECK.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::case::{TestCase, case};
use crate::levels::{K, M, MR};
use crate::pod::Attached;
use crate::result::{addresses, objects, text};
use crate::stop::{Stop, Verdict};
use crate::trial::Trial;
use crate::versions::{self, Versions};
use crate::witness::State;

mod reasons;

pub(crate) use self::reasons::REASONS;

const CHECK: &str = "SPEC 2 (CHECK)";
const SINCE: Versions = Versions::from(versions::CHECK);

pub(crate) const CASES: &[TestCase] = &[
    case(112, "CHECK", MR, right_after_add)
        .when("right after ADD, with its result")
        .then("silent success within 1 s")
        .source("SPEC 2 (CHECK); CRI-O checks after every ADD")
        .versions(SINCE),
    case(113, "CHECK", M, without_previous_result)
        .when("no prevResult")
        .then("an error, for a plugin that owns the interface")
        .source(CHECK)
        .versions(SINCE),
    case(114, "CHECK", M, something_is_wrong)
        .when("the interface removed, down, without address, with another MAC")
        .then("an error")
        .source(CHECK)
        .versions(SINCE),
    case(115, "CHECK", M, routes_of_others)
        .when("routes that a later plugin added")
        .then("success")
        .source("SPEC 2 (CHECK: changes by chained plugins)")
        .versions(SINCE),
    case(116, "CHECK", K, another_sandbox)
        .when("prevResult with another sandbox than CNI_NETNS")
        .then("an error")
        .source("reference plugins' validateInterface")
        .versions(SINCE),
    case(117, "CHECK", M, nothing_changes)
        .when("right after ADD")
        .then("nothing changed")
        .source(CHECK)
        .versions(SINCE),
];

/// A CHECK with this result for a prevResult.
fn call(t: &Trial<'_>, attached: &Attached) -> Call {
    t.call("CHECK", &attached.pod).with_conf(|conf| {
        conf.insert("prevResult".to_owned(), Value::Object(attached.result.clone()));
    })
}

fn right_after_add(t: &Trial<'_>) -> Verdict {
    let answer = call(t, &t.attach()?).run()?;
    answer.silent()?;
    answer.expect(answer.finished().elapsed < Duration::from_secs(1), "an answer within 1 s")
}

/// An attached pod whose interface the plugin has made or brought: one that is in every namespace (`lo`) is nobody's.
fn attach_own(t: &Trial<'_>) -> Result<Attached, Stop> {
    t.require_attaching()?;
    let pod = t.pod()?;
    if pod.has_interface()? {
        return Err(Stop::skipped(format!(
            "{} is in every namespace: the plugin does not own it",
            pod.ifname
        )));
    }
    t.attach_pod(pod)
}

fn without_previous_result(t: &Trial<'_>) -> Verdict {
    let attached = attach_own(t)?;
    t.call("CHECK", &attached.pod).noting("no prevResult".to_owned()).run()?.refusal().map(drop)
}

fn something_is_wrong(t: &Trial<'_>) -> Verdict {
    let damage: [(&str, &[&str]); 4] = [
        ("down", &["link", "set", "IFNAME", "down"]),
        ("without its addresses", &["addr", "flush", "dev", "IFNAME"]),
        ("with another MAC", &["link", "set", "IFNAME", "address", "02:00:00:00:00:77"]),
        ("removed", &["link", "del", "IFNAME"]),
    ];
    for (how, args) in damage {
        let attached = t.attach()?;
        let name = attached.pod.ifname.as_str();
        if how == "without its addresses" && addresses(&attached.result, name).is_empty() {
            continue;
        }
        let args: Vec<&str> = args.iter().map(|arg| if *arg == "IFNAME" { name } else { arg }).collect();
        if attached.pod.container.ip(&args).is_err() {
            t.remark(format!("not {how}: the kernel refuses"));
            continue;
        }
        call(t, &attached).noting(format!("the interface {how}")).run()?.refusal()?;
    }
    Ok(())
}

fn routes_of_others(t: &Trial<'_>) -> Verdict {
    let mut attached = t.attach()?;
    let name = attached.pod.ifname.clone();
    let added = attached.pod.container.ip(&["route", "add", "198.51.100.0/24", "dev", &name]);
    if added.is_err() {
        return Err(Stop::skipped("no route can be added over the interface"));
    }
    call(t, &attached).noting("one more route".to_owned()).run()?.silent()?;
    // The final result of the chain, which a runtime would send, names it.
    let routes = attached.result.entry("routes").or_insert_with(|| json!([]));
    if let Some(routes) = routes.as_array_mut() {
        routes.push(json!({"dst": "198.51.100.0/24"}));
    }
    call(t, &attached).noting("one more route, in prevResult too".to_owned()).run()?.silent()?;
    replace_default(t, attached)
}

/// As Multus does for another network's `default-route`: the default route is gone, and the result says so.
fn replace_default(t: &Trial<'_>, mut attached: Attached) -> Verdict {
    let default = |route: &&Map<String, Value>| text(route, "dst").ends_with("/0");
    if !objects(&attached.result, "routes").iter().any(default) {
        return Ok(());
    }
    for family in ["-4", "-6"] {
        // One of the families may have none.
        let _ = attached.pod.container.ip(&[family, "route", "del", "default"]);
    }
    if let Some(Value::Array(routes)) = attached.result.get_mut("routes") {
        routes.retain(|route| route.as_object().is_none_or(|route| !default(&route)));
    }
    call(t, &attached).noting("the default route removed, from prevResult too".to_owned()).run()?.silent()
}

fn another_sandbox(t: &Trial<'_>) -> Verdict {
    let mut attached = attach_own(t)?;
    if objects(&attached.result, "interfaces").is_empty() {
        return Err(Stop::skipped("the result names no interface"));
    }
    if let Some(Value::Array(links)) = attached.result.get_mut("interfaces") {
        for link in
            links.iter_mut().filter(|link| link["sandbox"].as_str().is_some_and(|path| !path.is_empty()))
        {
            link["sandbox"] = json!("/var/run/netns/conformance-elsewhere");
        }
    }
    call(t, &attached).noting("prevResult of another sandbox".to_owned()).run()?.refusal().map(drop)
}

fn nothing_changes(t: &Trial<'_>) -> Verdict {
    let attached = t.attach()?;
    let look =
        || -> Result<_, Stop> { Ok((State::of(&attached.pod.container)?, State::here()?, t.files()?)) };
    let before = look()?;
    let answer = call(t, &attached).run()?;
    let after = look()?;
    if before == after {
        return Ok(());
    }
    let files: Vec<_> = after.2.symmetric_difference(&before.2).map(String::as_str).collect();
    let changed = [after.0.since(&before.0), after.1.since(&before.1), files.join(", ")].join(" ");
    Err(Stop::failed(answer.sent(), format!("changed: {changed}"), "nothing changed"))
}
