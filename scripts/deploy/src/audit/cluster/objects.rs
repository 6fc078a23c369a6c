//! What is looked at, and what one object means among the others.

use serde_json::Value;

/// A node.
pub(super) struct Node<'a>(pub(super) &'a Value);

impl Node<'_> {
    pub(super) fn name(&self) -> &str {
        self.0["metadata"]["name"].as_str().unwrap_or_default()
    }

    pub(super) fn label(&self, key: &str) -> Option<&str> {
        self.0["metadata"]["labels"][key].as_str()
    }

    /// Whether a device plugin gives this resource there.
    pub(super) fn offers_any(&self, resource: &str) -> bool {
        self.0["status"]["allocatable"][resource].as_str().is_some_and(|count| count != "0")
    }

    /// The key of its mode; of the first, if it has several.
    pub(super) fn mode<'c>(&self, cluster: &'c Cluster<'_>) -> Option<&'c str> {
        cluster.modes.iter().map(String::as_str).find(|key| self.label(key).is_some())
    }
}

/// A pool.
pub(super) struct Pool<'a>(pub(super) &'a Value);

impl Pool<'_> {
    pub(super) fn name(&self) -> &str {
        self.0["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// A node can be in one of these only.
    pub(super) fn is_custom(&self) -> bool {
        !["master", "worker"].contains(&self.name())
    }

    /// The label that brings a node into it.
    pub(super) fn role(&self) -> &str {
        let labels = self.0["spec"]["nodeSelector"]["matchLabels"].as_object();
        labels.and_then(|labels| labels.keys().next()).map_or("ROLE", String::as_str)
    }

    pub(super) fn selects(&self, node: &Node<'_>) -> bool {
        let labels = self.0["spec"]["nodeSelector"]["matchLabels"].as_object();
        labels.is_some_and(|labels| {
            !labels.is_empty() && labels.iter().all(|(key, value)| node.label(key) == value.as_str())
        })
    }
}

/// What one object means among the others.
pub(super) struct Cluster<'a> {
    /// Label keys: of hosts, of cards, and of the third mode.
    pub(super) modes: [String; 3],
    /// The resource of management ports.
    pub(super) management: Option<&'a str>,
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) pools: Vec<Pool<'a>>,
    /// Whether a driver may give pods their VFs: no node offers those.
    pub(super) by_claim: bool,
}

impl Cluster<'_> {
    /// Whether a node has the label as the operator's configuration has it, which is what makes it render anything.
    pub(super) fn rendered(&self, mode: &str) -> bool {
        self.nodes.iter().any(|node| node.label(mode) == Some(""))
    }

    /// The pools, other than those of OpenShift, that are ours by their name or by a node in a mode.
    pub(super) fn ours(&self) -> impl Iterator<Item = &Pool<'_>> {
        self.pools.iter().filter(|pool| {
            let has = |node: &Node<'_>| pool.selects(node) && node.mode(self).is_some();
            pool.is_custom() && (["dpu-host", "dpu-nic"].contains(&pool.name()) || self.nodes.iter().any(has))
        })
    }
}
