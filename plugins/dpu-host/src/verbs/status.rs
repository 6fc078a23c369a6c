//! STATUS: can an ADD be served? The server is asked; a pool without a free VF is the scheduler's business.

use std::time::{Duration, Instant};

use cni::{Error, code};
use ovnkube::Health;

use crate::node::Node;

/// A runtime may hold its own lock while it asks.
const BUDGET: Duration = Duration::from_secs(2);

/// Asks ovnkube-node.
///
/// # Errors
/// 50 when it does not answer or says that the card is not ready, 51 when the card has stopped renewing its lease:
/// pods that run suffer too then.
pub(crate) fn run(node: &Node) -> Result<(), Error> {
    match node.server.status(Instant::now() + BUDGET) {
        Ok(Health::Ready | Health::Alive) => Ok(()),
        Ok(health @ Health::NotReady { .. }) if health.lease_expired() => {
            Err(not_ready(code::LIMITED_CONNECTIVITY, &health))
        }
        Ok(health) => Err(not_ready(code::NOT_AVAILABLE, &health)),
        Err(failure) => Err(Error::new(code::NOT_AVAILABLE, failure.to_string())
            .details("check the ovnkube-node-dpu-host pod of this node")),
    }
}

fn not_ready(code: u32, health: &Health) -> Error {
    let reason = match health {
        Health::NotReady { reason, .. } => reason,
        Health::Ready | Health::Alive => "",
    };
    Error::new(code, reason)
        .details("check that the DPU NIC node of this host is up and its ovnkube-node runs")
}
