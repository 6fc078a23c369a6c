//! A pod for each way in, to try what was rendered.

use std::collections::BTreeMap;

use serde::Serialize;

use super::site::{Cluster, Site};
use crate::known::DEFAULT_NETWORK;
use crate::manifest::{Map, Meta, Object, Spec, object, one};

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodSpec {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    host_network: bool,
    node_selector: Map,
    tolerations: [Toleration; 1],
    containers: [Container; 1],
}

#[derive(Clone, Debug, Serialize)]
struct Toleration {
    key: String,
    operator: &'static str,
    effect: super::values::Effect,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: &'static str,
    image: &'static str,
    command: [&'static str; 2],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    resources: BTreeMap<&'static str, Map>,
    security_context: SecurityContext,
}

/// What the `restricted` level asks for, so that the sample runs anywhere.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SecurityContext {
    allow_privilege_escalation: bool,
    run_as_non_root: bool,
    /// The image's own user is root, which the kubelet then refuses.
    run_as_user: u32,
    capabilities: Capabilities,
    seccomp_profile: Map,
}

#[derive(Clone, Debug, Serialize)]
struct Capabilities {
    drop: [&'static str; 1],
}

/// The samples of a cluster, with their file names.
pub(crate) fn samples(site: &Site) -> Vec<(String, Object<Spec<PodSpec>>)> {
    match site.cluster {
        Cluster::Infra => vec![("host-network".to_owned(), pod(site, "on-dpu-nic", None))],
        Cluster::Tenant => {
            let resource = |name: &str| Some(site.resource(name));
            let first = site.values.dpu_host.default_network.then(|| {
                (
                    "default-network".to_owned(),
                    pod(site, "on-dpu-host", resource(&site.values.sriov.pods.resource)),
                )
            });
            let rest = site.values.attachments.iter().map(|attachment| {
                let mut sample =
                    pod(site, &format!("on-{}", attachment.name), resource(&attachment.resource));
                let network = format!("{}/{}", attachment.namespace, attachment.name);
                sample.metadata = sample.metadata.annotation(DEFAULT_NETWORK, network);
                (format!("attachment-{}", attachment.name), sample)
            });
            first.into_iter().chain(rest).collect()
        }
    }
}

fn pod(site: &Site, name: &str, resource: Option<String>) -> Object<Spec<PodSpec>> {
    let host_network = resource.is_none();
    let resources = resource.map_or_else(BTreeMap::new, |resource| {
        BTreeMap::from([("limits", one(resource.clone(), "1")), ("requests", one(resource, "1"))])
    });
    let container = Container {
        name: "sleep",
        image: "registry.access.redhat.com/ubi9/ubi-minimal",
        command: ["sleep", "infinity"],
        resources,
        security_context: SecurityContext {
            allow_privilege_escalation: false,
            run_as_non_root: true,
            run_as_user: 1000,
            capabilities: Capabilities { drop: ["ALL"] },
            seccomp_profile: one("type", "RuntimeDefault"),
        },
    };
    let toleration =
        Toleration { key: site.taint_key(), operator: "Exists", effect: site.values.taint.effect };
    let spec = PodSpec {
        host_network,
        node_selector: one(site.mode_key(), ""),
        tolerations: [toleration],
        containers: [container],
    };
    object("v1", "Pod", Meta::namespaced("default", name), spec)
}
