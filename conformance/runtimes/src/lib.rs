//! Real runtimes, started for one test each: containerd and CRI-O through CRI, podman, and cnitool. Each has its own
//! socket, root, state, configuration and plugin directories, and the machine's own runtimes never hear of them.
#![forbid(unsafe_code)]

pub mod cgroup;
pub mod cnitool;
pub mod containerd;
pub mod cri;
mod crio;
pub mod image;
mod kind;
pub mod place;
mod pod;
mod podman;
mod programs;
mod recorder;
mod runtime;
mod setup;

use std::time::Duration;

pub use cnitool::Cnitool;
pub use kind::Kind;
pub use place::Place;
pub use pod::Pod;
pub use podman::Podman;
pub use programs::{directories, program};
pub use recorder::Call;
pub use runtime::Runtime;
pub use setup::Setup;

/// How long a runtime may take for what it does in its own time: to start, to notice a file, to clean up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks meanwhile.
const PAUSE: Duration = Duration::from_millis(50);
