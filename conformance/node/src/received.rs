//! What reached the server.

use std::collections::BTreeMap;

use ovnkube::Request;
use serde_json::{Map, Value};

/// A request that reached the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Its `CNI_COMMAND`.
    pub command: String,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// Its network configuration; `null` when it has none.
    pub config: Value,
    /// Its device information.
    pub device_info: Map<String, Value>,
}

impl Received {
    pub(super) fn new(request: &Request) -> Self {
        Received {
            command: request.env.get("CNI_COMMAND").cloned().unwrap_or_default(),
            env: request.env.clone(),
            config: serde_json::from_slice(&request.config).unwrap_or(Value::Null),
            device_info: request.device_info.clone(),
        }
    }
}
