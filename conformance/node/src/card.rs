//! The card: connects representors when the host asks, as ovnkube-node on the card does
//! (`node/base_node_network_controller_dpu.go`).

use std::fmt::Write;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;
use testkit::ip;

use super::behaviour::Card;
use super::state::{Look, PodKey, Shared, State};

/// What a pod's `connection-status` says when its VF is connected.
pub(super) const READY: &str = "Ready";

/// How long the card sleeps when there is nothing to do; every change wakes it.
const IDLE: Duration = Duration::from_secs(3600);

/// One thing to do.
enum Work {
    Connect { pod: PodKey, nad_key: String, vf: String, status: String },
    Disconnect(Vec<String>),
    Stop,
}

/// Starts the card. It ends when the node is closing.
pub(super) fn start(shared: Arc<Shared>) -> Result<JoinHandle<()>> {
    let card = thread::Builder::new().name(String::from("card"));
    Ok(card.spawn(move || {
        loop {
            match shared.look(next) {
                Work::Connect { pod, nad_key, vf, status } => {
                    set(&shared, &[vf], if status == READY { "up" } else { "down" });
                    shared.change(|state| {
                        if let Some(pod) = state.pods.get_mut(&pod) {
                            pod.status.insert(nad_key, status);
                        }
                    });
                }
                Work::Disconnect(vfs) => set(&shared, &vfs, "down"),
                Work::Stop => return,
            }
        }
    })?)
}

fn next(state: &mut State) -> Look<Work> {
    if state.closing {
        return Look::Done(Work::Stop);
    }
    if !state.let_go.is_empty() {
        return Look::Done(Work::Disconnect(std::mem::take(&mut state.let_go)));
    }
    let (delay, status) = match &state.behaviour.card {
        Card::Ready => (Duration::ZERO, READY),
        Card::After(delay) => (*delay, READY),
        Card::Reports(status) => (Duration::ZERO, status.as_str()),
        Card::Never => return Look::Again(IDLE),
    };
    let mut sleep = IDLE;
    for (pod, object) in &mut state.pods {
        for (nad_key, details) in object.details.iter_mut().filter(|(_, details)| !details.seen) {
            let left = (details.written + delay).saturating_duration_since(Instant::now());
            if left.is_zero() {
                details.seen = true;
                let (pod, nad_key, vf) = (pod.clone(), nad_key.clone(), details.vf.clone());
                return Look::Done(Work::Connect { pod, nad_key, vf, status: status.into() });
            }
            sleep = sleep.min(left);
        }
    }
    Look::Again(sleep)
}

/// Sets the representors of these VFs up or down.
fn set(shared: &Shared, vfs: &[String], to: &str) {
    let mut script = String::new();
    let simulated = shared.vfs.iter().filter(|vf| !vf.vfio && !vf.representor.is_empty());
    for vf in simulated.filter(|vf| vfs.contains(&vf.index.to_string())) {
        // Writing to a string does not fail.
        let _ = writeln!(script, "link set {} {to}", vf.representor);
    }
    // A representor may be gone, with a VF that died in its pod's namespace.
    let _ = ip::batch(shared.topology.card.netns(), &script);
}
