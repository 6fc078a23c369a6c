//! Files of a node as a MachineConfig: Ignition 3.4, the newest that every supported OpenShift reads.
//!
//! The machine config daemon decodes a `data:` URL with `compression` absent, empty or `gzip`, and refuses links,
//! appended files and modes beyond 0777 (`pkg/controller/common/{helpers,reconcile}.go`).

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};
use serde::Serialize;

use crate::manifest::{Meta, Object, Spec, object};

/// A file on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeFile {
    /// Absolute.
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) content: Vec<u8>,
}

impl NodeFile {
    /// A file that anybody may read.
    pub(crate) fn text(path: impl Into<String>, content: impl Into<String>) -> Self {
        NodeFile { path: path.into(), mode: 0o644, content: content.into().into_bytes() }
    }
}

/// A MachineConfig's spec.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MachineConfig {
    config: Config,
}

#[derive(Clone, Debug, Serialize)]
struct Config {
    ignition: Ignition,
    storage: Storage,
}

#[derive(Clone, Debug, Serialize)]
struct Ignition {
    version: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Storage {
    files: Vec<File>,
}

#[derive(Clone, Debug, Serialize)]
struct File {
    path: String,
    mode: u32,
    overwrite: bool,
    contents: Contents,
}

#[derive(Clone, Debug, Serialize)]
struct Contents {
    compression: &'static str,
    source: String,
}

/// The MachineConfig that puts `files` on the nodes of `role`.
pub(crate) fn machine_config(name: String, role: &str, files: &[NodeFile]) -> Object<Spec<MachineConfig>> {
    let meta = Meta::cluster(name).label("machineconfiguration.openshift.io/role", role);
    let files = files.iter().map(file).collect();
    let config = Config { ignition: Ignition { version: "3.4.0" }, storage: Storage { files } };
    object("machineconfiguration.openshift.io/v1", "MachineConfig", meta, MachineConfig { config })
}

fn file(file: &NodeFile) -> File {
    let contents = Contents {
        // Said for every file: where two MachineConfigs write one file, a merge must not mix them up.
        compression: "gzip",
        source: format!("data:;base64,{}", STANDARD.encode(gzip(&file.content))),
    };
    File { path: file.path.clone(), mode: file.mode, overwrite: true, contents }
}

/// The same bytes for the same content, on every machine and at any time.
#[allow(clippy::expect_used, reason = "writing to memory cannot fail")]
fn gzip(content: &[u8]) -> Vec<u8> {
    // 255: no operating system is named.
    let mut encoder = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    encoder.write_all(content).and_then(|()| encoder.finish()).expect("memory takes every write")
}
