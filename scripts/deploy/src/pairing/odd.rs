//! What is odd about a pair, or about who has none.

use std::fmt;

use serde::Serialize;

use crate::inventory::NodeName;

/// Which oddity, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Kind {
    AddressTwice,
    SerialTwice,
    SeveralCards,
    SeveralHosts,
    SerialAndAddressDisagree,
    CardWithoutHost,
    FunctionWithoutCard,
    PortWithoutFunction,
    Contradicted,
}

/// One oddity.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Oddity {
    kind: Kind,
    hosts: Vec<NodeName>,
    cards: Vec<NodeName>,
    why: String,
    remedy: String,
}

impl Oddity {
    /// A reason and a remedy, each a clause without a full stop.
    pub(super) fn new(kind: Kind, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Oddity { kind, hosts: Vec::new(), cards: Vec::new(), why: why.into(), remedy: remedy.into() }
    }

    /// The hosts that it is about, each once.
    pub(super) fn hosts<'n>(mut self, names: impl IntoIterator<Item = &'n NodeName>) -> Self {
        self.hosts = names.into_iter().cloned().collect();
        self.hosts.sort();
        self.hosts.dedup();
        self
    }

    /// The cards that it is about, each once.
    pub(super) fn cards<'n>(mut self, names: impl IntoIterator<Item = &'n NodeName>) -> Self {
        self.cards = names.into_iter().cloned().collect();
        self.cards.sort();
        self.cards.dedup();
        self
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", plain(&self.why), plain(&self.remedy))
    }
}

/// A text that others wrote, for a terminal: in one line, and without a way to command it.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
