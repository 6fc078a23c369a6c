//! Which device a pod gets, and whether it is one that can be given.

pub(crate) mod host_use;
pub(crate) mod pool;

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use cni::{Add, Error, NetConf, Pod, paths};
use kubelet::{Failure, PodDevices, Socket};
use linux::sriov::{PciAddress, ScalableFunction};
use serde::{Deserialize, Serialize};

use crate::config::{self, invalid};
use crate::error;
use crate::node::Node;
use crate::record::attachment::Record;
use crate::vf;

/// The name of a device as the device plugin gives it (`go-controller/pkg/cni/cni_dpu.go: updateDeviceInfo`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) enum DeviceId {
    /// A virtual function on the PCI bus, `0000:03:00.2`.
    Pci(PciAddress),
    /// A scalable function on the auxiliary bus, `mlx5_core.sf.4`.
    Sf(ScalableFunction),
    /// A network device without a parent device: how ovn-kubernetes simulates a DPU.
    Netdev(String),
}

/// What a valid device ID looks like, for messages.
const SHAPE: &str = "a PCI address such as 0000:03:00.2 (lower case), a scalable function such as mlx5_core.sf.4, or \
                     the name of a network device";

/// The kubelet answers from memory; this is Multus' limit too.
const KUBELET_BUDGET: Duration = Duration::from_secs(10);
/// How long it may take to tell more of an error that is certain already.
const REASONS_BUDGET: Duration = Duration::from_secs(2);

impl FromStr for DeviceId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(['.', ':']) {
            if let Ok(address) = text.parse() {
                return Ok(DeviceId::Pci(address));
            }
            return text.parse().map(DeviceId::Sf).map_err(|_| SHAPE.into());
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let fits = (1..=15).contains(&text.len()) && text.chars().all(plain);
        if fits { Ok(DeviceId::Netdev(text.into())) } else { Err(SHAPE.into()) }
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceId::Pci(address) => address.fmt(f),
            DeviceId::Sf(name) => f.write_str(name.as_str()),
            DeviceId::Netdev(name) => f.write_str(name),
        }
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for DeviceId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl DeviceId {
    /// Whether a bare name is one from which a server that simulates a DPU can tell PF and function
    /// (`eth0-14`; `dpusim`, `(\d+)-(\d+)$`).
    pub(crate) fn is_simulated(name: &str) -> bool {
        let numbered = |part: &str| part.ends_with(|c: char| c.is_ascii_digit());
        name.rsplit_once('-').is_some_and(|(pf, function)| {
            numbered(pf) && !function.is_empty() && function.bytes().all(|b| b.is_ascii_digit())
        })
    }

    /// The device that the configuration names: `deviceID` (Multus), else `runtimeConfig.deviceID`.
    ///
    /// # Errors
    /// Code 7 for a value that can be no device.
    pub(crate) fn configured(conf: &NetConf) -> Result<Option<Self>, Error> {
        let named =
            [("deviceID", conf.get("deviceID")), ("runtimeConfig.deviceID", conf.runtime_config("deviceID"))];
        for (key, value) in named {
            match value.map(|value| value.as_str().ok_or(value)) {
                None | Some(Ok("")) => {}
                Some(Ok(text)) => {
                    return text.parse().map(Some).map_err(|shape: String| invalid(key, text, &shape));
                }
                Some(Err(other)) => return Err(invalid(key, &other.to_string(), SHAPE)),
            }
        }
        Ok(None)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_kinds_of_device_apart() {
        let kind = |text: &str| text.parse::<DeviceId>();
        assert!(matches!(kind("0000:03:00.2"), Ok(DeviceId::Pci(_))));
        assert!(matches!(kind("mlx5_core.sf.4"), Ok(DeviceId::Sf(_))));
        assert_eq!(kind("eth0-14"), Ok(DeviceId::Netdev("eth0-14".into())));
    }

    #[test]
    fn takes_no_mistyped_address_for_a_network_device() {
        for text in [
            "",
            "0000:03:00.8",
            "0000:03:00",
            "03:00.2",
            "0000:AB:00.2",
            "mlx5_core.eth.4",
            "eth0.100",
            "../../x",
            "a/b",
            "sixteen-letters-",
        ] {
            assert!(text.parse::<DeviceId>().is_err(), "{text}");
        }
    }
}
