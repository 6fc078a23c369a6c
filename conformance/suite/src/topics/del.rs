//! 101-111: DEL, which must work whatever has become of the container.

use std::fs;
use std::iter::repeat_n;
use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::{Map, Value, json};
use testkit::ip;

use crate::answer::{Answer, Outcome};
use crate::case::{TestCase, case};
use crate::fixture::Fault;
use crate::levels::{Instead, Profile};
use crate::levels::{M, MR, R, S};
use crate::pod::{Attached, Pod};
use crate::stop::{Stop, Verdict};
use crate::threads::at_once;
use crate::trial::Trial;
use crate::versions::Versions;
use crate::witness::{State, look_here};

mod reasons;

pub(crate) use self::reasons::REASONS;

const DEL: &str = "SPEC 2 (DEL: complete without error if something is missing)";

pub(crate) const CASES: &[TestCase] = &[
    case(101, "DEL", M, never_added)
        .when("a container that was never ADDed")
        .then("success, silently")
        .source(DEL),
    case(102, "DEL", M, again_and_again)
        .when("twice after an ADD, then 20 at the same time")
        .then("success each time")
        .source("SPEC 2 (DEL: multiple calls)")
        .containers(1),
    case(103, "DEL", MR, namespace_lost)
        .when("CNI_NETNS gone, empty, a plain file, a dangling link")
        .then("success")
        .source("SPEC 2 (DEL); CRI-O and containerd send these"),
    case(104, "DEL", M, previous_result)
        .when("prevResult missing, {}, garbage, of another version")
        .then("success (garbage: or an error, reported)")
        .source("SPEC 2 (DEL: prevResult)"),
    case(105, "DEL", R, bare_configuration)
        .when("a configuration with cniVersion, name and type only")
        .then("success")
        .source("Multus: delegates rebuilt without device"),
    case(106, "DEL", MR, interface_lost)
        .when("the interface removed, renamed; its device unplugged")
        .then("success")
        .source(DEL),
    case(107, "DEL", M, after_failed_add)
        .when("right after an ADD that failed")
        .then("success, nothing left")
        .source("SPEC 2 (ADD must be followed by DEL)"),
    case(108, "DEL", M, only_its_own)
        .when("one of two containers with the same pod name")
        .then("the other untouched")
        .source("SPEC 2 (attachment = container and interface)"),
    case(109, "DEL", R, dependency_down)
        .when("what the plugin depends on is down")
        .then("success within 10 s, or an error with a msg")
        .source("CRI-O: 1 min for DEL")
        .versions(Versions::Newest),
    case(110, "DEL", S, home_name_taken)
        .when("the device's name is taken in the host")
        .then("the device back, or an error and a retry that works")
        .source("containernetworking/plugins 357")
        .versions(Versions::Newest),
    case(111, "DEL", R, in_time)
        .when("five DELs")
        .then("each within 60 s, typically 1 s")
        .source("CRI-O: 1 min for DEL")
        .versions(Versions::Newest),
];

fn never_added(t: &Trial<'_>) -> Verdict {
    t.call("DEL", &t.pod()?).run()?.silent()
}

/// A pod that has been ADDed, as far as the plugin attaches anything at all.
pub(super) fn added(t: &Trial<'_>) -> Result<Pod, Stop> {
    let pod = t.pod()?;
    let answer = t.call("ADD", &pod).run()?;
    if t.profile() == Profile::Interface {
        answer.ok()?;
    }
    Ok(pod)
}

fn again_and_again(t: &Trial<'_>) -> Verdict {
    let pod = added(t)?;
    let call = t.call("DEL", &pod);
    for _ in 0..2 {
        call.run()?.silent()?;
    }
    let answers = at_once(repeat_n(|| call.run(), 20));
    answers.into_iter().try_for_each(|answer| answer?.silent())
}

fn namespace_lost(t: &Trial<'_>) -> Verdict {
    let mut pod = added(t)?;
    let call = t.call("DEL", &pod);
    t.lose(&mut pod)?;
    call.noting("the namespace gone".to_owned()).run()?.silent()?;

    let (file, link) = (t.dir().join("file"), t.dir().join("dangling"));
    fs::write(&file, "")?;
    symlink(t.dir().join("nowhere"), &link)?;
    for path in ["".into(), file.into_os_string(), link.into_os_string()] {
        let pod = added(t)?;
        t.call("DEL", &pod).env("CNI_NETNS", &path).run()?.silent()?;
    }
    Ok(())
}

fn previous_result(t: &Trial<'_>) -> Verdict {
    for previous in [json!({}), json!({"cniVersion": "0.2.0", "ip4": {"ip": "192.0.2.9/24"}})] {
        let pod = added(t)?;
        t.call("DEL", &pod).key("prevResult", previous).run()?.silent()?;
    }
    for previous in [json!("garbage"), json!({"cniVersion": "9.9.9", "ips": 5})] {
        let pod = added(t)?;
        let answer = t.call("DEL", &pod).key("prevResult", previous).run()?;
        if answer.outcome() == Outcome::Ok || t.profile() == Profile::Placeholder {
            answer.silent()?;
            continue;
        }
        let code = answer.refusal()?.code;
        t.remark(format!("a prevResult that is garbage makes DEL fail (code {code})"));
    }
    Ok(())
}

fn bare_configuration(t: &Trial<'_>) -> Verdict {
    for with_add in [false, true] {
        let pod = if with_add { added(t)? } else { t.pod()? };
        let bare = |conf: &mut Map<String, Value>| {
            conf.retain(|key, _| ["cniVersion", "name", "type"].contains(&key.as_str()));
        };
        let call = t.call("DEL", &pod).with_conf(bare);
        call.noting("cniVersion, name and type only".to_owned()).run()?.silent()?;
    }
    Ok(())
}

fn interface_lost(t: &Trial<'_>) -> Verdict {
    let Attached { pod, .. } = t.attach()?;
    if pod.ifname == "lo" {
        return Err(Stop::skipped("lo can be neither removed nor renamed"));
    }
    let name = pod.ifname.clone();
    pod.container.ip(&["link", "set", &name, "down"])?;
    pod.container.ip(&["link", "set", &name, "name", "renamed0"])?;
    t.call("DEL", &pod).noting("the interface renamed".to_owned()).run()?.silent()?;

    let Attached { pod, .. } = t.attach()?;
    // Hardware cannot be deleted like this: then the fault below is the test.
    if pod.container.ip(&["link", "del", &name]).is_ok() {
        t.call("DEL", &pod).noting("the interface removed".to_owned()).run()?.silent()?;
    }

    let Attached { pod, .. } = t.attach()?;
    match t.cause(Fault::DeviceGone) {
        Ok(()) => {
            t.call("DEL", &pod).noting("the device unplugged".to_owned()).run()?.silent()?;
            t.mend(Fault::DeviceGone)
        }
        Err(Stop::Skipped(_)) => {
            t.remark("without unplugging a device: the surroundings cannot");
            Ok(())
        }
        Err(stop) => Err(stop),
    }
}

fn after_failed_add(t: &Trial<'_>) -> Verdict {
    t.warm_up()?;
    let pod = t.pod()?;
    let before = State::here()?;
    let missing = t.dir().join("no-such-namespace");
    t.call("ADD", &pod).env("CNI_NETNS", &missing).run()?;
    let answer = t.call("DEL", &pod).env("CNI_NETNS", &missing).run()?;
    answer.silent()?;
    let after = State::here()?;
    if after == before {
        return Ok(());
    }
    Err(Stop::failed(answer.sent(), format!("left in the host: {}", after.since(&before)), "nothing left"))
}

fn only_its_own(t: &Trial<'_>) -> Verdict {
    t.require_attaching()?;
    let (first, mut second) = (t.pod()?, t.pod()?);
    second.name.clone_from(&first.name);
    let (first, second) = (t.attach_pod(first)?, t.attach_pod(second)?);
    let before = State::of(&second.pod.container)?;
    let answer = t.call("DEL", &first.pod).run()?;
    answer.silent()?;
    untouched(&answer, &second.pod, &before)
}

/// The container of another attachment is as it was.
pub(super) fn untouched(answer: &Answer, other: &Pod, before: &State) -> Verdict {
    let after = State::of(&other.container)?;
    if after == *before {
        return Ok(());
    }
    let came_back = format!("changed in the other container: {}", after.since(before));
    Err(Stop::failed(answer.sent(), came_back, "the other container untouched"))
}

fn dependency_down(t: &Trial<'_>) -> Verdict {
    let attached = match t.rule().map(|rule| rule.instead) {
        Some(Instead::NothingAttached) => added(t)?,
        _ => t.attach()?.pod,
    };
    t.cause(Fault::DependencyDown)?;
    let answer = t.call("DEL", &attached).noting("the dependency down".to_owned()).run()?;
    answer.expect(answer.finished().elapsed < Duration::from_secs(10), "an answer within 10 s")?;
    if answer.outcome() != Outcome::Ok {
        answer.refusal()?;
        t.remark("DEL fails while the dependency is down");
    }
    t.mend(Fault::DependencyDown)
}

fn home_name_taken(t: &Trial<'_>) -> Verdict {
    t.require_attaching()?;
    let pod = t.pod()?;
    let Some(device) = pod.overlay.device.clone() else {
        return Err(Stop::skipped("no device of the host is moved (the surroundings name none)"));
    };
    let mac = look_here()?.into_iter().find(|link| link.name == device).map(|link| link.mac);
    let attached = t.attach_pod(pod)?;
    ip::here(&["link", "add", &device, "type", "veth", "peer", "name", "conformance"])?;
    let call = t.call("DEL", &attached.pod).noting(format!("{device} taken in the host"));
    let answer = call.run()?;
    let home = || -> Result<bool, Stop> { Ok(look_here()?.into_iter().any(|link| Some(link.mac) == mac)) };
    if answer.outcome() == Outcome::Ok {
        answer.expect(home()?, "the device back in the host, under another name")?;
    } else {
        answer.refusal()?;
    }
    ip::here(&["link", "del", "conformance"])?;
    let again = call.noting("again, the name free".to_owned()).run()?;
    again.silent()?;
    again.expect(home()?, "the device back in the host")?;
    if !look_here()?.into_iter().any(|link| link.name == device) {
        t.remark("the device does not get its name back");
    }
    Ok(())
}

fn in_time(t: &Trial<'_>) -> Verdict {
    let mut took = Vec::new();
    for _ in 0..5 {
        let pod = added(t)?;
        let answer = t.call("DEL", &pod).run()?;
        let finished = answer.finished();
        let in_time = !finished.timed_out && finished.elapsed < Duration::from_secs(60);
        answer.expect(in_time, "an end within 60 s")?;
        took.push(finished.elapsed);
    }
    took.sort();
    t.remark(format!("median {} ms", took[2].as_millis()));
    if took[2] < Duration::from_secs(1) {
        return Ok(());
    }
    Err(Stop::failed(
        "five DELs",
        format!("a median of {} ms", took[2].as_millis()),
        "typically less than 1 s",
    ))
}
