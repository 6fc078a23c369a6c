//! What makes the pairs known to those who run the cards; of a doubtful pair nothing is told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::claims::{DPF_LABEL, ENV_OVERRIDES, TENANT_NODE, namespace, overrides, tenant_node};
use super::pair::Pair;
use crate::fault::Fault;
use crate::manifest::{Data, Map, Meta, Object};
use crate::yaml;

/// Where OpenShift's DPU network operator runs, and looks for its own copy.
const OPERATOR: &str = "openshift-dpu-network-operator";

fn sure<'p, 'a>(pairs: &'p [Pair<'a>]) -> impl Iterator<Item = &'p Pair<'a>> {
    pairs.iter().filter(|pair| pair.is_sure)
}

/// ovn-kubernetes reads it in its start script on the card (`dist/images/ovnkube.sh`).
pub(super) fn ovs(pairs: &[Pair<'_>]) -> String {
    let command = |pair: &Pair<'_>| {
        let (card, host) = (&pair.card.name, &pair.host.name);
        format!("ssh {card} sudo ovs-vsctl set Open_vSwitch . external_ids:host-k8s-nodename={host}\n")
    };
    sure(pairs).map(command).collect()
}

/// DPF's own provisioner does the same when it installs a card.
pub(super) fn dpf(pairs: &[Pair<'_>]) -> String {
    let command = |pair: &Pair<'_>| {
        format!("kubectl label --overwrite node {} {DPF_LABEL}={}\n", pair.card.name, pair.host.name)
    };
    sure(pairs).map(command).collect()
}

/// One for each namespace that has it already, with the other lines that a card's file has there.
pub(super) fn env_overrides(pairs: &[Pair<'_>], objects: &[Value]) -> Result<String, Fault> {
    let there: BTreeMap<&str, BTreeMap<&str, &str>> = objects
        .iter()
        .filter(|object| overrides(object).any(|(_, file)| tenant_node(file).is_some()))
        .map(|object| (namespace(object), overrides(object).collect()))
        .collect();
    let mut namespaces: BTreeSet<&str> = there.keys().copied().collect();
    if namespaces.is_empty() {
        namespaces.insert(OPERATOR);
    }
    let none = BTreeMap::new();
    let mut documents = Vec::new();
    for namespace in namespaces {
        let files = there.get(namespace).unwrap_or(&none);
        let data: Map = sure(pairs)
            .map(|pair| {
                let card = pair.card.name.as_str();
                (card.to_owned(), file(files.get(card).copied().unwrap_or_default(), pair))
            })
            .collect();
        documents.push(yaml::print(&Object {
            api_version: "v1",
            kind: "ConfigMap",
            metadata: Meta::namespaced(namespace, ENV_OVERRIDES),
            body: Data { data },
        })?);
    }
    Ok(documents.join("---\n"))
}

/// A card's environment file, with its host in it once.
fn file(before: &str, pair: &Pair<'_>) -> String {
    let others = before.lines().filter(|line| tenant_node(line).is_none() && !line.trim().is_empty());
    let ours = format!("{TENANT_NODE}={}", pair.host.name);
    others.chain([ours.as_str()]).map(|line| format!("{line}\n")).collect()
}
