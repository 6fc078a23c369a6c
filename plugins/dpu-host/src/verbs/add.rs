//! ADD: claim, ask, move, configure. Whatever fails, the VF is at home again.

use std::thread;
use std::time::{Duration, Instant};

use cni::{Add, AddResult, Attachment, Error, Interface, Ip, Pod, code};
use linux::Mac;
use ovnkube::{PodInterface, Response};
use serde_json::Value;

use super::del;
use crate::device::{self, DeviceId, Found, pool};
use crate::error;
use crate::node::{Node, Sandbox};
use crate::pod::defaults;
use crate::record::attachment::{FORMAT, Held, Inside, Record, Stage};
use crate::record::pending_del::PendingDel;
use crate::record::plumbing::Plumbing;
use crate::record::{claim, neighbours, release};
use crate::server::{self, Forward, Kind, refusals};
use crate::time::{BootTime, now};
use crate::vf::{self, Wanted, addressing, read_back, traces, udn, vfio};

/// How long a server that does not listen is waited for: ovnkube-node restarts in a few seconds.
const RESTART: Duration = Duration::from_secs(15);
/// How often a socket that nobody listens on is tried: a unix socket gives no notice of its birth.
const RESTART_POLL: Duration = Duration::from_millis(200);

/// Attaches a pod.
///
/// # Errors
/// Every error of the catalogue; the VF is at home then.
pub(crate) fn run(node: &Node, call: &Add) -> Result<AddResult, Error> {
    let deadline = Instant::now() + node.config.timeout;
    let pod = named(call)?;
    if call.conf.get("prevResult").is_some() {
        // SPEC 1.1.0, section 4: a chained plugin passes the result on, and this one makes its own.
        return Err(Error::new(
            code::INVALID_CONFIG,
            format!("pod {pod} has an interface of another plugin already"),
        )
        .details("dpu-host must be the first plugin of its list"));
    }
    let sandbox = Sandbox::of_pod(&call.netns, &pod)?;
    if sandbox.links.name_holder(&call.attachment.ifname).map_err(error::netlink)?.is_some() {
        let why = format!("it has an interface {} already", call.attachment.ifname);
        return Err(error::bad_netns(&pod, why));
    }
    let Found { id: device, others } = device::find(node, call, deadline)?;
    let forward = Forward::new(&call.conf, &call.args, &call.attachment, Some(&device), &node.trace.id());
    node.trace.device(&device);
    node.trace.mark("device");
    let mut record = Record {
        format: FORMAT,
        attachment: call.attachment.clone(),
        pod,
        netns: call.netns.clone(),
        netns_id: sandbox.id(),
        call: node.trace.id(),
        began: node.trace.began(),
        since: now(),
        stage: Stage::Claimed,
        server_may_act_until: None,
        earlier: Vec::new(),
        devices: Vec::new(),
        candidates: Vec::new(),
        forward,
    };
    node.store()?.begin(&record.attachment)?;
    claim::take_first(node, &mut record, device, &others, deadline)?;
    node.trace.mark("claim");
    attach(node, call, &sandbox, &mut record, deadline).inspect_err(|_| undo(node, &mut record))
}

/// From the claim to the result.
fn attach(
    node: &Node,
    call: &Add,
    sandbox: &Sandbox,
    record: &mut Record,
    deadline: Instant,
) -> Result<AddResult, Error> {
    let id = record.devices[0].id.clone();
    // Not of a configuration that is refused: whoever looks by hand would go by it.
    pool::keep(node.store()?, &node.config.pfs)?;
    neighbours::keep(node.store()?, &node.config)?;
    prepare(node, &record.devices[0])?;
    PendingDel::forget(node.store()?, &record.attachment)?;
    let response = ask_prepared(node, call, sandbox, record, deadline)?;
    node.trace.mark("server");
    let lock = node.store()?.lock(&id, deadline)?;
    still_ours(node, record)?;
    let result = match response {
        Response { result: Some(result), .. } => {
            moved_by_server(node, call, sandbox, record, result, deadline)?
        }
        Response { pod: Some(pod), udn, udn_request, .. } => {
            // This one moves nothing, and what another one was doing ended with it.
            record.earlier.clear();
            // A secondary network may have no subnets.
            if pod.mac.is_none() || (pod.ips.is_empty() && call.conf.get("topology").is_none()) {
                return Err(error::bad_answer(&record.pod, "it has no MAC or no address for the pod"));
            }
            let mut result = AddResult::default();
            plug(node, sandbox, record, 0, &pod, &mut result)?;
            if let (Some(udn), Some(request)) = (udn, udn_request) {
                let second = udn::chosen(node, &request, &udn, record)?;
                claim::take(node, record, second, ovnkube::UDN_INTERFACE, deadline)?;
                prepare(node, &record.devices[1])?;
                plug(node, sandbox, record, 1, &udn, &mut result)?;
            }
            result
        }
        Response { .. } => {
            return Err(error::bad_answer(&record.pod, "it says neither what was done nor what to do"));
        }
    };
    record.stage = Stage::Attached;
    record.candidates.clear();
    node.store()?.save(record)?;
    node.trace.mark("record");
    drop(lock);
    Ok(result)
}

/// Asks the server. Where that moves VFs itself, with the pod's namespace made ready for it: a second VF may be of a network
/// whose routers advertise themselves.
fn ask_prepared(
    node: &Node,
    call: &Add,
    sandbox: &Sandbox,
    record: &mut Record,
    deadline: Instant,
) -> Result<Response, Error> {
    let kind = Kind::last_seen(node);
    let several = !record.candidates.is_empty();
    let changed = if kind.is_privileged() { defaults::change(node.store()?, sandbox, several) } else { None };
    let response = ask(node, call, record, deadline)?;
    if let Some(changed) = changed {
        changed.end(&[&call.attachment.ifname, ovnkube::UDN_INTERFACE]);
    }
    kind.note(node, response.result.is_some());
    Ok(response)
}

/// Asks the server, which may be restarting just now. How long it may act without our hearing of it counts from the last
/// request that it was sent; the record says so before that.
fn ask(node: &Node, call: &Add, record: &mut Record, deadline: Instant) -> Result<Response, Error> {
    let patience = deadline.min(Instant::now() + RESTART);
    loop {
        let failure = match server::add(node, &record.forward, call, deadline) {
            Ok(response) => {
                record.server_may_act_until = None;
                return Ok(response);
            }
            Err(failure) => failure,
        };
        if !server::is_away(&failure) || Instant::now() + RESTART_POLL >= patience {
            if !failure.may_have_acted() {
                record.server_may_act_until = None;
            }
            return Err(refusals::explain(&failure, &record.pod, &record.devices[0].id));
        }
        thread::sleep(RESTART_POLL);
        let store = node.store()?;
        let _lock = store.lock(&record.devices[0].id, deadline)?;
        still_ours(node, record)?;
        record.server_may_act_until = Some(BootTime::after(node.config.server_budget));
        store.save(record)?;
    }
}

/// Makes of a VF at home one that a pod can be given, whoever moves it.
fn prepare(node: &Node, held: &Held) -> Result<(), Error> {
    match &held.home {
        Some(home) => traces::lay_aside(node.links()?, held, home.index),
        None => Ok(()),
    }
}

/// A DEL may have come while the server was awaited; then the pod is gone, and the device perhaps another's.
fn still_ours(node: &Node, record: &Record) -> Result<(), Error> {
    let ours = node.store()?.load(&record.attachment)?.is_some_and(|found| {
        found.stage == Stage::Claimed
            && found.is_of_same_call(record)
            && node.store().is_ok_and(|store| store.owns(record, &record.devices[0].id))
    });
    if ours {
        return Ok(());
    }
    Err(error::again(
        format!("pod {} was deleted while its VF was being set up", record.pod),
        "nothing needs to be done",
    ))
}

/// Moves one device in and configures it, as an unprivileged server leaves it to us.
fn plug(
    node: &Node,
    sandbox: &Sandbox,
    record: &mut Record,
    at: usize,
    pod: &PodInterface,
    result: &mut AddResult,
) -> Result<(), Error> {
    let mac = pod.mac.map(Mac::from);
    if record.devices[at].home.is_none() {
        if let Some(mac) = mac {
            vfio::address(node, record, at, mac)?;
        }
    } else {
        let held = &mut record.devices[at];
        let wanted = Wanted { ifname: &held.ifname, mac, mtu: pod.mtu };
        let inside = vf::move_in(node, held, sandbox, &wanted)?;
        node.trace.mark("move");
        held.inside = Some(Inside { addressed: !pod.skip_ip_config, ..inside });
        held.plumbing = Some(addressing::run(sandbox, held, inside, pod)?);
        node.trace.mark("plumb");
    }
    let held = &record.devices[at];
    // The first of each pair stands for the host's end, which a VF does not have; Multus counts on its place.
    result.interfaces.push(Interface::default());
    result.interfaces.push(Interface {
        name: held.ifname.clone(),
        mac: held.inside.and_then(|inside| inside.mac).or(mac).map(|mac| mac.to_string()),
        mtu: held.inside.map(|inside| inside.mtu),
        sandbox: Some(record.netns.to_string_lossy().into_owned()),
        pci_id: pci(&held.id),
        ..Interface::default()
    });
    let interface = u32::try_from(result.interfaces.len() - 1).ok();
    let gateway = |v6: bool| addressing::gateways(pod).find(|gateway| gateway.is_ipv6() == v6);
    result.ips.extend(addressing::unique(pod.ips.iter().copied()).map(|address| Ip {
        interface,
        address,
        gateway: gateway(address.is_ipv6()),
    }));
    Ok(())
}

/// Takes over what a privileged server has done: its result, and the VF where it says.
fn moved_by_server(
    node: &Node,
    call: &Add,
    sandbox: &Sandbox,
    record: &mut Record,
    mut result: Value,
    deadline: Instant,
) -> Result<AddResult, Error> {
    let unusable = |why: &dyn std::fmt::Display| error::bad_answer(&record.pod, why);
    if let Some(fields) = result.as_object_mut() {
        fields.entry("cniVersion").or_insert_with(|| cni::Version::LATEST.as_str().into());
    }
    let mut result = AddResult::from_json(&result).map_err(|error| unusable(&error))?;
    let held = &mut record.devices[0];
    if held.home.is_some() {
        let link = vf::in_pod(sandbox, held)?.filter(|link| link.name == call.attachment.ifname).ok_or_else(
            || {
                error::bad_answer(
                    &record.pod,
                    format!("it says done, but VF {} is not {} of the pod", held.id, call.attachment.ifname),
                )
            },
        )?;
        held.plumbing = Some(Plumbing { sysctls: link.sysctls, ..Plumbing::default() });
        held.inside = Some(Inside { index: link.index, mac: link.mac, mtu: link.mtu, addressed: false });
    } else if let Some(mac) = promised_mac(&result, &call.attachment.ifname) {
        vfio::address(node, record, 0, mac)?;
    }
    udn::adopt(node, sandbox, record, deadline)?;
    udn::deafen(sandbox, record, &result)?;
    read_back::run(sandbox, record)?;
    for interface in &mut result.interfaces {
        let held = record.devices.iter().find(|held| held.ifname == interface.name);
        interface.mtu = interface.mtu.or(held.and_then(|held| held.inside).map(|inside| inside.mtu));
        interface.pci_id = interface.pci_id.take().or_else(|| held.and_then(|held| pci(&held.id)));
    }
    Ok(result)
}

/// The address that a result has for this interface.
fn promised_mac(result: &AddResult, ifname: &str) -> Option<Mac> {
    result.interfaces.iter().find(|interface| interface.name == ifname)?.mac.as_deref()?.parse().ok()
}

fn pci(id: &DeviceId) -> Option<String> {
    matches!(id, DeviceId::Pci(_)).then(|| id.to_string())
}

/// The pod, which the server knows by name only.
fn named(call: &Add) -> Result<Pod, Error> {
    let pod = call.args.pod();
    if pod.namespace.is_some() && pod.name.is_some() {
        return Ok(pod);
    }
    Err(Error::new(code::INVALID_ENVIRONMENT, "CNI_ARGS lacks K8S_POD_NAMESPACE or K8S_POD_NAME")
        .details("ovnkube-node knows a pod by these: the runtime must pass them"))
}

/// Brings everything home after a failure. What cannot be done now, a later call does from the record.
fn undo(node: &Node, record: &mut Record) {
    let deadline = Instant::now() + del::BUDGET;
    let undone = node.store().and_then(|store| {
        let _lock = store.lock(&record.devices[0].id, deadline)?;
        // A DEL was faster, or the attachment is another ADD's by now.
        if !store.load(&record.attachment)?.is_some_and(|found| found.is_of_same_call(record)) {
            return Ok(());
        }
        release::run(node, record, deadline)
    });
    if let Err(error) = undone {
        log::warn!("undoing the ADD of {}: {error}", record.attachment);
    }
}

/// Takes back the ADD of this call, which has succeeded and whose answer could not be written: for the runtime it has
/// failed. So has it for the server, which is told as by a DEL.
///
/// # Errors
/// As for a DEL.
pub(crate) fn take_back(node: &Node, attachment: &Attachment) -> Result<(), Error> {
    let ours = node.store()?.load(attachment)?.filter(|found| found.call == node.trace.id());
    ours.map_or(Ok(()), |record| del::detach(node, &record, Instant::now() + del::BUDGET))
}
