//! What a server says about the card.

/// The answer to STATUS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Server and card are well.
    Ready,
    /// The server is there, but too old to know about the card: it takes STATUS for an incomplete pod request.
    Alive,
    /// The server is there and says that the card is not.
    NotReady {
        /// The CNI code of its answer, 50 in every known server.
        code: u32,
        /// Its words, in one line.
        reason: String,
    },
}

impl Health {
    /// Whether the card has stopped renewing its lease: pods that run suffer too (`pkg/node/dpulease/manager.go`).
    pub fn lease_expired(&self) -> bool {
        matches!(self, Health::NotReady { reason, .. } if reason.contains("lease expired"))
    }
}
