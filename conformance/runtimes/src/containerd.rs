//! containerd, 1.6 or later, from its configuration to its first image.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::image;
use super::place::{self, Place};
use super::programs::program;
use super::setup::Setup;

/// Copies files instead of stacking file systems: works on every file system, and the image is small.
const SNAPSHOTTER: &str = "native";

/// The command that starts it.
pub(super) fn prepare(setup: &Setup) -> Result<Command> {
    program("runc")?;
    let mut command = Command::new(program("containerd")?);
    fs::write(setup.path("config.toml"), configuration(setup))?;
    command.arg("--config").arg(setup.path("config.toml"));
    Ok(command)
}

/// Imports the image, once it runs.
///
/// # Errors
/// When that fails.
pub fn import(setup: &Setup, place: &Place) -> Result<()> {
    let archive = image::write(&setup.path(""))?;
    let mut ctr = Command::new(program("ctr")?);
    ctr.arg("--address").arg(setup.path("cri.sock")).args(["--namespace", "k8s.io", "images", "import"]);
    // CRI unpacks it when it is first used, and knows for which snapshotter.
    ctr.arg("--no-unpack").arg(archive);
    place::run(place, &mut ctr)?;
    Ok(())
}

/// Its configuration, in version 2: what 1.6 writes and what 2.x still reads.
pub fn configuration(setup: &Setup) -> String {
    let path = |name: &str| setup.path(name).to_string_lossy().into_owned();
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"

[grpc]
  address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image}"
  disable_tcp_service = true
  disable_apparmor = true
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{bin}"
  conf_dir = "{confs}"

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "{SNAPSHOTTER}"
  default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
"#,
        root = path("root"),
        state = path("state"),
        socket = path("cri.sock"),
        image = image::NAME,
        bin = setup.plugins().display(),
        confs = setup.configurations().display(),
    )
}
