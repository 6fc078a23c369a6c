//! Why there is no answer.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why a call of ovnkube-node's CNI server brought nothing usable. Every text is one line.
#[derive(Debug, Error)]
pub enum Failure {
    /// Nobody listens: no socket, or one whose server is gone. Nothing was sent.
    #[error("ovnkube-node's CNI server does not listen on {}: {source}", path.display())]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What `connect` said.
        source: io::Error,
    },
    /// Whoever listens is not root. Nothing was sent.
    #[error("{} is not ovnkube-node's: its listener runs as uid {uid}, not as root", path.display())]
    NotRoot {
        /// The socket.
        path: PathBuf,
        /// Who made it listen, as seen from our user namespace.
        uid: u32,
    },
    /// The deadline came first.
    #[error("ovnkube-node's CNI server on {} has not answered within {:.1} s", path.display(), waited.as_secs_f64())]
    Timeout {
        /// The socket.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
        /// Whether the server has the whole request, and so may still act on it.
        sent: bool,
    },
    /// The server's answer is a CNI error.
    #[error("ovnkube-node answered {msg}{}{details} (code {code})", if details.is_empty() { "" } else { "; " })]
    Cni {
        /// Its code, never 0.
        code: u32,
        /// Its message.
        msg: String,
        /// Its details, often empty.
        details: String,
    },
    /// The server's answer is an error in plain text: its text, in one line of at most 1 KiB.
    #[error("ovnkube-node refused: {0}")]
    Refused(String),
    /// The answer is none: not HTTP, not JSON, of wrong types, too large. The text says which.
    #[error("ovnkube-node's CNI server answered nonsense: {0}")]
    Garbage(String),
    /// The connection broke after the request was sent, before the answer was complete.
    #[error("ovnkube-node's CNI server hung up before it had answered: {0}")]
    Lost(#[source] io::Error),
}

impl Failure {
    /// Whether the server may have acted on the request, or may still: a privileged one goes on for its own two
    /// minutes whoever hangs up (`cniserver.go: handleCNIRequest`).
    pub fn may_have_acted(&self) -> bool {
        match self {
            Failure::Timeout { sent, .. } => *sent,
            Failure::Garbage(_) | Failure::Lost(_) => true,
            Failure::Unreachable { .. }
            | Failure::NotRoot { .. }
            | Failure::Cni { .. }
            | Failure::Refused(_) => false,
        }
    }
}
