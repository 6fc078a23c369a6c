//! A VF that its pod has lost, given back to it: after a reset of the card another function is at its address, and knows
//! nothing of the pod.
//!
//! What is to be at home is taken from the new function, and written down before that is changed; what is to be in the
//! pod is what ADD has left there, by the record. Killed at any moment it is begun anew by whoever comes next.

use std::cell::OnceCell;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use cni::Error;
use linux::Link;
use ovnkube::{Failure, Health};

use super::attachment::{Held, Home, Inside, Record, Restored, Stage};
use super::claim;
use crate::device::{DeviceId, dra};
use crate::error;
use crate::node::{Node, Sandbox};
use crate::pod::witness::Witnesses;
use crate::time::now;
use crate::trace::Trace;
use crate::vf::{self, Wanted, addressing, naming, traces, vfio};

/// How long ovnkube-node may take to say how the card's lease is.
const STATUS_BUDGET: Duration = Duration::from_secs(2);

/// What has come of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is where it belongs, and nothing was done.
    There,
    /// The pod has it back; which call did it, and how long each part has taken.
    Restored(String),
    /// It is in its pod, and nobody is at the other end.
    WithoutCarrier,
    /// Something has to come first, and whatever brings that tries again.
    Waits(Wait),
    /// Nothing mends that: why not, and what to do.
    Cannot(String),
}

/// What a device waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// There is none at its address.
    Function,
    /// It has no driver, or not the one that it had.
    Driver,
    /// Its driver has yet to make a network device, or it is in a namespace that nobody told us of.
    Netdev,
    /// ovnkube-node says that the card is not ready, or does not say how it is.
    Lease(String),
    /// The kubelet, which may have given it to another pod, does not say.
    Kubelet(String),
    /// Another call works on it.
    Call,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::Function => f.write_str("its function: the card has yet to bring it back"),
            Wait::Driver => f.write_str("its driver: see the kernel log"),
            Wait::Netdev => f.write_str("its network device: see the kernel log"),
            Wait::Lease(reason) => write!(f, "the card's lease: {reason}"),
            Wait::Kubelet(reason) => write!(f, "the kubelet's word on whose it is: {reason}"),
            Wait::Call => f.write_str("another call of dpu-host, which works on it"),
        }
    }
}

/// What is asked of others at most once in a run, and only if something is to be done.
pub(crate) struct Advice<'a> {
    node: &'a Node,
    witnesses: &'a Witnesses<'a>,
    deadline: Instant,
    lease: OnceCell<Result<(), String>>,
}

impl<'a> Advice<'a> {
    /// Nobody is asked yet, nor for longer than until `deadline`.
    pub(crate) fn new(node: &'a Node, witnesses: &'a Witnesses<'a>, deadline: Instant) -> Self {
        Advice { node, witnesses, deadline, lease: OnceCell::new() }
    }

    /// Whether the card is ready, as far as ovnkube-node knows: an old one does not, and one that is away is not waited
    /// for. One that is there and does not say is.
    fn lease(&self) -> Result<(), String> {
        let ask = || match self.node.server.status(self.deadline.min(Instant::now() + STATUS_BUDGET)) {
            Ok(Health::NotReady { reason, .. }) => Err(reason),
            Ok(Health::Ready | Health::Alive) => Ok(()),
            Err(failure @ Failure::Unreachable { .. }) => {
                log::info!("the card's lease is not known: {failure}");
                Ok(())
            }
            Err(failure) => Err(failure.to_string()),
        };
        self.lease.get_or_init(ask).clone()
    }

    /// The pod to which the kubelet has given a device since, if it is another one's. None where no kubelet is: then
    /// nobody gives anything away.
    ///
    /// # Errors
    /// Why one that is there does not say.
    fn given_away(&self, record: &Record, id: &DeviceId) -> Result<Option<String>, String> {
        let own = record.pod.namespace.as_deref().zip(record.pod.name.as_deref());
        let Some(own) = own else { return Ok(None) };
        let listing = match self.witnesses.asked() {
            Ok(listing) => listing,
            Err(kubelet::Failure::Unreachable { .. }) => return Ok(None),
            Err(failure) => return Err(failure.to_string()),
        };
        let owners: Vec<_> = dra::owners(self.node, listing, id).collect();
        let other = owners.first().map(|(namespace, name)| format!("{namespace}/{name}"));
        Ok(other.filter(|_| !owners.contains(&own)))
    }
}

/// Whether a pod may have lost a VF of this record that is on the host again: a look that costs next to nothing.
pub(crate) fn is_due(node: &Node, record: &Record) -> bool {
    let is_back = |held: &&Held| {
        let unfinished = held.restored.is_some_and(|restored| restored.unfinished);
        unfinished || matches!(vf::on_host(node, &held.id), Ok(Some(_)))
    };
    record.stage == Stage::Attached
        && record.devices.iter().filter(|held| held.inside.is_some()).any(|held| is_back(&held))
}

/// Gives the pod of the record in this file its VFs back: what has come of each. Nothing where the pod, its namespace or
/// the record has gone.
///
/// # Errors
/// 5, 104 or 109 when the pod or the records cannot be read.
pub(crate) fn run(
    advice: &Advice<'_>,
    record: &Record,
    file: &Path,
    deadline: Instant,
) -> Result<Vec<(DeviceId, Outcome)>, Error> {
    let (node, store) = (advice.node, advice.node.store()?);
    let Some(first) = record.devices.first() else { return Ok(Vec::new()) };
    if record.stage != Stage::Attached || !record.namespace_lives() {
        return Ok(Vec::new());
    }
    let sandbox = Sandbox::open(&record.netns).map_err(|error| error::bad_netns(&record.pod, error))?;
    if !sandbox.id().is(&record.netns_id) {
        return Ok(Vec::new());
    }
    // No lock is held while others are asked.
    let objections: Vec<Option<Outcome>> = record
        .devices
        .iter()
        .map(|held| objection(advice, &sandbox, record, held))
        .collect::<Result<_, _>>()?;
    let mut outcomes = Vec::new();
    let _lock = match store.lock(&first.id, deadline) {
        Ok(lock) => lock,
        Err(error) if error.code() == cni::code::TRY_AGAIN => {
            let waits = |held: &Held| (held.id.clone(), Outcome::Waits(Wait::Call));
            return Ok(record.devices.iter().map(waits).collect());
        }
        Err(error) => return Err(error),
    };
    // Its DEL may have been faster, or the attachment is made anew by now.
    let again = store.read_or_warn(file).filter(|found| found.is_of_same_call(record));
    let Some(mut record) = again.filter(|found| found.stage == Stage::Attached) else { return Ok(outcomes) };
    for (at, objection) in objections.into_iter().enumerate().take(record.devices.len()) {
        let id = record.devices[at].id.clone();
        if !store.owns(&record, &id) {
            continue;
        }
        // The first device's lock is held.
        let lock = if at == 0 { Ok(None) } else { store.lock(&id, deadline).map(Some) };
        // What has come of the others is known by then.
        let outcome = match (objection, lock) {
            (Some(outcome), _) => outcome,
            (None, Err(error)) if error.code() == cni::code::TRY_AGAIN => Outcome::Waits(Wait::Call),
            (None, lock) => {
                let done = lock.and_then(|_lock| give_back(node, &sandbox, &mut record, at));
                done.unwrap_or_else(|error| Outcome::Cannot(error.to_string()))
            }
        };
        outcomes.push((id, outcome));
    }
    Ok(outcomes)
}

/// Why nothing is done about a device now, or why nothing needs to be.
fn objection(
    advice: &Advice<'_>,
    sandbox: &Sandbox,
    record: &Record,
    held: &Held,
) -> Result<Option<Outcome>, Error> {
    let node = advice.node;
    let cannot = |why: &str| Some(Outcome::Cannot(format!("{why}: delete pod {}", record.pod)));
    if held.home.is_none() {
        return Ok(match absence(node, &held.id) {
            _ if held.is_recreated(&node.sysfs) => {
                cannot("its virtual machine has lost it, for it was re-created")
            }
            Wait::Driver if vfio::is_vfio(node, &held.id) => None,
            Wait::Netdev => Some(Outcome::Waits(Wait::Driver)),
            wait => Some(Outcome::Waits(wait)),
        });
    }
    let own = vf::in_pod(sandbox, held)?;
    let unfinished = held.restored.is_some_and(|restored| restored.unfinished);
    if own.is_some() && !unfinished {
        return Ok(None);
    }
    if held.plumbing.is_none() || held.inside.is_none() {
        return Ok(cannot("an older dpu-host attached it, and noted no addresses and routes"));
    }
    if own.is_none() && found(node, held)?.is_none() {
        return Ok(Some(Outcome::Waits(absence(node, &held.id))));
    }
    match advice.given_away(record, &held.id) {
        Ok(None) => {}
        Ok(Some(other)) => return Ok(cannot(&format!("the kubelet has given it to pod {other}"))),
        Err(reason) => return Ok(Some(Outcome::Waits(Wait::Kubelet(reason)))),
    }
    let holder = sandbox.links.name_holder(&held.ifname).map_err(error::netlink)?;
    if holder.is_some_and(|holder| own.is_none_or(|own| own.index != holder.index)) {
        return Ok(cannot(&format!("the pod has another link called {}", held.ifname)));
    }
    Ok(advice.lease().err().map(|reason| Outcome::Waits(Wait::Lease(reason))))
}

/// The link of a device on the host: the one that its record knows, or that of another function at its address.
fn found(node: &Node, held: &Held) -> Result<Option<Link>, Error> {
    if let Some(link) = vf::at_home(node, held)? {
        return Ok(Some(link));
    }
    match (vf::on_host(node, &held.id)?, &held.id) {
        (Some(link), DeviceId::Netdev(name)) => claim::simulated(&held.id, name, &link).map(|()| Some(link)),
        (found, _) => Ok(found),
    }
}

/// Why a device has no link on the host.
fn absence(node: &Node, id: &DeviceId) -> Wait {
    let DeviceId::Pci(address) = id else { return Wait::Function };
    match node.sysfs.driver(address) {
        _ if !node.sysfs.exists(address) => Wait::Function,
        None => Wait::Driver,
        Some(_) if vfio::is_vfio(node, id) => Wait::Driver,
        Some(_) => Wait::Netdev,
    }
}

/// One device, whose lock is held.
fn give_back(node: &Node, sandbox: &Sandbox, record: &mut Record, at: usize) -> Result<Outcome, Error> {
    let held = &record.devices[at];
    if held.home.is_none() {
        let trace = Trace::begin(Instant::now());
        trace.device(&held.id);
        let again = vfio::keep_address(node, record, at)?;
        return Ok(if again { Outcome::Restored(trace.remark()) } else { Outcome::There });
    }
    let unfinished = held.restored.is_some_and(|restored| restored.unfinished);
    if unfinished {
        // Whatever was done until the kill is undone: it is on the host then, as it is to be there.
        vf::bring_home(node, held, Some(sandbox))?;
    } else if let Some(link) = vf::in_pod(sandbox, held)? {
        return there(node, record, at, &link);
    }
    match move_back(node, sandbox, record, at) {
        // A server that looks for lost VFs itself was quicker; what it has begun was undone.
        Err(error) if error.code() == cni::code::TRY_AGAIN => move_back(node, sandbox, record, at),
        done => done,
    }
}

/// One that is on the host again.
fn move_back(node: &Node, sandbox: &Sandbox, record: &mut Record, at: usize) -> Result<Outcome, Error> {
    let held = &record.devices[at];
    // What is seen is of one function, though the card may be reset at any moment.
    let incarnation = held.id.incarnation(&node.sysfs);
    let found = found(node, held)?.filter(|_| held.id.incarnation(&node.sysfs) == incarnation);
    let Some(link) = found else { return Ok(Outcome::Waits(absence(node, &held.id))) };
    let trace = Trace::begin(Instant::now());
    trace.device(&held.id);
    let done =
        begin(node, record, at, &link, incarnation).and_then(|()| finish(node, sandbox, record, at, &trace));
    if let Err(error) = &done {
        let held = &record.devices[at];
        log::warn!("VF {} of pod {}: {error}", held.id, record.pod);
        if held.restored.is_some_and(|restored| restored.unfinished) {
            vf::bring_home(node, held, Some(sandbox))?;
            mark(node, record, at, |restored| restored.unfinished = false)?;
        }
    }
    done.map(|()| Outcome::Restored(trace.remark()))
}

/// A device that is in its pod. ovnkube-node may have put another function there than the one that ADD has found: then
/// nobody has seen what that was at home, and the record is brought up to date as far as it can be.
fn there(node: &Node, record: &mut Record, at: usize, link: &Link) -> Result<Outcome, Error> {
    // The pod may have taken it down itself.
    let outcome = if link.carrier || !link.up { Outcome::There } else { Outcome::WithoutCarrier };
    let held = &mut record.devices[at];
    let moved = held.inside.filter(|inside| inside.index != link.index);
    if !held.is_recreated(&node.sysfs) && moved.is_none() {
        return Ok(outcome);
    }
    let Some(inside) = &mut held.inside else { return Ok(outcome) };
    inside.index = link.index;
    held.incarnation = held.id.incarnation(&node.sysfs);
    held.home = held.home.take().map(|home| Home { mac: link.permanent_mac.or(link.mac), ..home });
    node.store()?.save(record)?;
    log::info!(
        "VF {} of pod {} is another function since, put there by others",
        record.devices[at].id,
        record.pod
    );
    Ok(outcome)
}

/// Notes what is at home before anything is done to it.
fn begin(
    node: &Node,
    record: &mut Record,
    at: usize,
    link: &Link,
    incarnation: Option<u64>,
) -> Result<(), Error> {
    let held = &mut record.devices[at];
    traces::refuse(node, &held.id, link)?;
    let known = held.home.as_ref().is_some_and(|home| home.index == link.index);
    if !known || held.is_recreated(&node.sysfs) {
        let mut home = naming::home(node, &held.id, link, None);
        home.features = traces::features(None, link.index);
        held.home = Some(home);
        held.incarnation = incarnation;
    }
    // It brings its index along, and until it has arrived nothing else tells which link it is.
    held.inside = held.inside.map(|inside| Inside { index: link.index, ..inside });
    mark(node, record, at, |restored| restored.unfinished = true)
}

/// Moves it in and makes of it what ADD has left.
fn finish(
    node: &Node,
    sandbox: &Sandbox,
    record: &mut Record,
    at: usize,
    trace: &Trace,
) -> Result<(), Error> {
    trace.mark("home");
    let held = &record.devices[at];
    let (Some(home), Some(was), Some(plumbing)) = (&held.home, held.inside, held.plumbing.clone()) else {
        return Ok(());
    };
    traces::lay_aside(node.links()?, held, home.index)?;
    let wanted = Wanted { ifname: &held.ifname, mac: was.mac, mtu: was.mtu };
    let inside = vf::move_in(node, held, sandbox, &wanted)?;
    trace.mark("move");
    let held = &mut record.devices[at];
    held.inside = Some(Inside { addressed: was.addressed, ..inside });
    if inside.index != was.index {
        node.store()?.save(record)?;
    }
    addressing::again(sandbox, &record.devices[at], inside.index, &plumbing)?;
    trace.mark("plumb");
    mark(node, record, at, |restored| {
        *restored = Restored { count: restored.count + 1, at: now(), unfinished: false };
    })
}

fn mark(
    node: &Node,
    record: &mut Record,
    at: usize,
    change: impl FnOnce(&mut Restored),
) -> Result<(), Error> {
    change(record.devices[at].restored.get_or_insert_default());
    node.store()?.save(record)
}
