//! Which device a pod has been given: as Multus passes it on, else as the kubelet says.

use std::time::{Duration, Instant};

use cni::{Add, Error, Pod, paths};
use kubelet::{Failure, PodDevices, Socket};

use super::dra::{self, Survey};
use super::{DeviceId, choice};
use crate::config::{self, invalid};
use crate::error::{self, Lack};
use crate::node::Node;
use crate::record::attachment::Record;
use crate::vf;

/// The kubelet answers from memory; this is Multus' limit too.
const KUBELET_BUDGET: Duration = Duration::from_secs(10);
/// How long it may take to tell more of an error that is certain already.
const REASONS_BUDGET: Duration = Duration::from_secs(2);

/// What a pod has been given.
pub(crate) struct Found {
    /// The device of this attachment.
    pub(crate) id: DeviceId,
    /// The others that count, of the same resource or of the pod's claims, as far as anybody told.
    pub(crate) others: Vec<DeviceId>,
}

/// The device of this pod.
///
/// # Errors
/// The missing-device error with the lines to add, or 11 when the kubelet cannot be asked.
pub(crate) fn find(node: &Node, call: &Add, deadline: Instant) -> Result<Found, Error> {
    match DeviceId::configured(&call.conf)? {
        Some(id) => Ok(Found { id, others: Vec::new() }),
        None => allocated(node, call, deadline),
    }
}

/// One of those that the kubelet has given to the pod: of the device plugin's for the resource, else of its claims'. A
/// dead pod of the same name may still be listed, and a pod with a second network has two.
fn allocated(node: &Node, call: &Add, deadline: Instant) -> Result<Found, Error> {
    let pod = &call.args.pod();
    let deadline = deadline.min(Instant::now() + KUBELET_BUDGET);
    let Some(resource) = node.config.resource.as_deref() else {
        // Nobody told which resource counts; what the pod has may still tell what is missing.
        let told = ask(node, pod, deadline.min(Instant::now() + REASONS_BUDGET));
        let lack = told.map_or(Lack::Unknown, |told| passed_over(node, told));
        return Err(error::no_device(pod, None, &lack, dra::on_node(&node.config.dra_drivers)));
    };
    let lacks =
        |lack: &Lack| error::no_device(pod, Some(resource), lack, dra::on_node(&node.config.dra_drivers));
    let told = ask(node, pod, deadline).map_err(|failure| unanswered(pod, &failure))?;
    let told = told.ok_or_else(|| lacks(&Lack::UnknownPod))?;
    let mut ids = of_plugin(&told, resource)?;
    if ids.is_empty() {
        ids = claimed(node, &told, resource).map_err(|why| why.unwrap_or_else(|lack| lacks(&lack)))?;
    }
    let store = node.store()?;
    let began = node.trace.began();
    let lives =
        |holder: Record| !holder.is_superseded_by(&call.attachment, pod, began) && !holder.is_forsaken();
    let taken = |id: &DeviceId| store.holder(id).is_some_and(lives);
    let id = choice::choose(&ids, taken).ok_or_else(|| lacks(&Lack::Unknown))?;
    Ok(Found { others: ids.into_iter().filter(|other| *other != id).collect(), id })
}

/// The device plugin's, sorted within each container.
fn of_plugin(told: &PodDevices, resource: &str) -> Result<Vec<DeviceId>, Error> {
    let ids = told.devices().filter(|device| device.resource == resource).map(|device| {
        let bad = |shape: String| invalid(&format!("device ID of {resource}"), &device.id, &shape);
        device.id.parse().map_err(bad)
    });
    ids.collect::<Result<Vec<_>, _>>().map(choice::once)
}

/// The VFs of the pod's claims; without any, why.
fn claimed(node: &Node, told: &PodDevices, resource: &str) -> Result<Vec<DeviceId>, Result<Error, Lack>> {
    let survey = dra::survey(node, told);
    match survey {
        Survey { vfs, .. } if !vfs.is_empty() => Ok(dra::of_resource(vfs, resource)),
        Survey { unfit: Some(unfit), .. } => Err(Ok(unfit)),
        Survey { untold: Some(untold), .. } => Err(Err(untold)),
        Survey { foreign: drivers, .. } => Err(Err(Lack::NotAsked { drivers })),
    }
}

/// What the pod has that would be VFs of this node, if anybody had said that they count: it may have a GPU, too.
fn passed_over(node: &Node, told: Option<PodDevices>) -> Lack {
    let Some(told) = told else { return Lack::UnknownPod };
    let is_vf = |name: &String| match name.parse() {
        Ok(DeviceId::Pci(address)) => node.sysfs.pf(&address).is_some(),
        Ok(DeviceId::Sf(function)) => node.sysfs.scalable_exists(&function),
        Ok(id @ DeviceId::Netdev(_)) => vf::on_host(node, &id).is_ok_and(|link| link.is_some()),
        Err(_) => false,
    };
    let vfs = told.devices().filter(|device| is_vf(&device.id));
    let resources = vfs.map(|device| device.resource.clone()).collect();
    Lack::NotPassedOn { resources, claims: dra::survey(node, &told).with_vfs }
}

fn unanswered(pod: &Pod, failure: &Failure) -> Error {
    match failure {
        Failure::Unreachable { path, source } if config::is_misplaced(source) => {
            config::misplaced("podResourcesSocket", path)
        }
        Failure::NotRoot { .. } => Error::new(error::REFUSED, failure.to_string())
            .details("find out who made that socket: only root may tell a pod's devices"),
        Failure::TooLarge { .. } => error::again(
            format!("pod {pod}: {failure}"),
            "see the log of the kubelet for a driver of resource claims that fails over and over",
        ),
        failure => error::again(format!("pod {pod}: {failure}"), "check the kubelet of this node"),
    }
}

fn ask(node: &Node, pod: &Pod, deadline: Instant) -> Result<Option<PodDevices>, Failure> {
    let (namespace, name) =
        (pod.namespace.as_deref().unwrap_or_default(), pod.name.as_deref().unwrap_or_default());
    let socket = Socket { path: &node.config.pod_resources, open: paths::open_socket };
    kubelet::pod(socket, namespace, name, deadline)
}
