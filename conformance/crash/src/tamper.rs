//! What a pod may do to its interface while it has it.

use anyhow::Result;
use node::Pod;

/// All that the kernel leaves as it is when a link moves to another namespace, but for its names, address and MTU.
const CHANGES: &str = "link set eth0 alias mine promisc on allmulticast on
link set eth0 arp off multicast off txqueuelen 77 group 7 mode dormant
link set eth0 broadcast ff:ff:ff:ff:ff:fe gso_max_size 20000";

/// Changes the pod's `eth0`.
///
/// # Errors
/// When `ip` or `ethtool` fails.
pub fn tamper(pod: &Pod) -> Result<()> {
    pod.change(CHANGES)?;
    pod.switch("eth0", &["tx", "off"])
}
