//! From an HTTP body to a pod's request, with upstream's checks in upstream's order
//! (`cniserver.go: cniRequestToPodRequest`, `gatherCNIArgs`; `pkg/config/cni.go`).

use std::collections::BTreeMap;

use ovnkube::Request;
use serde_json::Value;

use crate::behaviour::Generation;
use crate::pods::DEFAULT;
use crate::state::{PodKey, Shared};

/// What ADD or DEL is about.
#[derive(Clone, Debug)]
pub(super) struct PodCall {
    pub(super) pod: PodKey,
    pub(super) uid: Option<String>,
    pub(super) sandbox: String,
    /// May be empty.
    pub(super) netns: String,
    pub(super) ifname: String,
    /// Empty when there is none.
    pub(super) device: String,
    pub(super) is_default: bool,
    pub(super) network: String,
    pub(super) nad: String,
}

/// Reads the request as one of a pod.
pub(super) fn pod_call(
    request: &Request,
    generation: Generation,
    shared: &Shared,
) -> Result<PodCall, String> {
    // New servers read the configuration before the environment, old ones after.
    if generation == Generation::New {
        config(&request.config, generation)?;
    }
    let env = |key: &str| request.env.get(key).cloned().ok_or(format!("missing {key}"));
    let sandbox = env("CNI_CONTAINERID")?;
    let netns = env("CNI_NETNS")?;
    let ifname = env("CNI_IFNAME").unwrap_or_else(|_| String::from("eth0"));
    let args = gather(&env("CNI_ARGS")?)?;
    let arg = |key: &str| args.get(key).filter(|value| !value.is_empty()).cloned();
    let namespace = arg("K8S_POD_NAMESPACE").ok_or("missing K8S_POD_NAMESPACE")?;
    let name = arg("K8S_POD_NAME").ok_or("missing K8S_POD_NAME")?;
    let conf = config(&request.config, generation)?;
    let text = |key: &str| conf[key].as_str().unwrap_or_default().to_owned();
    let device = text("deviceID");
    check_device(&device, generation, shared)?;
    // Without a topology every network is the cluster's, whatever its name.
    let is_default = text("topology").is_empty();
    let network = if is_default { DEFAULT.into() } else { text("name") };
    let nad = if is_default { DEFAULT.into() } else { text("netAttachDefName") };
    let pod = (namespace, name);
    Ok(PodCall { pod, uid: arg("K8S_POD_UID"), sandbox, netns, ifname, device, is_default, network, nad })
}

/// The network's configuration, out of a list if it is one.
fn config(bytes: &[u8], generation: Generation) -> Result<Value, String> {
    let broken = || String::from("broken stdin args");
    let mut conf: Value = serde_json::from_slice(bytes).map_err(|_| broken())?;
    if let Some(plugins) = conf.get("plugins").cloned() {
        let [plugin] = plugins.as_array().map(Vec::as_slice).unwrap_or_default() else {
            return Err(broken());
        };
        let mut single = plugin.clone();
        for key in ["name", "cniVersion"] {
            single[key] = conf[key].clone();
        }
        conf = single;
    }
    if conf["type"] != ovnkube::PLUGIN_TYPE {
        return Err(broken());
    }
    // The CNI library of old servers cannot read a result of version 1.1.0.
    let too_new = conf["cniVersion"] == "1.1.0" || conf["prevResult"]["cniVersion"] == "1.1.0";
    if generation == Generation::Old && too_new && !conf["prevResult"].is_null() {
        return Err(broken());
    }
    let text = |key: &str| conf[key].as_str().unwrap_or_default();
    let reserved =
        ["", DEFAULT, "ovn-kubernetes"].contains(&text("name")) || text("netAttachDefName").is_empty();
    if !text("topology").is_empty() && reserved {
        return Err(broken());
    }
    Ok(conf)
}

/// `CNI_ARGS` as upstream takes it: no empty pieces, one `=` in each, the last of duplicates.
fn gather(args: &str) -> Result<BTreeMap<String, String>, String> {
    let pair = |piece: &str| match piece.split('=').collect::<Vec<_>>().as_slice() {
        [key, value] => Ok((String::from(*key), String::from(*value))),
        _ => Err(format!("invalid CNI_ARG '{piece}'")),
    };
    args.split(';').map(pair).collect()
}

/// Old servers know PCI and auxiliary devices only; new ones take everything else for a link's name.
fn check_device(device: &str, generation: Generation, shared: &Shared) -> Result<(), String> {
    let known = device.parse::<linux::sriov::PciAddress>().is_ok()
        || device.parse::<linux::sriov::ScalableFunction>().is_ok()
        || shared.vf(device).is_some_and(|vf| vf.pci.is_some());
    if generation == Generation::Old && !device.is_empty() && !known {
        return Err(format!("expected PCI or Auxiliary device name, got - {device}"));
    }
    Ok(())
}
