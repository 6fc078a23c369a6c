//! CHECK: is the VF in the pod what ADD left there? Nobody is asked, and it takes a few milliseconds.
//!
//! CRI-O calls it right after ADD, when Multus may have changed the default route already: routes are only logged.

use cni::{AddResult, Check, Error, Interface, Ip, Pod};
use linux::{Link, Mac};

use crate::device::DeviceId;
use crate::error;
use crate::node::{Node, Sandbox};
use crate::record::attachment::{Held, Stage};
use crate::vf::traces;

/// Compares the pod with its record and `prevResult`.
///
/// # Errors
/// 108 with the first difference; 7 without `prevResult`.
pub(crate) fn run(node: &Node, call: &Check) -> Result<(), Error> {
    let pod = call.args.pod();
    let result = call.conf.prev_result()?.ok_or_else(|| {
        Error::new(cni::code::INVALID_CONFIG, "CHECK without prevResult")
            .details("the runtime must pass the result of ADD")
    })?;
    let sandbox = Sandbox::of_pod(&call.netns, &pod)?;
    let record = node.store().and_then(|store| store.load(&call.attachment)).unwrap_or_else(|error| {
        log::warn!("{error}");
        None
    });
    let Some(record) = record else {
        // Attached by ovn-k8s-cni-overlay before us: the result says all that is known.
        let device = DeviceId::configured(&call.conf).unwrap_or_default();
        return unrecorded(&sandbox, &result, call, &pod, device.as_ref());
    };
    if record.stage != Stage::Attached {
        let device = record.devices.first().map(|held| held.id.to_string()).unwrap_or_default();
        return Err(error::differs(&record.pod, device, "its ADD was cut off, or its DEL has begun"));
    }
    for held in record.devices.iter().filter(|held| held.inside.is_some()) {
        recorded(&sandbox, &result, call, held, &record.pod)?;
    }
    Ok(())
}

fn recorded(
    sandbox: &Sandbox,
    result: &AddResult,
    call: &Check,
    held: &Held,
    pod: &Pod,
) -> Result<(), Error> {
    let differs = |what: String| error::differs(pod, &held.id, what);
    let link = link(sandbox, &held.ifname)?.ok_or_else(|| {
        differs(format!("it is no longer {} of the pod; the DPU may have been reset", held.ifname))
    })?;
    if !held.is_inside(&link) {
        return Err(differs(format!("{} of the pod is another device", held.ifname)));
    }
    if let Some(trace) = traces::of(&link) {
        return Err(differs(trace.to_owned()));
    }
    let mtu = held.inside.map(|inside| inside.mtu);
    if mtu.is_some_and(|mtu| mtu != link.mtu) {
        return Err(differs(format!("its MTU is {} instead of {}", link.mtu, mtu.unwrap_or_default())));
    }
    let addressed = held.inside.is_some_and(|inside| inside.addressed);
    as_promised(sandbox, result, call, &link, addressed).map_err(differs)
}

fn unrecorded(
    sandbox: &Sandbox,
    result: &AddResult,
    call: &Check,
    pod: &Pod,
    device: Option<&DeviceId>,
) -> Result<(), Error> {
    let name = device.map_or_else(|| "of another plugin's record".to_owned(), DeviceId::to_string);
    let differs = |what: String| error::differs(pod, &name, what);
    let link = link(sandbox, &call.attachment.ifname)?
        .ok_or_else(|| differs(format!("the pod has no {}", call.attachment.ifname)))?;
    as_promised(sandbox, result, call, &link, false).map_err(differs)
}

fn link(sandbox: &Sandbox, name: &str) -> Result<Option<Link>, Error> {
    sandbox.links.link(name).map_err(error::netlink)
}

/// Compares a link with what the result says of it; the first difference in words.
fn as_promised(
    sandbox: &Sandbox,
    result: &AddResult,
    call: &Check,
    link: &Link,
    addressed: bool,
) -> Result<(), String> {
    let Some((index, promised)) = promised(result, &link.name) else {
        return Err(format!("prevResult has no interface {}", link.name));
    };
    if promised.sandbox.as_deref().is_some_and(|path| path != call.netns.to_string_lossy()) {
        return Err(format!("prevResult has it in {}", promised.sandbox.as_deref().unwrap_or_default()));
    }
    let mac: Option<Mac> = promised.mac.as_deref().and_then(|mac| mac.parse().ok());
    if mac.is_some() && link.mac != mac {
        let shown = |mac: Option<Mac>| mac.map_or_else(|| "none".to_owned(), |mac| mac.to_string());
        return Err(format!("its MAC is {} instead of {}", shown(link.mac), shown(mac)));
    }
    if !link.up {
        return Err(format!("{} is down", link.name));
    }
    if !link.carrier {
        // A Ready that the card gave an earlier sandbox lets an ADD through too soon.
        log::warn!("{} has no carrier: the card has not connected it, or not yet", link.name);
    }
    if addressed {
        let present = sandbox.links.addresses(link.index).map_err(|error| error.to_string())?;
        let here = |ip: &&Ip| ip.interface.and_then(|at| usize::try_from(at).ok()) == Some(index);
        if let Some(missing) = result.ips.iter().filter(here).find(|ip| !present.contains(&ip.address)) {
            return Err(format!("address {} is missing", missing.address));
        }
    }
    Ok(())
}

/// The interface of the result with this name in the pod, and its place there.
fn promised<'a>(result: &'a AddResult, name: &str) -> Option<(usize, &'a Interface)> {
    let in_pod = |interface: &Interface| interface.sandbox.as_deref().is_some_and(|path| !path.is_empty());
    result.interfaces.iter().enumerate().find(|(_, interface)| interface.name == name && in_pod(interface))
}
