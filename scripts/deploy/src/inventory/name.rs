//! Names of nodes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a Node, which is a DNS subdomain: safe in a file of objects and in a shell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct NodeName(String);

impl NodeName {
    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NodeName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let part = |part: &str| {
            part.chars().all(|c| plain(c) || c == '-') && part.starts_with(plain) && part.ends_with(plain)
        };
        let is_name = text.len() <= 253 && text.split('.').all(part);
        if is_name { Ok(NodeName(text)) } else { Err(format!("{text:?} cannot be the name of a node")) }
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
