//! What is said of pairs already: by Open vSwitch on the card, by the operators' objects.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::nodes::Nodes;

/// The label that DPF's provisioner puts on a card's node, and reads again
/// (`internal/cniprovisioner/dpu/provisioner.go`).
pub(super) const DPF_LABEL: &str = "provisioning.dpu.nvidia.com/host";
/// OpenShift's DPU network operator's: a key for each card's node, an environment file as its value
/// (`pkg/utils/tenant_config.go`).
pub(super) const ENV_OVERRIDES: &str = "env-overrides";
/// The one line of that file that matters here.
pub(super) const TENANT_NODE: &str = "TENANT_K8S_NODE";

/// Who says which host a card has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Source {
    #[serde(rename = "host-k8s-nodename")]
    Ovs,
    #[serde(rename = "env-overrides")]
    EnvOverrides,
    #[serde(rename = "label")]
    Dpf,
}

impl Source {
    /// As a person calls it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Source::Ovs => "host-k8s-nodename",
            Source::EnvOverrides => ENV_OVERRIDES,
            Source::Dpf => "label",
        }
    }

    /// What `--as` prints to mend it.
    pub(super) fn form(self) -> &'static str {
        match self {
            Source::Ovs => "ovs",
            Source::EnvOverrides => ENV_OVERRIDES,
            Source::Dpf => "dpf",
        }
    }
}

/// Says which host a card has.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) source: Source,
    /// Where that is.
    pub(super) place: String,
    pub(super) host: String,
}

/// What is said of each card, by its name.
#[derive(Debug, Default)]
pub(super) struct Claims(BTreeMap<String, Vec<Claim>>);

impl Claims {
    pub(super) fn of(nodes: &Nodes, objects: &[Value]) -> Self {
        let mut claims = Claims::default();
        for card in &nodes.cards {
            if let Some(host) = &card.host_node {
                let place = "external_ids:host-k8s-nodename of its Open vSwitch".to_owned();
                claims.add(card.name.as_str(), Source::Ovs, place, host);
            }
        }
        for object in objects {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let label = &object["metadata"]["labels"][DPF_LABEL];
            if let Some(host) = label.as_str().filter(|_| object["kind"] == "Node") {
                claims.add(name, Source::Dpf, format!("the label {DPF_LABEL} of its node"), host);
            }
            for (card, file) in overrides(object) {
                if let Some(host) = tenant_node(file) {
                    let place = format!("the ConfigMap {}/{ENV_OVERRIDES}", namespace(object));
                    claims.add(card, Source::EnvOverrides, place, host);
                }
            }
        }
        claims
    }

    fn add(&mut self, card: &str, source: Source, place: String, host: &str) {
        self.0.entry(card.to_owned()).or_default().push(Claim { source, place, host: host.to_owned() });
    }

    /// What is said of this card.
    pub(super) fn about(&self, card: &str) -> &[Claim] {
        self.0.get(card).map_or(&[], Vec::as_slice)
    }
}

/// The environment files of that ConfigMap, by their keys; none of any other object. The hosts' cluster may have one of
/// that name too, without hosts in it.
pub(super) fn overrides(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    let is_it = object["kind"] == "ConfigMap" && object["metadata"]["name"] == ENV_OVERRIDES;
    let data = object["data"].as_object().filter(|_| is_it).into_iter().flatten();
    data.filter_map(|(key, file)| Some((key.as_str(), file.as_str()?)))
}

pub(super) fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or("default")
}

/// Who a card works for, by its environment file; the last line counts.
pub(super) fn tenant_node(file: &str) -> Option<&str> {
    let mut values = file.lines().filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        let key = key.trim();
        (key.strip_prefix("export ").unwrap_or(key).trim() == TENANT_NODE).then_some(value)
    });
    values.next_back().map(|value| value.trim_matches(|c: char| c == '"' || c == '\'' || c.is_whitespace()))
}
