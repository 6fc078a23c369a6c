//! The two ranges of VFs: one for the node itself, one for its pods.

use super::site::Site;
use super::values::VfPool;
use crate::fault::{Fault, Faults};
use crate::known::NVIDIA;

/// The VFs that the operator's webhook takes of that vendor (`pkg/webhook/validate.go: MlxMaxVFs`).
const NVIDIA_VFS: u16 = 128;

/// First and last VF, as the SR-IOV operator reads `ens1f0#1-15`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    first: u16,
    last: u16,
}

impl Range {
    /// The operator's own rules (`pkg/webhook/validate.go`): two numbers, in order, the last below `numVfs`.
    fn parse(key: &str, pool: &VfPool, num_vfs: u16) -> Result<Range, Fault> {
        let numbers = pool.vfs.split_once('-').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match numbers {
            Some((first, last)) if first <= last && last < num_vfs => Ok(Range { first, last }),
            _ => {
                let why = format!("{key}.vfs is '{}' with {num_vfs} VFs per physical function", pool.vfs);
                Err(Fault::new(why, format!("give FIRST-LAST, both from 0 to {}", num_vfs.saturating_sub(1))))
            }
        }
    }

    fn overlaps(self, other: Range) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    fn len(self) -> usize {
        usize::from(self.last - self.first) + 1
    }
}

/// What the SR-IOV operator, the cluster network operator or the scheduler would trip over. Returns warnings.
pub(crate) fn check(site: &Site, faults: &mut Faults) -> Vec<String> {
    let sriov = &site.values.sriov;
    if sriov.physical_functions.is_empty() {
        let why = "sriov.physicalFunctions is empty";
        faults.push(Fault::new(
            why,
            "name the card's interfaces on the host, such as [ens1f0] (lspci -nn; ls /sys/class/net)",
        ));
    }
    for name in sriov.physical_functions.iter().filter(|name| !interface(name)) {
        let why = format!("sriov.physicalFunctions has '{name}', which is no interface name");
        faults
            .push(Fault::new(why, "give the bare name; ranges of VFs belong in management.vfs and pods.vfs"));
    }
    let vendor = sriov.vendor.as_deref().unwrap_or(NVIDIA);
    if vendor == NVIDIA && sriov.num_vfs > NVIDIA_VFS {
        let why = format!(
            "sriov.numVfs is {}, and the SR-IOV operator takes {NVIDIA_VFS} of this vendor",
            sriov.num_vfs
        );
        faults.push(Fault::new(
            why,
            format!("give at most {NVIDIA_VFS}, and no more than the firmware's NUM_OF_VFS"),
        ));
    }
    for (key, pool) in [("sriov.management", &sriov.management), ("sriov.pods", &sriov.pods)] {
        if pool.resource.is_empty() || !pool.resource.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let why = format!("{key}.resource is '{}'", pool.resource);
            faults.push(Fault::new(
                why,
                "use letters, digits and '_' only: the device plugin takes nothing else",
            ));
        }
    }
    if sriov.management.resource == sriov.pods.resource {
        let why = format!("management and pods share the device pool {}", sriov.pods.resource);
        faults.push(Fault::new(why, "give them two names, or a pod will get the management port's VF"));
    }
    check_ranges(site, faults)
}

fn check_ranges(site: &Site, faults: &mut Faults) -> Vec<String> {
    let sriov = &site.values.sriov;
    let management = faults.keep(Range::parse("sriov.management", &sriov.management, sriov.num_vfs));
    let pods = faults.keep(Range::parse("sriov.pods", &sriov.pods, sriov.num_vfs));
    let (Some(management), Some(pods)) = (management, pods) else { return Vec::new() };
    if management.overlaps(pods) {
        let why =
            format!("the management VFs {} lie inside the pod pool {}", sriov.management.vfs, sriov.pods.vfs);
        faults.push(Fault::new(why, "keep VF 0 for the management port and start the pod pool at 1"));
    }
    let ports = usize::try_from(site.values.hardware_offload.management_port_count).unwrap_or(0);
    let functions = sriov.physical_functions.len().max(1);
    if ports > management.len() {
        let why = format!(
            "hardwareOffload.managementPortCount is {ports}, the management pool (of the first physical function) has fewer VFs"
        );
        faults.push(Fault::new(why, "widen sriov.management.vfs"));
    }
    let vfs = pods.len() * functions;
    if vfs < usize::try_from(sriov.max_pods).unwrap_or(usize::MAX) {
        vec![format!(
            "a node has {vfs} pod VFs and a kubelet that takes {} pods: the scheduler stops at {vfs} pod-network pods \
             (host-network pods are not counted). Make more VFs, or {}",
            sriov.max_pods,
            fewer_pods(site, vfs)
        )]
    } else {
        Vec::new()
    }
}

/// How the kubelet is told to take no more pods than VFs: not by a second KubeletConfig, which would undo the first.
fn fewer_pods(site: &Site, vfs: usize) -> String {
    match (site.openshift(), &site.values.kubelet_config) {
        (true, Some(_)) => format!("set kubeletConfig.maxPods (and sriov.maxPods) to {vfs}"),
        (true, None) => format!(
            "set maxPods to {vfs} where the nodes' other kubelet settings come from: kubeletConfig in these values, if that is to be here"
        ),
        (false, _) => format!("set maxPods to {vfs} in the kubelet's configuration of each node"),
    }
}

fn interface(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && name.len() < 16 && name.chars().all(plain)
}
