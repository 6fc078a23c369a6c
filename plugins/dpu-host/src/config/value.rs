//! Values of the configuration as messages show them.

use cni::{Error, code};
use serde_json::Value;

/// A value of the configuration that cannot be used: code 7.
pub(crate) fn invalid(key: &str, value: &str, allowed: &str) -> Error {
    Error::new(code::INVALID_CONFIG, format!("{key} '{}' cannot be used", brief(value)))
        .details(format!("it must be {allowed}"))
}

/// A tenant's words: a pod event has room for some.
pub(super) fn brief(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A JSON value as people write it, for messages.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
