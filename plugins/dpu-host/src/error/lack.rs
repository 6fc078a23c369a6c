//! 101: why a pod has no VF, and what to add to it.

use std::collections::BTreeSet;

use cni::{Error, Pod, code};

/// The pod did not get a VF.
pub(crate) const NO_DEVICE: u32 = 101;

/// How the lines to add read when no resource is configured.
pub(super) const SOME_RESOURCE: &str = "<resourceName>";

/// Why a pod has no VF, as far as the kubelet knows. A claim is `namespace/name`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// It does not know.
    Unknown,
    /// It does not know the pod.
    UnknownPod,
    /// The pod has no VF, nor a claim of which it could be one: those it has are of these drivers.
    NotAsked {
        /// Drivers that do not count.
        drivers: BTreeSet<String>,
    },
    /// The pod may have VFs, but no configuration says that they count.
    NotPassedOn {
        /// Resources of VFs that it has.
        resources: BTreeSet<String>,
        /// Claims of VFs that it has.
        claims: BTreeSet<String>,
    },
    /// It has a claim of which the kubelet tells no device.
    Unprepared {
        /// The claim.
        claim: String,
    },
    /// It has a claim whose device nothing says more of than its name.
    Untold {
        /// The claim.
        claim: String,
        /// The device's driver, where the kubelet tells it.
        driver: String,
        /// The device, where the kubelet tells it.
        device: String,
    },
}

/// 101: nothing names a device for the pod; 11 when that may be so for a moment only. What the kubelet knows tells what
/// is missing; without it, all that may be. `driver` is the one whose claims pods of this node may have.
pub(crate) fn no_device(pod: &Pod, resource: Option<&str>, lack: &Lack, driver: Option<&str>) -> Error {
    let error = |msg: String| Error::new(NO_DEVICE, msg);
    match (resource, lack) {
        (_, Lack::Unprepared { claim }) => Error::new(
            code::TRY_AGAIN,
            format!("pod {pod} has the claim {claim}, of which the kubelet tells no device"),
        )
        .details(
            "its driver has not prepared it yet, and this is tried again; or it tells the kubelet nothing: then have it \
             write device metadata (--enable-device-metadata)",
        ),
        (_, Lack::Untold { claim, driver, device }) if driver.is_empty() || device.is_empty() => {
            error(format!("pod {pod} has the claim {claim}, but which device that is cannot be told")).details(
                "Kubernetes before 1.31 does not say: ask for the VF by resources.limits, or upgrade this node's kubelet",
            )
        }
        (_, Lack::Untold { claim, driver, device }) => {
            error(format!("pod {pod} has {device} of {driver} by the claim {claim}, but which VF that is cannot be told"))
                .details(format!(
                    "have {driver} write device metadata (--enable-device-metadata), or name its devices by PCI address"
                ))
        }
        (Some(resource), Lack::NotAsked { drivers }) if !drivers.is_empty() => {
            let drivers = list(drivers);
            error(format!("pod {pod} did not ask for a VF of this DPU host: its claims are of {drivers}")).details(
                format!("{}; if those give VFs, name them in the key draDrivers", lines(resource, driver)),
            )
        }
        (Some(resource), Lack::NotAsked { .. }) => {
            error(format!("pod {pod} did not ask for a VF of this DPU host")).details(lines(resource, driver))
        }
        (Some(resource), Lack::UnknownPod) => {
            error(format!("pod {pod} has no VF: the kubelet knows of no such pod with devices"))
                .details(lines(resource, driver))
        }
        (None, Lack::NotPassedOn { resources, .. }) if !resources.is_empty() => {
            let resources = list(resources);
            error(format!("pod {pod} has {resources}, but Multus passed no VF on")).details(format!(
                "give the NetworkAttachmentDefinition that the pod's v1.multus-cni.io/default-network names the \
                 annotation k8s.v1.cni.cncf.io/resourceName: {resources}, or this plugin's configuration the key \
                 resourceName"
            ))
        }
        (None, Lack::NotPassedOn { claims, .. }) if !claims.is_empty() => {
            error(format!("pod {pod} has a VF by the claim {}, but Multus passed none on", list(claims)))
                .details("give this plugin's configuration the key resourceName: then it asks for the pod's claims")
        }
        (resource, _) => {
            let resource = resource.unwrap_or(SOME_RESOURCE);
            error(format!("pod {pod} has no VF of this DPU host")).details(format!(
                "add resources.limits['{resource}']: '1' to one container and the annotation \
                 v1.multus-cni.io/default-network: <namespace>/<nad>, whose NetworkAttachmentDefinition has \
                 k8s.v1.cni.cncf.io/resourceName: {resource}; or set hostNetwork: true"
            ))
        }
    }
}

/// What to add; the form of claims where there are some.
fn lines(resource: &str, driver: Option<&str>) -> String {
    let claim = driver.map(|driver| format!(" (or to resources.claims a claim of a VF of {driver})"));
    format!(
        "add resources.limits['{resource}']: '1' to one container{}, or set hostNetwork: true",
        claim.unwrap_or_default()
    )
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
