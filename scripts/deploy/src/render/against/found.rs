//! What is said of the cluster's objects.

use serde_json::Value;

use crate::fault::Faults;

/// What was found: refusals, and what a person should know.
pub(super) struct Found<'a> {
    pub(super) faults: &'a mut Faults,
    pub(super) warnings: Vec<String>,
}

pub(super) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}
