//! The kubelet's settings of the pool, only where the site gives them all: a KubeletConfig of a pool replaces the whole
//! `kubelet.conf` that its nodes had from `worker` (maxPods, CPU and topology manager, reserved CPUs), and of two the
//! later one wins. It tells the kubelet our taint too, which that reads when it makes its Node object, and never again.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::pool::pool_label;
use super::site::Site;
use crate::fault::{Fault, Faults};
use crate::manifest::{Meta, Object, Spec, object};

/// Keys that the machine config operator refuses (`pkg/controller/kubelet-config/helpers.go`).
const REFUSED: [&str; 6] =
    ["cgroupDriver", "clusterDNS", "clusterDomain", "failSwapOn", "featureGates", "swapBehavior"];
const TAINTS: &str = "registerWithTaints";

/// A KubeletConfig's spec.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kubelet {
    machine_config_pool_selector: Value,
    kubelet_config: Map<String, Value>,
}

/// The site's settings, and the taint of nodes that join from now on.
pub(crate) fn config(site: &Site, settings: &Map<String, Value>) -> Object<Spec<Kubelet>> {
    let mut kubelet_config = settings.clone();
    let taints = kubelet_config.entry(TAINTS).or_insert_with(|| json!([]));
    if let Some(taints) = taints.as_array_mut() {
        let values = &site.values.taint;
        taints.retain(|taint| taint["key"] != site.taint_key() || taint["effect"] != json!(values.effect));
        taints.push(json!({ "key": site.taint_key(), "value": values.value, "effect": values.effect }));
    }
    let selector = json!({ "matchLabels": { pool_label(site): "" } });
    let spec = Kubelet { machine_config_pool_selector: selector, kubelet_config };
    object(
        "machineconfiguration.openshift.io/v1",
        "KubeletConfig",
        Meta::cluster(format!("{}-kubelet", site.pool())),
        spec,
    )
}

/// What the operator would not take, or nobody would read.
pub(crate) fn check(site: &Site, faults: &mut Faults) {
    let Some(settings) = &site.values.kubelet_config else { return };
    if !site.openshift() {
        let why = "kubeletConfig is given with profile kubernetes, where no operator reads a KubeletConfig";
        faults
            .push(Fault::new(why, "leave the key out, and set the kubelet's own configuration on each node"));
    }
    for key in REFUSED.iter().filter(|key| settings.contains_key(**key)) {
        let why = format!("kubeletConfig.{key} is a key that the machine config operator refuses");
        faults.push(Fault::new(why, "leave it out"));
    }
    if settings.get(TAINTS).is_some_and(|taints| !taints.is_array()) {
        faults.push(Fault::new(
            format!("kubeletConfig.{TAINTS} is no list"),
            "give taints with key, value and effect; ours is added to them",
        ));
    }
}
