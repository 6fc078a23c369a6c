//! The groups that attach a pod to a VF: `dpu-host`, the plugins in Go on VFs of the same node, and the kernel alone.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::call::Pod;
use super::group::{Entry, Group, Role, Step, Work};
use super::kernel::{self, Replay};
use super::process::Invocation;
use super::site::Site;
use super::subject::{Field, Peer, Subject};
use super::verbs;

/// Names of entries, which the limits are stated in.
pub(super) const GROUP: &str = "pod";
pub(super) const REPLAYED: &str = "kernel alone (replayed)";
pub(super) const BATCH: &str = "kernel alone (ip -batch)";
pub(super) const SINGLE: &str = "dpu-host, IPv4";
pub(super) const DUAL: &str = "dpu-host, dual stack";

/// The VFs of each site are used by number: everybody has one of its own, so that nobody's leftovers slow another.
pub(super) const VFS: usize = 16;

/// ADD, CHECK and DEL of one pod after the other.
///
/// # Errors
/// When something cannot be set up.
pub(super) fn group<'l>(
    field: &Field,
    single: &'l Site,
    dual: &'l Site,
    pods: &'l [node::Pod],
) -> Result<Group<'l>> {
    let mut free = single.node.vfs().iter().zip(pods);
    let mut next = || free.next().context("a free VF and pod");
    let mut entries = Vec::new();

    let (vf, pod) = next()?;
    entries.push(replayed(Replay::new(single, vf, pod)?));
    let (vf, pod) = next()?;
    entries.push(batched(kernel::batches(single, vf, pod)?));
    entries.extend(verbs::baselines(field, &["CHECK"]));

    let (vf, pod) = next()?;
    entries.push(cycle(
        SINGLE,
        Role::Ours,
        &field.dpu_host.path,
        single,
        &pod.into(),
        single.node.conf_for(vf),
    )?);
    let vf = &dual.node.vfs()[0];
    let (_, pod) = next()?;
    entries.push(cycle(DUAL, Role::Ours, &field.dpu_host.path, dual, &pod.into(), dual.node.conf_for(vf))?);

    for peer in field.peers_of(&["host-device"]) {
        for addressed in [false, true] {
            if addressed && !has_ipam(peer) {
                continue;
            }
            let (vf, pod) = next()?;
            let mut conf = peer.conf();
            conf["device"] = json!(vf.name);
            entries.push(theirs(peer, single, &pod.into(), conf, addressed)?);
        }
    }
    for peer in field.peers_of(&["bridge"]).filter(|peer| has_ipam(peer)) {
        let (_, pod) = next()?;
        let mut conf = peer.conf();
        conf["bridge"] = json!("bench0");
        entries.push(theirs(peer, single, &pod.into(), conf, true)?);
    }
    Ok(Group { name: GROUP, entries })
}

/// Whether the plugin's directory has the IPAM plugin that gives fixed addresses.
fn has_ipam(peer: &Peer) -> bool {
    peer.subject.path.with_file_name("static").is_file()
}

/// A plugin in Go, with the addresses and routes that `dpu-host` gives its pod, or without.
fn theirs<'l>(peer: &Peer, site: &Site, pod: &Pod, mut conf: Value, addressed: bool) -> Result<Entry<'l>> {
    let Subject { name, path } = &peer.subject;
    if !addressed {
        return cycle(&format!("{name}, no addresses"), Role::Theirs, path, site, pod, conf);
    }
    let interface = &site.interface;
    let addresses: Vec<Value> = interface
        .ips
        .iter()
        .zip(&interface.gateways)
        .map(|(ip, gateway)| json!({ "address": ip, "gateway": gateway }))
        .collect();
    let defaults = interface
        .gateways
        .iter()
        .map(|gateway| json!({ "dst": if gateway.is_ipv6() { "::/0" } else { "0.0.0.0/0" }, "gw": gateway }));
    let others = interface.routes.iter().map(|route| json!({ "dst": route.dest, "gw": route.next_hop }));
    let routes: Vec<Value> = defaults.chain(others).collect();
    conf["ipam"] = json!({ "type": "static", "addresses": addresses, "routes": routes });
    cycle(&format!("{name} with static addresses"), Role::Theirs, path, site, pod, conf)
}

/// ADD, CHECK and DEL of one plugin. A first ADD tells the result that runtimes pass to CHECK and DEL.
pub(super) fn cycle<'l>(
    name: &str,
    role: Role,
    plugin: &Path,
    site: &Site,
    pod: &Pod,
    conf: Value,
) -> Result<Entry<'l>> {
    cycle_through(name, role, plugin, site, pod, conf, |call| call)
}

/// The same, each call changed.
pub(super) fn cycle_through<'l>(
    name: &str,
    role: Role,
    plugin: &Path,
    site: &Site,
    pod: &Pod,
    conf: Value,
    changed: impl Fn(Invocation) -> Invocation,
) -> Result<Entry<'l>> {
    let add = changed(site.of_pod(plugin, "ADD", pod, &conf));
    let result: Value = serde_json::from_slice(&add.output().with_context(|| format!("trying {name}"))?)?;
    let mut with_result = conf;
    with_result["prevResult"] = result;
    let check = changed(site.of_pod(plugin, "CHECK", pod, &with_result));
    let del = changed(site.of_pod(plugin, "DEL", pod, &with_result));
    del.output().with_context(|| format!("trying {name}"))?;
    let mut steps = vec![("ADD", add), ("CHECK", check), ("DEL", del)];
    // A bridge takes the address of its lowest port, so that bridge's CHECK fails after its neighbour's DEL.
    steps.retain(|(verb, call)| *verb != "CHECK" || !call.program.ends_with("bridge"));
    Ok(Entry::new(name, role, steps))
}

fn replayed(replay: Replay<'_>) -> Entry<'_> {
    let replay = std::rc::Rc::new(replay);
    let (add, del) = (replay.clone(), replay);
    let steps = vec![
        Step { verb: "ADD", work: Work::Inside(Box::new(move || add.add())) },
        Step { verb: "DEL", work: Work::Inside(Box::new(move || del.del())) },
    ];
    Entry { name: REPLAYED.to_owned(), role: Role::Reference, steps }
}

fn batched<'l>((add, del): (Vec<Invocation>, Vec<Invocation>)) -> Entry<'l> {
    let steps = vec![
        Step { verb: "ADD", work: Work::Processes(add) },
        Step { verb: "DEL", work: Work::Processes(del) },
    ];
    Entry { name: BATCH.to_owned(), role: Role::Theirs, steps }
}
