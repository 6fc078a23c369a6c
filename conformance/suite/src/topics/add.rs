//! 88-100: the result of an ADD, and what it stands for.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::case::{TestCase, case};
use crate::fixture::Fault;
use crate::levels::{K, M, MK, R};
use crate::pod::{Attached, Pod};
use crate::result::{addresses, cidr, interface, is_mac, objects, text};
use crate::stop::{Stop, Verdict};
use crate::stub::Stub;
use crate::trial::Trial;
use crate::versions::{Versions, at_least};
use crate::witness::{self, State, look_here};

mod reasons;

pub(crate) use self::reasons::REASONS;

const SUCCESS: &str = "SPEC 5 (ADD success)";
const OLD: Versions = Versions::Between("0.1.0", "0.2.0");
const WITH_INTERFACES: Versions = Versions::from("0.3.0");

pub(crate) const CASES: &[TestCase] = &[
    case(88, "ADD", M, version_of_result)
        .when("a fresh container")
        .then("success, in the configuration's version")
        .source(SUCCESS),
    case(89, "ADD", M, shape_of_old_results)
        .when("a fresh container")
        .then("cniVersion, ip4, ip6, dns only; ip4 or ip6 there")
        .source("types020")
        .versions(OLD),
    case(90, "ADD", M, family_is_named)
        .when("a fresh container")
        .then("every ips[] has `version`, matching its address")
        .source("types040")
        .versions(Versions::Between("0.3.0", "0.4.0")),
    case(91, "ADD", M, family_is_not_named)
        .when("a fresh container")
        .then("no `version` in ips[]")
        .source("types100")
        .versions(Versions::from("1.0.0")),
    case(92, "ADD", MK, newer_fields)
        .when("a fresh container")
        .then("no mtu, socketPath, pciID in interfaces")
        .source("SPEC 5; 1.0.0: tolerated, Go keeps them")
        .versions(Versions::Between("0.3.0", "1.0.0")),
    case(93, "ADD", M, sandboxes)
        .when("a fresh container")
        .then("CNI_IFNAME with sandbox CNI_NETNS; host interfaces without")
        .source(SUCCESS)
        .versions(WITH_INTERFACES),
    case(94, "ADD", M, addresses_are_well_formed)
        .when("a fresh container")
        .then("addresses with prefix length, interface index in range")
        .source(SUCCESS),
    case(95, "ADD", R, macs)
        .when("a fresh container")
        .then("every container interface has a MAC address")
        .source("podman converts results to 0.4.0")
        .versions(WITH_INTERFACES),
    case(96, "ADD", M, really_there)
        .when("a fresh container")
        .then("the interface: up, with the result's MAC, MTU, addresses")
        .source("SPEC 2 (ADD)"),
    case(97, "ADD", M, name_is_taken)
        .when("an interface CNI_IFNAME in the container already")
        .then("an error, and that interface untouched")
        .source("SPEC 2 (ADD: must fail)"),
    case(98, "ADD", M, chained)
        .when("prevResult of an earlier plugin")
        .then("its interfaces and addresses in the result, or an error")
        .source("SPEC 2 (ADD: prevResult)")
        .versions(WITH_INTERFACES),
    case(99, "ADD", K, chained_wrongly)
        .when("prevResult of version 9.9.9, and of no known shape")
        .then("code 6 or 7 (skel: 999, reported), nothing changed")
        .source("version.ParsePrevResult")
        .versions(WITH_INTERFACES),
    case(100, "ADD", M, half_way)
        .when("an ADD that fails half-way")
        .then("everything back, the delegate DELeted, an error")
        .source("SPEC 2 (ADD), 4 (delegation)")
        .versions(Versions::Newest),
];

/// What skel makes of an error that has no code.
const INTERNAL: u64 = 999;

/// A result that should hold something.
fn held(attached: &Attached, fine: bool, should: &str) -> Verdict {
    if fine {
        return Ok(());
    }
    let came_back = Value::Object(attached.result.clone()).to_string();
    Err(Stop::failed(format!("ADD {}", attached.pod.ifname), came_back, should))
}

fn version_of_result(t: &Trial<'_>) -> Verdict {
    let attached = t.attach()?;
    held(
        &attached,
        text(&attached.result, "cniVersion") == t.version,
        &format!("\"cniVersion\":\"{}\"", t.version),
    )
}

fn shape_of_old_results(t: &Trial<'_>) -> Verdict {
    let attached = t.attach()?;
    let known = attached.result.keys().all(|key| ["cniVersion", "ip4", "ip6", "dns"].contains(&key.as_str()));
    held(&attached, known, "no other keys than cniVersion, ip4, ip6, dns")?;
    let any = ["ip4", "ip6"].iter().any(|key| attached.result.get(*key).is_some_and(Value::is_object));
    held(&attached, any, "ip4 or ip6")
}

fn family_is_named(t: &Trial<'_>) -> Verdict {
    let attached = t.attach()?;
    let matching = |ip: &Map<String, Value>| match cidr(text(ip, "address")) {
        Some((address, _)) => text(ip, "version") == if address.is_ipv4() { "4" } else { "6" },
        None => false,
    };
    let fine = objects(&attached.result, "ips").into_iter().all(matching);
    held(&attached, fine, "\"version\":\"4\" or \"6\" in every ips[], matching its address")
}

fn family_is_not_named(t: &Trial<'_>) -> Verdict {
    let attached = t.attach()?;
    let fine = objects(&attached.result, "ips").into_iter().all(|ip| !ip.contains_key("version"));
    held(&attached, fine, "no `version` in ips[]")
}

fn newer_fields(t: &Trial<'_>) -> Verdict {
    let attached = t.attach()?;
    let newer =
        |link: &Map<String, Value>| ["mtu", "socketPath", "pciID"].iter().any(|key| link.contains_key(*key));
    let any = objects(&attached.result, "interfaces").into_iter().any(newer);
    if any && t.version == "1.0.0" {
        t.remark("fields of 1.1.0 in a result of 1.0.0, as the Go library leaves them");
        return Ok(());
    }
    held(&attached, !any, "no mtu, socketPath, pciID: they came with 1.1.0")
}

fn sandboxes(t: &Trial<'_>) -> Verdict {
    let attached = t.attach()?;
    let netns = attached.pod.container.path().to_string_lossy().into_owned();
    let links = objects(&attached.result, "interfaces");
    let inside =
        interface(&attached.result, &attached.pod.ifname).is_some_and(|link| text(link, "sandbox") == netns);
    held(&attached, inside, &format!("the interface {} with sandbox {netns}", attached.pod.ifname))?;
    if links.iter().any(|link| text(link, "name").is_empty()) {
        // ovn-kubernetes' way to say that the far end is on another machine.
        t.remark("an interface without a name");
    }
    let host: Vec<String> = look_here()?.into_iter().map(|link| link.name).collect();
    let place = |link: &&Map<String, Value>| match text(link, "sandbox") {
        "" => text(link, "name").is_empty() || host.iter().any(|name| name == text(link, "name")),
        sandbox => sandbox == netns,
    };
    held(
        &attached,
        links.iter().all(place),
        "interfaces of the host without sandbox, and others with the container's",
    )
}

fn addresses_are_well_formed(t: &Trial<'_>) -> Verdict {
    let attached = t.attach()?;
    let written = addresses(&attached.result, &attached.pod.ifname);
    let all = objects(&attached.result, "ips").len();
    held(&attached, written.iter().all(|address| cidr(address).is_some()), "addresses with a prefix length")?;
    let links = objects(&attached.result, "interfaces").len() as u64;
    let index = |ip: &Map<String, Value>| match ip.get("interface") {
        None => true,
        Some(index) => index.as_u64().is_some_and(|index| index < links),
    };
    let fine = objects(&attached.result, "ips").into_iter().all(index);
    held(&attached, fine, "`interface` an index into interfaces[]")?;
    held(&attached, all == 0 || !written.is_empty(), "addresses that belong to CNI_IFNAME")
}

fn macs(t: &Trial<'_>) -> Verdict {
    let attached = t.attach()?;
    let inside =
        objects(&attached.result, "interfaces").into_iter().filter(|link| !text(link, "sandbox").is_empty());
    let fine = inside.into_iter().all(|link| is_mac(text(link, "mac")));
    held(&attached, fine, "a MAC address for every interface with a sandbox")
}

fn really_there(t: &Trial<'_>) -> Verdict {
    let attached = t.attach()?;
    is_there(&attached)
}

/// The interface is up, and what the result says about it is so.
pub(super) fn is_there(attached: &Attached) -> Verdict {
    let Attached { pod, result } = attached;
    let found = witness::interface(&pod.container, &pod.ifname)?;
    let Some(found) = found else { return held(attached, false, "an interface CNI_IFNAME in the container") };
    held(attached, found.is_up(), "CNI_IFNAME up in the container")?;
    let link = interface(result, &pod.ifname);
    if let Some(mac) = link.map(|link| text(link, "mac")).filter(|mac| !mac.is_empty()) {
        held(attached, mac.eq_ignore_ascii_case(&found.mac), &format!("its MAC address: {}", found.mac))?;
    }
    if let Some(mtu) = link.and_then(|link| link.get("mtu")?.as_u64()).filter(|&mtu| mtu != 0) {
        held(attached, mtu == u64::from(found.mtu), &format!("its MTU: {}", found.mtu))?;
    }
    let there: Vec<_> = found.addresses().iter().filter_map(|address| cidr(address)).collect();
    let claimed = addresses(result, &pod.ifname);
    let all = claimed.iter().filter_map(|address| cidr(address)).all(|address| there.contains(&address));
    held(attached, all, &format!("the addresses that it has: {there:?}"))
}

fn name_is_taken(t: &Trial<'_>) -> Verdict {
    t.require_attaching()?;
    let pod = t.pod()?;
    if pod.has_interface()? {
        return Err(Stop::skipped(format!("{} is in every namespace", pod.ifname)));
    }
    t.warm_up()?;
    pod.container.ip(&["link", "add", &pod.ifname, "type", "veth", "peer", "name", "conformance"])?;
    let (before, host) = (State::of(&pod.container)?, State::here()?);
    let answer = t.call("ADD", &pod).noting("CNI_IFNAME taken".to_owned()).run()?;
    answer.refusal()?;
    as_before(&answer, &pod, &before, &host)
}

/// Container and host are as they were.
pub(super) fn as_before(answer: &Answer, pod: &Pod, container: &State, host: &State) -> Verdict {
    let (inside, outside) = (State::of(&pod.container)?, State::here()?);
    let changed = [inside.since(container), outside.since(host)].join(" ");
    if changed.trim().is_empty() {
        return Ok(());
    }
    let came_back = format!("{}; changed: {changed}", answer.came_back());
    Err(Stop::failed(answer.sent(), came_back, "container and host as they were before"))
}

/// What a plugin before it in the chain might have left.
fn previous(t: &Trial<'_>, pod: &Pod) -> Value {
    let netns = pod.container.path().to_string_lossy();
    let mut ip = json!({"address": "192.0.2.9/24", "interface": 0});
    if !at_least(t.version, "1.0.0") {
        ip["version"] = json!("4");
    }
    let link = json!({"name": "before0", "mac": "02:00:00:00:00:09", "sandbox": netns});
    json!({"cniVersion": t.version, "interfaces": [link], "ips": [ip], "dns": {}})
}

fn chained(t: &Trial<'_>) -> Verdict {
    t.require_attaching()?;
    let pod = t.pod()?;
    let answer = t.call("ADD", &pod).key("prevResult", previous(t, &pod)).run()?;
    if answer.refusal().is_ok() {
        t.remark("refuses to be chained");
        return Ok(());
    }
    let result = answer.object()?;
    let link = objects(&result, "interfaces").into_iter().any(|link| text(link, "name") == "before0");
    let ip = objects(&result, "ips").into_iter().any(|ip| text(ip, "address") == "192.0.2.9/24");
    answer.expect(link && ip, "prevResult's interface and address in the result, or an error")
}

fn chained_wrongly(t: &Trial<'_>) -> Verdict {
    t.require_attaching()?;
    t.warm_up()?;
    for previous in
        [json!({"cniVersion": "9.9.9", "ips": []}), json!({"cniVersion": t.version, "ips": "none"})]
    {
        let pod = t.pod()?;
        let (before, host) = (State::of(&pod.container)?, State::here()?);
        let answer = t.call("ADD", &pod).key("prevResult", previous).run()?;
        if answer.refused_with(&[6, 7, INTERNAL])?.code == INTERNAL {
            t.remark("code 999: an error without a code, as the reference library returns it");
        }
        as_before(&answer, &pod, &before, &host)?;
    }
    Ok(())
}

fn half_way(t: &Trial<'_>) -> Verdict {
    t.require_attaching()?;
    t.warm_up()?;
    if t.suite.template.ipam().is_some() {
        return delegate_fails(t);
    }
    let pod = t.pod()?;
    t.cause(Fault::HalfWay)?;
    let (before, host) = (State::of(&pod.container)?, State::here()?);
    let answer = t.call("ADD", &pod).noting("a fault half-way".to_owned()).run()?;
    answer.refusal()?;
    as_before(&answer, &pod, &before, &host)?;
    t.mend(Fault::HalfWay)?;
    t.attach_pod(pod).and_then(|attached| is_there(&attached))
}

/// The IPAM plugin gives no address: the plugin cannot go on, and has to release what it asked for.
fn delegate_fails(t: &Trial<'_>) -> Verdict {
    let stub = Stub::new(t.dir().join("stub"))?;
    stub.says("ADD", &json!({"cniVersion": t.version, "ips": []}))?;
    let pod = t.pod()?;
    let (before, host) = (State::of(&pod.container)?, State::here()?);
    let path = format!("{}:{}", stub.dir().display(), t.suite.bin_dir().display());
    let call = t.call("ADD", &pod).key("ipam", json!({"type": Stub::KIND})).with("CNI_PATH", path);
    let answer = call.noting("an IPAM plugin without addresses".to_owned()).run()?;
    answer.refusal()?;
    if !stub.was_asked("DEL")? {
        return Err(answer.should("DEL sent to the IPAM plugin"));
    }
    as_before(&answer, &pod, &before, &host)
}
