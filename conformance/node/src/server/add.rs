//! ADD (`go-controller/pkg/cni/cni.go: cmdAdd`, `cni_dpu.go`).

use std::collections::BTreeMap;
use std::time::Instant;

use ovnkube::{PodInterface, PodRequest, Response, UDN_INTERFACE};
use serde_json::json;

use super::arguments::PodCall;
use super::context::Context;
use super::{plumb, reply};
use crate::behaviour::Generation;
use crate::card::READY;
use crate::pods::{Details, PodObject};
use crate::vf::{Naming, Vf};
use crate::{link, state::Shared};

/// Has the card connect the pod's VF, and its second one on a primary user-defined network; then configures them,
/// or says what to configure.
pub(super) fn add(context: &Context<'_>, call: &PodCall) -> Result<Response, String> {
    let shared = context.shared;
    let pod = shared.change(|state| state.pod(&call.pod, call.uid.as_deref()).cloned()).ok_or_else(|| {
        format!("failed to get pod {}/{}: pods {:?} not found", call.pod.0, call.pod.1, call.pod.1)
    })?;
    let interface = connect(context, call, &call.device, interface(context, call, &pod)?)?;
    same_pod(call, &pod)?;

    let mut udn =
        pod.udn.clone().filter(|_| call.is_default && context.behaviour.generation == Generation::New);
    let mut second = None;
    if let Some(udn) = &mut udn {
        second = udn.resource.as_deref().map(|resource| last_of(shared, call, resource)).transpose()?;
        let device = second.as_deref().unwrap_or_default();
        udn.interface = connect(context, call, device, udn.interface.clone())?;
    }
    let kube_auth = Some(reply::kube_auth(context.behaviour.ca_bundle));
    if !context.behaviour.privileged {
        let udn_request = udn.as_ref().map(|_| request(call, &pod, second.as_deref()));
        let udn = udn.map(|udn| udn.interface);
        return Ok(Response { result: None, pod: Some(interface), udn, udn_request, kube_auth });
    }
    let mut attachments = vec![(call.ifname.as_str(), call.device.clone(), interface)];
    attachments.extend(udn.map(|udn| (UDN_INTERFACE, second.unwrap_or_default(), udn.interface)));
    for (ifname, device, interface) in &attachments {
        plumb::plumb(context, call, ifname, device, interface)?;
    }
    let attachments: Vec<_> = attachments.iter().map(|(ifname, _, interface)| (*ifname, interface)).collect();
    let result = Some(plumb::result(&call.netns, &attachments));
    Ok(Response { result, kube_auth, ..Response::default() })
}

/// The device of the user-defined network: the last of all of the pod's, which the vendored Multus has sorted as text, all
/// containers' together (`udn/resource.go: GetPodPrimaryUDNDeviceID`). Nothing keeps it from being the one that was
/// given to the pod's first network; and what dynamic resource allocation gave is not among them.
fn last_of(shared: &Shared, call: &PodCall, resource: &str) -> Result<String, String> {
    let state = shared.state();
    let containers = state.listed.get(&call.pod).into_iter().flatten();
    let devices = containers.flat_map(|container| &container.devices);
    let ids =
        devices.filter(|devices| devices.resource_name == resource).flat_map(|devices| &devices.device_ids);
    ids.max().cloned().ok_or_else(|| {
        format!(
            "failed to get primary UDN device ID for pod {}/{}: no device of {resource}",
            call.pod.0, call.pod.1
        )
    })
}

/// The interface that the pod's annotation has for this call. A further one of the cluster's network, or one of
/// another network, comes into being as it is asked for.
fn interface(context: &Context<'_>, call: &PodCall, pod: &PodObject) -> Result<PodInterface, String> {
    let shared = context.shared;
    let annotated =
        context.until(|state| state.pods.get(&call.pod).is_none_or(|pod| pod.annotated).then_some(()));
    annotated.ok_or_else(timed_out)?;
    if let Some(interface) = pod.interfaces.get(&call.ifname) {
        return Ok(interface.clone());
    }
    shared.change(|state| {
        let mut new = state.another_interface();
        (new.net_name, new.nad_key) = (call.network.clone(), call.nad.clone());
        new.gateways.clear();
        let pod = state.pods.get_mut(&call.pod).ok_or("pod deleted before sandbox ADD operation began")?;
        Ok(pod.interfaces.entry(call.ifname.clone()).or_insert(new).clone())
    })
}

/// Tells the card which VF to connect, and waits until it has.
fn connect(
    context: &Context<'_>,
    call: &PodCall,
    device: &str,
    interface: PodInterface,
) -> Result<PodInterface, String> {
    let shared = context.shared;
    let mut interface =
        PodInterface { dpu_host_mode: true, pod_uid: call.uid.clone().unwrap_or_default(), ..interface };
    // Without a device nothing is asked of the card; whoever is to configure the pod fails.
    if device.is_empty() {
        return Ok(interface);
    }
    let vf = function(shared, device)?;
    interface.vf_netdev_name = netdev(shared, vf, device)?;
    let details = Details {
        pf: String::from("0"),
        vf: vf.index.to_string(),
        sandbox: call.sandbox.clone(),
        netdev: interface.vf_netdev_name.clone(),
        written: Instant::now(),
        seen: false,
    };
    let nad_key = &interface.nad_key;
    shared.change(|state| {
        let pod = state.pods.get_mut(&call.pod).ok_or("failed to get pod annotation: pod not found")?;
        pod.details.insert(nad_key.clone(), details);
        if state.behaviour.card_forgets {
            pod.status.remove(nad_key);
        }
        Ok::<_, String>(())
    })?;
    let impatient = context.behaviour.generation == Generation::New;
    let status = context.until(|state| {
        let Some(pod) = state.pods.get(&call.pod) else { return Some(Err(String::from("pod not found"))) };
        match pod.status.get(nad_key).map(String::as_str) {
            Some(READY) => Some(Ok(())),
            Some(status) if impatient => {
                Some(Err(format!("DPU plumb failed: connection status is {status}")))
            }
            _ => None,
        }
    });
    status.ok_or_else(timed_out)?.map_err(|why| format!("failed to get pod annotation: {why}"))?;
    Ok(interface)
}

/// The VF behind a device ID (`util.GetFunctionInfo`).
fn function<'a>(shared: &'a Shared, device: &str) -> Result<&'a Vf, String> {
    if device.parse::<linux::sriov::ScalableFunction>().is_ok() {
        return Err(format!("failed to get PF index for {device}: only VF PCI IDs are supported"));
    }
    shared.vf(device).ok_or_else(|| no_netdev(device))
}

/// The VF's name on the host. A VF that is in a pod has none.
fn netdev(shared: &Shared, vf: &Vf, device: &str) -> Result<String, String> {
    if vf.vfio || shared.naming == Naming::Simulated {
        return Ok(if vf.vfio { String::new() } else { vf.name.clone() });
    }
    let name = match shared.sysfs.kernel_netdev(device) {
        Some(name) => name,
        None => {
            let links = link::links(shared.topology.host.netns()).map_err(|e| e.to_string())?;
            links.into_iter().find(|link| link.peer == Some(vf.representor_link)).map(|link| link.name)
        }
    };
    name.ok_or_else(|| no_netdev(device))
}

fn no_netdev(device: &str) -> String {
    format!(
        "failed in cmdAdd while getting Netdevice name: \
         failed to get one netdevice interface (count 0) per Device ID {device}"
    )
}

/// The pod may have been made anew under the same name.
fn same_pod(call: &PodCall, pod: &PodObject) -> Result<(), String> {
    match &call.uid {
        Some(uid) if *uid != pod.uid => Err(format!(
            "pod deleted before sandbox ADD operation began. Request Pod UID {uid} is different from the Pod UID \
             ({}) retrieved from the informer/API",
            pod.uid
        )),
        _ => Ok(()),
    }
}

fn timed_out() -> String {
    String::from("failed to get pod annotation: timed out waiting for annotations: context deadline exceeded")
}

/// What the client needs to know of the second interface (`udn/resource.go`).
fn request(call: &PodCall, pod: &PodObject, device: Option<&str>) -> PodRequest {
    let mut conf = BTreeMap::from([("ipam", json!({})), ("dns", json!({})), ("mtu", json!(1400))]);
    if let Some(device) = device {
        conf.insert("deviceID", json!(device));
    }
    for key in ["logfile-maxsize", "logfile-maxbackups", "logfile-maxage"] {
        conf.insert(key, json!(0));
    }
    conf.insert("runtimeConfig", json!({}));
    PodRequest {
        command: String::from("ADD"),
        pod_namespace: call.pod.0.clone(),
        pod_name: call.pod.1.clone(),
        pod_uid: pod.uid.clone(),
        sandbox_id: call.sandbox.clone(),
        netns: call.netns.clone(),
        if_name: UDN_INTERFACE.into(),
        conf: json!(conf),
        is_vfio: false,
    }
}
