//! The network configurations that the container runtime and Multus read.

use serde::Serialize;

use super::site::Site;
use super::values::CniVersion;
use crate::fault::Fault;
use crate::known::PLACEHOLDER_CONF;

/// What a runtime may choose from that knows how to; older ones go by `cniVersion`.
const ANY_VERSION: [&str; 3] = ["0.4.0", "1.0.0", "1.1.0"];

/// A configuration with one plugin in its list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a, P> {
    cni_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cni_versions: Option<&'a [&'a str]>,
    name: &'a str,
    /// Else libcni 1.2 and newer add whatever lies in a folder of the network's name.
    load_only_inlined_plugins: bool,
    /// Where no pod is ever attached there is nothing to check.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_check: bool,
    plugins: [P; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Placeholder<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_level: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DpuHost<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<String>,
    log_file: &'a str,
    log_level: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<u16>,
}

/// A NetworkAttachmentDefinition's `config`: one plugin, for Multus to put the device into.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Single<'a> {
    cni_version: CniVersion,
    name: &'a str,
    #[serde(flatten)]
    plugin: DpuHost<'a>,
    /// How ovnkube-node knows the network: `namespace/name` of the object.
    net_attach_def_name: String,
}

/// The cards' configuration: one file for old and new runtimes. 0.4.0 is the least that Multus takes, and below
/// 1.1.0 nothing ever asks for STATUS, so that no hanging call can hold up the node.
///
/// # Errors
/// None that values can cause.
pub(crate) fn placeholder(site: &Site) -> Result<String, Fault> {
    let values = &site.values.placeholder;
    let plugin = Placeholder {
        r#type: "dpu-nic-placeholder",
        message: values.message.as_deref(),
        log_file: values.log_file.as_deref(),
        log_level: values.log_level.as_deref(),
    };
    json(&List {
        cni_version: "0.4.0",
        cni_versions: Some(&ANY_VERSION),
        name: PLACEHOLDER_CONF.trim_start_matches("00-").trim_end_matches(".conflist"),
        load_only_inlined_plugins: true,
        disable_check: true,
        plugins: [plugin],
    })
}

/// What Multus waits for and, finding nothing before it, takes for the default network: the placeholder again.
///
/// # Errors
/// None.
pub(crate) fn readiness() -> Result<String, Fault> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Readiness {
        cni_version: &'static str,
        name: &'static str,
        r#type: &'static str,
    }
    json(&Readiness { cni_version: "0.4.0", name: "dpu-nic-placeholder", r#type: "dpu-nic-placeholder" })
}

/// The default network of a DPU host.
///
/// # Errors
/// None that values can cause.
pub(crate) fn default_network(site: &Site) -> Result<String, Fault> {
    let (cni_version, cni_versions) = match site.cni_version() {
        CniVersion::V0_4_0 => ("0.4.0", Some(ANY_VERSION.as_slice())),
        CniVersion::V1_1_0 => ("1.1.0", None),
    };
    json(&List {
        cni_version,
        cni_versions,
        name: &site.values.dpu_host.network,
        load_only_inlined_plugins: true,
        disable_check: false,
        plugins: [plugin(site, Some(site.pod_resource()))],
    })
}

/// The `config` of a NetworkAttachmentDefinition. No `topology`: that would make it a secondary network.
///
/// # Errors
/// None that values can cause.
pub(crate) fn attachment(site: &Site, full_name: String) -> Result<String, Fault> {
    let values = &site.values.dpu_host;
    let plugin = plugin(site, None);
    json(&Single {
        cni_version: site.cni_version(),
        name: &values.network,
        plugin,
        net_attach_def_name: full_name,
    })
}

fn plugin(site: &Site, resource_name: Option<String>) -> DpuHost<'_> {
    let values = &site.values.dpu_host;
    DpuHost {
        r#type: "dpu-host",
        resource_name,
        log_file: &values.log_file,
        log_level: &values.log_level,
        timeout_seconds: values.timeout_seconds,
    }
}

fn json(document: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string_pretty(document).map(|text| text + "\n").map_err(|error| {
        Fault::new(format!("a configuration cannot be written as JSON ({error})"), "report this")
    })
}
