//! DEL (`go-controller/pkg/cni/cni.go: cmdDel`).

use ovnkube::{PodInterface, Response};
use serde_json::json;

use super::arguments::PodCall;
use super::context::Context;
use super::plumb;
use crate::pods::DEFAULT;
use crate::state::State;
use crate::vf::Naming;

/// Whose the VF is, as far as the pod's annotation tells.
enum Owner {
    /// The caller's: the VF's name on the host.
    Caller(String),
    /// Another sandbox's of the same pod.
    Other,
    /// Pod or annotation are gone.
    Unknown,
}

/// Has the card let the pod's VF go, and gives the VF back or says whose it was.
pub(super) fn del(context: &Context<'_>, call: &PodCall) -> Result<Response, String> {
    let shared = context.shared;
    let original = match shared.change(|state| let_go(state, call)) {
        Owner::Caller(original) => original,
        // Only in simulation, where its device ID is its name, is the VF saved then.
        Owner::Unknown if shared.naming == Naming::Simulated && !call.device.is_empty() => {
            call.device.clone()
        }
        Owner::Other | Owner::Unknown => return Ok(nothing()),
    };
    if !context.behaviour.privileged {
        let original = if call.device.is_empty() { String::new() } else { original };
        let pod = PodInterface { dpu_host_mode: true, vf_netdev_name: original, ..PodInterface::default() };
        return Ok(Response { pod: Some(pod), ..Response::default() });
    }
    let vfio = shared.vf(&call.device).is_some_and(|vf| vf.vfio);
    if !call.device.is_empty() && !vfio {
        plumb::unplumb(shared, call, &original)?;
    }
    Ok(nothing())
}

/// Takes the connection details back, if they are this sandbox's.
fn let_go(state: &mut State, call: &PodCall) -> Owner {
    let Some(pod) = state.pods.get_mut(&call.pod) else { return Owner::Unknown };
    let nad_key = pod.interfaces.get(&call.ifname).map_or_else(|| call.nad.clone(), |i| i.nad_key.clone());
    let original = match pod.details.get(&nad_key) {
        None => return Owner::Unknown,
        Some(details) if details.sandbox != call.sandbox => return Owner::Other,
        Some(details) => details.netdev.clone(),
    };
    // The cluster's own network takes the whole annotation with it.
    let removed = if nad_key == DEFAULT {
        std::mem::take(&mut pod.details)
    } else {
        pod.details.remove_entry(&nad_key).into_iter().collect()
    };
    if state.behaviour.card_forgets {
        pod.status.retain(|key, _| !removed.contains_key(key));
        state.let_go.extend(removed.into_values().map(|details| details.vf));
    }
    Owner::Caller(original)
}

fn nothing() -> Response {
    Response { result: Some(json!({})), ..Response::default() }
}
