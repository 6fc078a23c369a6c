//! Which device a pod has been given: as Multus passes it on, else as the kubelet says.

use std::time::{Duration, Instant};

use cni::{Add, Error, Pod, paths};
use kubelet::{Failure, PodDevices, Socket};

use super::DeviceId;
use crate::config::{self, invalid};
use crate::error;
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
    /// Others of the same resource, as far as anybody told.
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

/// The first of the pod's devices that nobody else has, or an earlier sandbox of it for this interface: a dead pod of the
/// same name may still be listed, and a pod with a second network has two.
fn allocated(node: &Node, call: &Add, deadline: Instant) -> Result<Found, Error> {
    let pod = &call.args.pod();
    let deadline = deadline.min(Instant::now() + KUBELET_BUDGET);
    let Some(resource) = node.config.resource.as_deref() else {
        // Nobody told which resource counts; what the pod has may still tell what is missing.
        let deadline = deadline.min(Instant::now() + REASONS_BUDGET);
        let told = ask(node, pod, "", deadline).ok().map(|told| of_vfs(node, pod, told, deadline));
        return Err(error::no_device(pod, None, told.as_ref()));
    };
    let told = ask(node, pod, resource, deadline).map_err(|failure| unanswered(pod, &failure))?;
    let PodDevices::Devices(names) = &told else {
        return Err(error::no_device(pod, Some(resource), Some(&told)));
    };
    let ids: Vec<DeviceId> = names
        .iter()
        .map(|name| {
            name.parse().map_err(|shape: String| invalid(&format!("device ID of {resource}"), name, &shape))
        })
        .collect::<Result<_, _>>()?;
    let store = node.store()?;
    let began = node.trace.began();
    let lives =
        |holder: Record| !holder.is_superseded_by(&call.attachment, pod, began) && !holder.is_forsaken();
    let taken = |id: &&DeviceId| store.holder(id).is_some_and(lives);
    let free = ids.iter().find(|id| !taken(id)).or(ids.first()).cloned();
    let id = free.ok_or_else(|| error::no_device(pod, Some(resource), None))?;
    Ok(Found { others: ids.into_iter().filter(|other| *other != id).collect(), id })
}

/// The same, with those resources only whose devices are VFs of this node: a pod may have a GPU, too.
fn of_vfs(node: &Node, pod: &Pod, told: PodDevices, deadline: Instant) -> PodDevices {
    let PodDevices::NoneOf { mut others } = told else { return told };
    let is_vf = |name: &String| match name.parse() {
        Ok(DeviceId::Pci(address)) => node.sysfs.pf(&address).is_some(),
        Ok(DeviceId::Sf(function)) => node.sysfs.scalable_exists(&function),
        Ok(id @ DeviceId::Netdev(_)) => vf::on_host(node, &id).is_ok_and(|link| link.is_some()),
        Err(_) => false,
    };
    others.retain(|resource| match ask(node, pod, resource, deadline) {
        Ok(PodDevices::Devices(names)) => names.iter().any(is_vf),
        _ => false,
    });
    PodDevices::NoneOf { others }
}

fn unanswered(pod: &Pod, failure: &Failure) -> Error {
    match failure {
        Failure::Unreachable { path, source } if config::is_misplaced(source) => {
            config::misplaced("podResourcesSocket", path)
        }
        Failure::NotRoot { .. } => Error::new(error::REFUSED, failure.to_string())
            .details("find out who made that socket: only root may tell a pod's devices"),
        failure => error::again(format!("pod {pod}: {failure}"), "check the kubelet of this node"),
    }
}

fn ask(node: &Node, pod: &Pod, resource: &str, deadline: Instant) -> Result<PodDevices, Failure> {
    let (namespace, name) =
        (pod.namespace.as_deref().unwrap_or_default(), pod.name.as_deref().unwrap_or_default());
    let socket = Socket { path: &node.config.pod_resources, open: paths::open_socket };
    kubelet::devices(socket, namespace, name, resource, deadline)
}
