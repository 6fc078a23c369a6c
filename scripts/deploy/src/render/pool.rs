//! The nodes as a group: their MachineConfigPool, how gently their files change, where DNS runs.

use serde::Serialize;

use super::site::{Cluster, Site};
use crate::known;
use crate::manifest::{Map, Meta, Object, Spec, object, one};

/// A MachineConfigPool's spec.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pool {
    machine_config_selector: Expressions,
    node_selector: Labels,
    max_unavailable: u32,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Expressions {
    match_expressions: [Expression; 1],
}

#[derive(Clone, Debug, Serialize)]
struct Expression {
    key: &'static str,
    operator: &'static str,
    values: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Labels {
    match_labels: Map,
}

/// A pool that takes everything of `worker` and ours.
pub(crate) fn pool(site: &Site) -> Object<Spec<Pool>> {
    let meta = Meta::cluster(site.pool()).label(pool_label(site), "");
    let expression = Expression {
        key: "machineconfiguration.openshift.io/role",
        operator: "In",
        values: vec!["worker".to_owned(), site.pool().to_owned()],
    };
    let spec = Pool {
        machine_config_selector: Expressions { match_expressions: [expression] },
        node_selector: Labels { match_labels: one(site.role(), "") },
        max_unavailable: site.values.pool.max_unavailable,
    };
    object("machineconfiguration.openshift.io/v1", "MachineConfigPool", meta, spec)
}

/// What selects the pool.
pub(crate) fn pool_label(site: &Site) -> String {
    format!("pools.operator.machineconfiguration.openshift.io/{}", site.pool())
}

/// Our entries of `MachineConfiguration cluster`; its lists merge by path.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Disruption {
    node_disruption_policy: Policy,
}

#[derive(Clone, Debug, Serialize)]
struct Policy {
    files: Vec<FilePolicy>,
}

#[derive(Clone, Debug, Serialize)]
struct FilePolicy {
    path: String,
    actions: Vec<Action>,
}

#[derive(Clone, Debug, Serialize)]
struct Action {
    r#type: &'static str,
}

/// A new binary needs neither drain nor reboot: the daemon replaces the file in one step, and every call is a new
/// process. Nor do rules, which udev reads again by itself, and units, which systemd is told to. The rest of the
/// configuration keeps the default, drain and reboot: pods must be made anew to come to us.
pub(crate) fn disruption(cluster: Cluster, binary: &str) -> Object<Spec<Disruption>> {
    let policy =
        |path: &str, action| FilePolicy { path: path.to_owned(), actions: vec![Action { r#type: action }] };
    let mut files = vec![policy(binary, "None")];
    if cluster == Cluster::Tenant {
        files.push(policy(known::UDEV_RULES, "None"));
        files.extend([known::RESTORE_PATH, known::RESTORE_SERVICE].map(|unit| policy(unit, "DaemonReload")));
    }
    let spec = Disruption { node_disruption_policy: Policy { files } };
    object("operator.openshift.io/v1", "MachineConfiguration", Meta::cluster("cluster"), spec)
}

/// Our fields of `DNS default`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dns {
    node_placement: Placement,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Placement {
    node_selector: Map,
}

/// Cluster DNS away from nodes that take no ordinary pods.
pub(crate) fn dns(site: &Site) -> Object<Spec<Dns>> {
    let spec = Dns { node_placement: Placement { node_selector: site.values.dns.node_selector.clone() } };
    object("operator.openshift.io/v1", "DNS", Meta::cluster("default"), spec)
}
