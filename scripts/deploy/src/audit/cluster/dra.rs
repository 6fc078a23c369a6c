//! Dynamic resource allocation: VFs that a device plugin gives too, and drivers that move what they give.

use serde_json::Value;

use super::objects::Cluster;
use crate::audit::finding::Findings;
use crate::known::SRIOV_DRIVER;

/// The attribute of a device that names its pool.
const POOLS: [&str; 2] =
    ["k8s.cni.cncf.io/resourceName", "sriovnetwork.k8snetworkplumbingwg.io/resourceName"];
/// Its setting that has it configure pods itself, through the runtime's hooks (NRI), when CNI has done.
const MODE: (&str, &str) = ("CONFIGURATION_MODE", "STANDALONE");

impl Cluster<'_> {
    /// Looks at classes, at what drivers have published, and at the drivers.
    pub(super) fn drivers(&self, objects: &[Value], findings: &mut Findings) {
        let kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
        kind("DeviceClass").for_each(|class| self.class(class, findings));
        kind("ResourceSlice").for_each(|slice| self.slice(slice, findings));
        kind("DaemonSet").for_each(|driver| moves(driver, findings));
    }

    /// An extended resource that nodes offer is a device plugin's.
    fn class(&self, class: &Value, findings: &mut Findings) {
        let Some(resource) = class["spec"]["extendedResourceName"].as_str() else { return };
        for node in self.nodes.iter().filter(|node| node.offers_any(resource)) {
            let name = class["metadata"]["name"].as_str().unwrap_or_default();
            let text = format!(
                "{resource} on {} is given by a device plugin, and by DeviceClass {name}",
                node.name()
            );
            twice(text, findings);
        }
    }

    fn slice(&self, slice: &Value, findings: &mut Findings) {
        let spec = &slice["spec"];
        let on = |name: &str| spec["nodeName"] == name;
        let Some(node) = self.nodes.iter().find(|node| on(node.name())) else { return };
        let devices = spec["devices"].as_array().into_iter().flatten();
        // A beta had them one level deeper.
        let attributes = devices.flat_map(|device| [&device["attributes"], &device["basic"]["attributes"]]);
        let pool = |attributes: &Value| {
            POOLS.into_iter().find_map(|name| attributes[name]["string"].as_str().map(str::to_owned))
        };
        let mut pools: Vec<String> = attributes.filter_map(pool).collect();
        pools.sort();
        pools.dedup();
        for resource in pools.iter().filter(|resource| node.offers_any(resource)) {
            let driver = spec["driver"].as_str().unwrap_or(SRIOV_DRIVER);
            let text = format!("{resource} on {} is given by a device plugin, and by {driver}", node.name());
            twice(text, findings);
        }
    }
}

fn twice(text: String, findings: &mut Findings) {
    findings.error(
        "cluster",
        format!("{text}: neither knows of the other, and a VF is given twice"),
        "take the pool out of one of the two",
    );
}

/// A driver that moves VFs into pods, where `dpu-host` has put them already.
fn moves(driver: &Value, findings: &mut Findings) {
    let metadata = &driver["metadata"];
    let named = |key: &str| metadata[key].as_str().unwrap_or_default();
    let shown = format!("{}/{}", named("namespace"), named("name"));
    let containers = driver["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten();
    for container in containers {
        let mut settings = container["env"].as_array().into_iter().flatten();
        if settings.any(|setting| setting["name"] == MODE.0 && setting["value"] == MODE.1) {
            findings.error(
                "cluster",
                format!("the driver {shown} runs in STANDALONE mode: it moves a pod's VF itself (NRI), after the ADD"),
                "set its kubeletPlugin.configurationMode to MULTUS",
            );
        }
        let image = container["image"].as_str().unwrap_or_default();
        if image.rsplit('/').next().is_some_and(|image| image.starts_with("dranet")) {
            findings.warning(
                "cluster",
                format!("DraNet ({shown}) moves what it gives to pods itself (NRI), after the ADD"),
                "keep VFs of the DPU out of what it serves, by the selectors of its DeviceClass and its filter",
            );
        }
    }
}
