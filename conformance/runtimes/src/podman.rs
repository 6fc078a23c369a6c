//! podman with the CNI backend, which versions before 5 can be built with.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use linux::Netns;

use super::cgroup::Cgroup;
use super::place::{self, Place};
use super::programs::program;
use super::setup::Setup;
use super::{PATIENCE, PAUSE, image};

/// What a test's container is called.
const NAME: &str = "one";

/// podman with private directories, in a place of its own.
#[derive(Debug)]
pub struct Podman {
    // Fields are dropped in this order: processes, their control groups, their files.
    place: Place,
    cgroup: Cgroup,
    setup: Setup,
}

impl Podman {
    /// podman with the image loaded, or nothing, which it then says by name, when this machine's podman has been built
    /// without the CNI backend.
    ///
    /// # Errors
    /// When podman is not installed, or does not work.
    pub fn start(setup: Setup, network: Option<&Netns>) -> Result<Option<Podman>> {
        fs::write(setup.path("containers.conf"), configuration(&setup)?)?;
        fs::write(setup.path("storage.conf"), storage(&setup))?;
        let podman = Podman { place: Place::new(network)?, cgroup: Cgroup::unique()?, setup };
        let backend = podman.run(&["info", "--format", "{{.Host.NetworkBackend}}"], &[])?;
        if String::from_utf8_lossy(&backend.stdout).trim() != "cni" {
            let said = String::from_utf8_lossy(&backend.stderr);
            eprintln!("skipped: this podman has no CNI backend: {}", said.trim());
            return Ok(None);
        }
        let archive = image::write(&podman.setup.path(""))?;
        let policy = podman.setup.signature_policy()?;
        let load =
            ["load", "--signature-policy", &policy.to_string_lossy(), "--input", &archive.to_string_lossy()];
        let loaded = podman.run(&load, &[])?;
        if !loaded.status.success() {
            bail!("podman load: {}", String::from_utf8_lossy(&loaded.stderr));
        }
        Ok(Some(podman))
    }

    /// What it was given.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Runs a container of this network to its end, and removes it. `CNI_ARGS` in podman's environment, which is
    /// `env`, reaches the plugins.
    ///
    /// The network may be torn down by a process that podman leaves behind: this waits for it too.
    ///
    /// # Errors
    /// When podman cannot be started, or what it started does not end.
    pub fn container(&self, network: &str, command: &[&str], env: &[(&str, &str)]) -> Result<Output> {
        let parent = self.cgroup.parent();
        let options =
            ["run", "--cgroup-parent", &parent, "--network", network, "--cap-add", "NET_RAW", "--name", NAME];
        let done = self.run(&[&options, &["--entrypoint", "", image::NAME][..], command].concat(), env)?;
        let removed = self.run(&["rm", "--force", "--ignore", NAME], env)?;
        ensure!(removed.status.success(), "podman rm: {}", String::from_utf8_lossy(&removed.stderr));
        self.rest()?;
        Ok(done)
    }

    /// Waits until nothing runs any more.
    fn rest(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.processes()?.is_empty() {
            ensure!(Instant::now() < deadline, "still running: {:?}", self.processes()?);
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn processes(&self) -> Result<Vec<String>> {
        Ok(self.place.running()?.into_iter().map(|(id, name)| format!("process {id} ({name})")).collect())
    }

    fn run(&self, args: &[&str], env: &[(&str, &str)]) -> Result<Output> {
        let mut command = Command::new(program("podman")?);
        command.args(args).envs(self.setup.environment()).envs(env.iter().copied());
        command.env("CONTAINERS_CONF", self.setup.path("containers.conf"));
        command.env("CONTAINERS_STORAGE_CONF", self.setup.path("storage.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(self.place.spawn(&mut command)?.wait_with_output()?)
    }

    /// Everything that should be gone with the last container, and is still there.
    ///
    /// # Errors
    /// When it cannot be seen.
    pub fn leftovers(&self) -> Result<Vec<String>> {
        let listed = self.run(&["ps", "--all", "--quiet"], &[])?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let mut found: Vec<String> = listed.lines().map(|id| format!("container {id}")).collect();
        found.extend(self.processes()?);
        found.extend(self.cgroup.children().iter().map(|path| format!("control group {}", path.display())));
        for dir in ["/run/netns", "/var/lib/cni/results"] {
            found
                .extend(place::entries(&self.place.path(dir))?.iter().map(|path| path.display().to_string()));
        }
        Ok(found)
    }
}

fn configuration(setup: &Setup) -> Result<String> {
    Ok(format!(
        r#"[engine]
cgroup_manager = "cgroupfs"
conmon_path = ["{conmon}"]
events_logger = "none"
runtime = "runc"

[engine.runtimes]
runc = ["{runc}"]

[containers]
log_driver = "k8s-file"
apparmor_profile = ""
# Its monitor would get a control group outside the one that we remove.
cgroups = "no-conmon"
# podman asks for more than root may have in a container.
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]

[network]
network_backend = "cni"
cni_plugin_dirs = ["{plugins}"]
network_config_dir = "{configurations}"
"#,
        conmon = program("conmon")?.display(),
        runc = program("runc")?.display(),
        plugins = setup.plugins().display(),
        configurations = setup.configurations().display(),
    ))
}

fn storage(setup: &Setup) -> String {
    let (root, run) = (setup.path("root"), setup.path("runroot"));
    // Copies directories instead of stacking file systems: works on every file system, and the image is small.
    format!(
        "[storage]\ndriver = \"vfs\"\ngraphroot = \"{}\"\nrunroot = \"{}\"\n",
        root.display(),
        run.display()
    )
}
