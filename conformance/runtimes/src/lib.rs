//! Real runtimes, started for one test each: containerd and CRI-O through CRI, podman, and cnitool. Each has its own
//! socket, root, state, configuration and plugin directories, and the machine's own runtimes never hear of them.
#![forbid(unsafe_code)]

pub mod cgroup;
pub mod cnitool;
mod containerd;
pub mod cri;
mod crio;
pub mod image;
pub mod place;
mod pod;
mod podman;
mod recorder;
mod runtime;
mod setup;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

pub use cnitool::Cnitool;
pub use place::Place;
pub use pod::Pod;
pub use podman::Podman;
pub use recorder::Call;
pub use runtime::Runtime;
pub use setup::Setup;

/// How long a runtime may take for what it does in its own time: to start, to notice a file, to clean up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// A runtime that serves CRI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// containerd.
    Containerd,
    /// CRI-O, which few distributions package.
    Crio,
}

impl Kind {
    /// Whether a test goes without this runtime, which it then says by name. That is allowed for CRI-O only: a
    /// machine without containerd fails the test.
    pub fn skipped(self) -> bool {
        let skipped = self == Kind::Crio && program("crio").is_err();
        if skipped {
            eprintln!("skipped: crio is not on PATH (few distributions package it)");
        }
        skipped
    }

    fn prepare(self, setup: &Setup, place: &Place) -> Result<Command> {
        match self {
            Kind::Containerd => containerd::prepare(setup),
            Kind::Crio => crio::prepare(setup, place),
        }
    }

    fn started(self, runtime: &Runtime) -> Result<()> {
        match self {
            Kind::Containerd => containerd::import(runtime.setup(), runtime.place()),
            Kind::Crio => Ok(()),
        }
    }
}

/// The path of a program.
///
/// # Errors
/// When it is not installed.
pub fn program(name: &str) -> Result<PathBuf> {
    let mut found = programs(name);
    found.next().with_context(|| format!("{name} is not installed; scripts/test gets what the tests need"))
}

/// Every program of this name.
fn programs(name: &str) -> impl Iterator<Item = PathBuf> {
    directories().into_iter().map(move |dir| dir.join(name)).filter(|path| path.is_file())
}

/// Where programs are: on `PATH`, in an `sbin` that is not on everybody's, and among the tools that `scripts/test` puts
/// into `target/tools/bin`.
fn directories() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let exe = std::env::current_exe().unwrap_or_default();
    let tools = exe.ancestors().map(|dir| dir.join("tools/bin"));
    std::env::split_paths(&path).chain(system).chain(tools).collect()
}
