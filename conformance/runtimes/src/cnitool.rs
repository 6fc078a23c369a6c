//! cnitool, the command line of the CNI project's library: what every runtime that uses it would see.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use linux::Netns;
use serde_json::Value;

use super::place::{self, Place};
use super::programs::program;
use super::setup::Setup;

/// cnitool with private directories, in a place of its own: its cache is always below `/var/lib/cni`.
#[derive(Debug)]
pub struct Cnitool {
    place: Place,
    setup: Setup,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub struct Done {
    /// Whether its exit status was 0.
    pub success: bool,
    /// What it printed: a result after ADD, nothing after other verbs.
    pub stdout: String,
    /// Why it failed.
    pub stderr: String,
}

impl Done {
    /// The result that it printed.
    ///
    /// # Errors
    /// When it failed, or printed none.
    pub fn result(&self) -> Result<Value> {
        self.ok()?;
        serde_json::from_str(&self.stdout).with_context(|| format!("not a result: {}", self.stdout))
    }

    /// Makes sure that it succeeded.
    ///
    /// # Errors
    /// With what it said.
    pub fn ok(&self) -> Result<()> {
        ensure!(self.success, "{}", self.stderr);
        Ok(())
    }
}

impl Cnitool {
    /// With `network` as its host network, or a namespace with loopback only.
    ///
    /// # Errors
    /// Without root.
    pub fn new(setup: Setup, network: Option<&Netns>) -> Result<Cnitool> {
        Ok(Cnitool { place: Place::new(network)?, setup })
    }

    /// What it was given.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Where it runs.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Makes a pod's network namespace and returns its path, as cnitool sees it.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn sandbox(&self, name: &str) -> Result<PathBuf> {
        place::run(&self.place, Command::new("ip").args(["netns", "add", name]))?;
        Ok(PathBuf::from("/run/netns").join(name))
    }

    /// Calls `verb` (`add`, `check`, `del`, `gc`, `status`) for the network of this name, with variables beside those
    /// that cnitool always gets: `CAP_ARGS`, `CNI_ARGS`.
    ///
    /// # Errors
    /// When cnitool cannot be started.
    pub fn call(
        &self,
        verb: &str,
        network: &str,
        sandbox: &std::path::Path,
        env: &[(&str, &str)],
    ) -> Result<Done> {
        let mut command = Command::new(program("cnitool")?);
        command.args([verb, network]).arg(sandbox);
        command.env("NETCONFPATH", self.setup.configurations()).env("CNI_PATH", self.setup.plugins());
        command.envs(self.setup.environment()).envs(env.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let Output { status, stdout, stderr } = self.place.spawn(&mut command)?.wait_with_output()?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Done { success: status.success(), stdout: text(stdout), stderr: text(stderr) })
    }

    /// The results that the library remembers: one for each attachment.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn remembered(&self) -> Result<Vec<PathBuf>> {
        place::entries(&self.place.path("/var/lib/cni/results"))
    }
}
