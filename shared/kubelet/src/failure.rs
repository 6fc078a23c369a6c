//! Why the kubelet's answer is not known.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why the kubelet could not tell a pod's devices. Every text is one line.
#[derive(Debug, Error)]
pub enum Failure {
    /// Nobody listens.
    #[error("the kubelet's PodResources API does not listen on {}: {source}", path.display())]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What `connect` said.
        source: io::Error,
    },
    /// Whoever listens is not root.
    #[error("{} is not the kubelet's: its listener runs as uid {uid}, not as root", path.display())]
    NotRoot {
        /// The socket.
        path: PathBuf,
        /// Who made it listen.
        uid: u32,
    },
    /// The deadline came first.
    #[error("the kubelet's PodResources API on {} has not answered within {:.1} s", path.display(), waited.as_secs_f64())]
    Timeout {
        /// The socket.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The connection broke before the answer was complete: the kubelet is being restarted.
    #[error("the kubelet hung up before it had answered: {0}")]
    Lost(String),
    /// The kubelet answered with an error.
    #[error("the kubelet's PodResources API refused: {message} (gRPC status {status})")]
    Refused {
        /// The gRPC status code, never 0.
        status: u32,
        /// The text with it, in one line of at most 1 KiB.
        message: String,
    },
    /// The answer is larger than any that is read, as of a pod one of whose drivers has failed many times.
    #[error("the kubelet's PodResources API answered with more than {} MiB", limit >> 20)]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The answer is none: not HTTP/2, not gRPC, not the message it should be. The text says which.
    #[error("the kubelet's PodResources API answered nonsense: {0}")]
    Garbage(String),
}
