//! CRI-O, from its configuration to its first image.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::image;
use super::place::{self, Place};
use super::programs::program;
use super::setup::Setup;

/// Copies directories instead of stacking file systems: works on every file system, and the image is small.
const DRIVER: &str = "vfs";

/// Imports the image and returns the command that starts CRI-O. It cannot import one itself; podman uses the same
/// store.
pub(super) fn prepare(setup: &Setup, place: &Place) -> Result<Command> {
    fs::write(setup.path("crio.conf"), configuration(setup)?)?;
    let archive = image::write(&setup.path(""))?;
    let mut podman = Command::new(program("podman")?);
    podman.arg("--root").arg(setup.path("root")).arg("--runroot").arg(setup.path("runroot"));
    podman.arg("--tmpdir").arg(setup.path("podman")).args([
        "--storage-driver",
        DRIVER,
        "--cgroup-manager",
        "cgroupfs",
    ]);
    podman.arg("load").arg("--signature-policy").arg(setup.signature_policy()?).arg("--input").arg(archive);
    place::run(place, &mut podman)?;

    let mut command = Command::new(program("crio")?);
    command.arg("--config").arg(setup.path("crio.conf")).args(["--config-dir", ""]);
    Ok(command)
}

fn configuration(setup: &Setup) -> Result<String> {
    let path = |name: &str| setup.path(name).to_string_lossy().into_owned();
    Ok(format!(
        r#"[crio]
root = "{root}"
runroot = "{runroot}"
storage_driver = "{DRIVER}"
log_dir = "{logs}"
version_file = "{version}"
version_file_persist = ""
clean_shutdown_file = "{clean}"

[crio.api]
listen = "{socket}"

[crio.runtime]
default_runtime = "runc"
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
namespaces_dir = "/run"
container_exits_dir = "{exits}"
container_attach_socket_dir = "{attach}"
hooks_dir = []
apparmor_profile = "unconfined"

[crio.runtime.runtimes.runc]
runtime_path = "{runc}"
runtime_root = "{runc_root}"
monitor_path = "{conmon}"
monitor_cgroup = "pod"

[crio.image]
pause_image = "{image}"
pause_command = ""
signature_policy = "{policy}"

[crio.network]
network_dir = "{confs}"
plugin_dirs = ["{bin}"]
"#,
        root = path("root"),
        runroot = path("runroot"),
        logs = path("logs"),
        version = path("version"),
        clean = path("clean.shutdown"),
        socket = path("cri.sock"),
        exits = path("exits"),
        attach = path("attach"),
        runc = program("runc")?.display(),
        runc_root = path("runc"),
        conmon = program("conmon")?.display(),
        image = image::NAME,
        policy = path("policy.json"),
        confs = setup.configurations().display(),
        bin = setup.plugins().display(),
    ))
}
