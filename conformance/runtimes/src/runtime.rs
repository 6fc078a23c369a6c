//! A runtime that serves CRI, started for one test.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use linux::Netns;

use super::cgroup::Cgroup;
use super::cri::Client;
use super::kind::Kind;
use super::place::{self, Place};
use super::pod::Pod;
use super::setup::Setup;
use super::{PATIENCE, PAUSE, image};

/// How much of the log a failed test shows.
const LOG_LINES: usize = 40;

/// A running containerd or CRI-O. Dropping it ends it, and everything that it started.
#[derive(Debug)]
pub struct Runtime {
    kind: Kind,
    cri: Client,
    daemon: Child,
    // Fields are dropped in this order: processes, their control groups, their files.
    place: Place,
    cgroup: Cgroup,
    setup: Setup,
}

impl Runtime {
    /// Starts it and waits until it answers. Its host network is `network`, or a namespace with loopback only.
    ///
    /// # Errors
    /// When it is not installed, or does not start; with the end of its log.
    pub fn start(kind: Kind, setup: Setup, network: Option<&Netns>) -> Result<Runtime> {
        let place = Place::new(network)?;
        let cgroup = Cgroup::unique()?;
        let daemon = launch(kind, &setup, &place)?;
        let cri = Client::new(&setup.path("cri.sock"));
        let mut runtime = Runtime { kind, cri, daemon, place, cgroup, setup };
        runtime.wait_for_answer()?;
        kind.started(&runtime.setup, &runtime.place)?;
        runtime
            .wait(|runtime| runtime.cri.has_image(image::NAME).unwrap_or(false))
            .context("waiting for the image")?;
        Ok(runtime)
    }

    /// Kills it and starts it again with everything that it was given, as an upgrade does: pods run on.
    ///
    /// # Errors
    /// When it does not start; with the end of its log.
    pub fn restart(&mut self) -> Result<()> {
        self.daemon.kill()?;
        self.daemon.wait()?;
        self.daemon = launch(self.kind, &self.setup, &self.place)?;
        self.wait_for_answer()
    }

    fn wait_for_answer(&mut self) -> Result<()> {
        self.wait(|runtime| runtime.cri.network().is_ok()).context("waiting for the runtime's first answer")
    }

    /// Its CRI service.
    pub fn cri(&self) -> &Client {
        &self.cri
    }

    /// Where it runs.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What it was given.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// A pod for this runtime.
    pub fn pod(&self, namespace: &str, name: &str) -> Pod {
        Pod::new(namespace, name, &self.cgroup.parent(), &self.setup.path("logs"))
    }

    /// Waits until `true`, which the runtime brings about in its own time.
    ///
    /// # Errors
    /// When it does not within a minute, or when the runtime has ended; with the end of its log.
    pub fn wait(&mut self, mut until: impl FnMut(&Runtime) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !until(self) {
            if let Some(status) = self.daemon.try_wait()? {
                bail!("the runtime ended with {status}:\n{}", self.log());
            }
            if Instant::now() > deadline {
                bail!("not within {} s:\n{}", PATIENCE.as_secs(), self.log());
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Everything that should be gone with the last pod, and is still there: sandboxes, containers, their processes,
    /// control groups, mounts, network namespaces, and what the runtime's CNI library remembers.
    ///
    /// # Errors
    /// When it cannot be seen.
    pub fn leftovers(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        found.extend(self.cri.sandboxes()?.into_iter().map(|id| format!("sandbox {id}")));
        found.extend(self.cri.containers()?.into_iter().map(|id| format!("container {id}")));
        let daemon = self.daemon_name();
        let others = self.place.running()?.into_iter().filter(|(_, name)| *name != daemon);
        found.extend(others.map(|(id, name)| format!("process {id} ({name})")));
        found.extend(self.cgroup.children().iter().map(|path| format!("control group {}", path.display())));
        found.extend(self.mounts()?.into_iter().map(|path| format!("mount {path}")));
        for dir in ["/run/netns", "/var/lib/cni/results"] {
            found.extend(
                place::entries(&self.place.path(dir))?.iter().map(|path| format!("{}", path.display())),
            );
        }
        Ok(found)
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.setup.path("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    fn daemon_name(&self) -> String {
        let name = fs::read_to_string(format!("/proc/{}/comm", self.daemon.id()));
        name.unwrap_or_default().trim().to_owned()
    }

    /// Mounts below the runtime's own directories, and namespaces bound anywhere.
    fn mounts(&self) -> Result<Vec<String>> {
        let own = self.setup.path("");
        let own = own.to_string_lossy();
        let table = fs::read_to_string(format!("/proc/{}/mounts", self.daemon.id()))?;
        let fields = table.lines().filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        });
        let pods = fields.filter(|(point, kind)| *kind == "nsfs" || point.starts_with(&*own));
        Ok(pods.map(|(point, _)| point.to_owned()).collect())
    }
}

fn launch(kind: Kind, setup: &Setup, place: &Place) -> Result<Child> {
    let mut command = kind.prepare(setup, place)?;
    let log = File::options().create(true).append(true).open(setup.path("log"))?;
    let daemon = command.envs(setup.environment()).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    place.spawn(daemon)
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the runtime's log ends with:\n{}", self.log());
        }
        // It can only have ended before.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
