//! Both sides of ovnkube-node's socket.

use std::process::Command;
use std::time::{Duration, Instant};

use ovnkube::{Client, Failure, Health, SOCKET};

use super::finding::Findings;
use crate::tree::Tree;

/// As STATUS.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the server, on the node itself: a copy has no sockets.
pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    if !tree.live() {
        return;
    }
    if !tree.exists(SOCKET) {
        return findings.error(
            "server",
            format!("{SOCKET} is not there"),
            "see the ovnkube-node-dpu-host pod of this node; is the mode label set, with an empty value?",
        );
    }
    match Client::new(SOCKET).status(Instant::now() + PATIENCE) {
        Ok(Health::Ready) => findings.ok("server", "ovnkube-node answers and the card is well"),
        Ok(Health::Alive) => findings.warning(
            "server",
            "ovnkube-node answers, and is too old to know about the card's health",
            "with this version the node stays Ready when the card is down; upgrade ovn-kubernetes for that",
        ),
        Ok(Health::NotReady { reason, .. }) => findings.error(
            "server",
            format!("ovnkube-node answers that the card is not ready ({reason})"),
            "see the card: is it up, does ovnkube run there?",
        ),
        Err(failure @ Failure::Unreachable { .. }) => {
            findings.error("server", failure.to_string(), "see the ovnkube-node-dpu-host pod of this node");
        }
        Err(failure) => findings.error("server", failure.to_string(), "see the log of ovnkube-node"),
    }
}

/// The version of our side, as the binary says it when run by hand.
pub(crate) fn version(tree: &Tree, binary: &str, findings: &mut Findings) {
    if !tree.live() {
        return;
    }
    let output = Command::new(binary).env_remove("CNI_COMMAND").output();
    match output
        .map(|output| String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned())
    {
        Ok(line) if !line.is_empty() => findings.ok("server", line),
        Ok(_) => {
            findings.error("files", format!("{binary} says nothing when run by hand"), "install it again");
        }
        Err(error) => findings.error(
            "files",
            format!("{binary} does not run ({error})"),
            "is it for this machine? install it again",
        ),
    }
}
