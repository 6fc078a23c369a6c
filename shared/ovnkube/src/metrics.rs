//! What a client posts to `/metrics`.

use serde::{Deserialize, Serialize};

/// How long a call took and whether it failed, for ovnkube-node's own histogram
/// (`ovnkube_node_cni_request_duration_seconds`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// The CNI command.
    pub command: String,
    /// Seconds.
    #[serde(rename = "elapsedTime")]
    pub elapsed: f64,
    /// Whether it failed.
    #[serde(rename = "hasErr")]
    pub failed: bool,
}
