//! What a runtime is given: plugins, a network configuration, an environment, a network. And where it keeps what it
//! makes: one temporary directory.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::programs::directories;
use super::recorder::{self, Call};

/// The private directories of one runtime.
#[derive(Debug)]
pub struct Setup {
    dir: TempDir,
    plugins: PathBuf,
    configurations: PathBuf,
    env: Vec<(OsString, OsString)>,
}

impl Setup {
    /// Directories without a plugin and without a configuration.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn new() -> Result<Setup> {
        let dir = tempfile::Builder::new().prefix("dpu-rt-").tempdir()?;
        let (plugins, configurations) = (dir.path().join("bin"), dir.path().join("net.d"));
        for path in [&plugins, &configurations, &dir.path().join("logs")] {
            fs::create_dir(path)?;
        }
        Ok(Setup { dir, plugins, configurations, env: Vec::new() })
    }

    /// The directories of an installation: what somebody else has put there is what the runtime gets.
    ///
    /// # Errors
    /// When its own directory cannot be made.
    pub fn installed(plugins: PathBuf, configurations: PathBuf) -> Result<Setup> {
        Ok(Setup { plugins, configurations, ..Setup::new()? })
    }

    /// Installs the plugin at `path` under its own name.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn plugin(self, path: &Path) -> Result<Setup> {
        let name = path.file_name().context("a plugin without a name")?;
        symlink(path, self.plugins().join(name))?;
        Ok(self)
    }

    /// Installs one of the containernetworking project's plugins.
    ///
    /// # Errors
    /// When it is not on this machine.
    pub fn reference_plugin(self, name: &str) -> Result<Setup> {
        // Distributions keep them in lib/cni beside a bin, and packages may be unpacked anywhere, without a bin.
        let places = directories();
        let mut files = places.iter().filter_map(|bin| Some(bin.parent()?.join("lib/cni").join(name)));
        let installed = files.find(|path| path.is_file());
        let path =
            installed.with_context(|| format!("no {name}: apt-get install containernetworking-plugins"))?;
        self.plugin(&path)
    }

    /// Installs the plugin at `path` under its own name, with something in front that records how it is called.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn recorded_plugin(self, path: &Path) -> Result<Setup> {
        let name = path.file_name().context("a plugin without a name")?;
        recorder::in_front_of(path, &self.plugins().join(name), &self.record())?;
        Ok(self)
    }

    /// Installs a plugin that passes on the result it is given, or makes up one, and records how it is called.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn stub_plugin(self, name: &str) -> Result<Setup> {
        recorder::stub(&self.plugins().join(name), &self.record())?;
        Ok(self)
    }

    /// The calls of stubs and recorded plugins up to now, in order.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn calls(&self) -> Result<Vec<Call>> {
        recorder::calls(&self.record())
    }

    /// Adds a network configuration, as an installer does: under its name only once it is complete.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn configuration(self, file: &str, content: &serde_json::Value) -> Result<Setup> {
        self.add_configuration(file, content)?;
        Ok(self)
    }

    /// The same, while a runtime uses these directories. The first name is in the same directory: containerd 1.6
    /// notices a file that is renamed there, and none that is moved in from elsewhere.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_configuration(&self, file: &str, content: &serde_json::Value) -> Result<()> {
        let name = self.configurations().join(file);
        let incomplete = name.with_extension("incomplete");
        fs::write(&incomplete, content.to_string())?;
        fs::rename(&incomplete, name)?;
        Ok(())
    }

    /// Adds a variable to the environment of the runtime, and so of the plugins.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Setup {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Writes the policy by which images need no signature, and returns its path.
    pub(super) fn signature_policy(&self) -> Result<PathBuf> {
        let path = self.path("policy.json");
        fs::write(&path, r#"{"default":[{"type":"insecureAcceptAnything"}]}"#)?;
        Ok(path)
    }

    /// The plugin directory.
    pub fn plugins(&self) -> PathBuf {
        self.plugins.clone()
    }

    /// The configuration directory.
    pub fn configurations(&self) -> PathBuf {
        self.configurations.clone()
    }

    /// Something else that is this runtime's own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn record(&self) -> PathBuf {
        self.path("record")
    }

    pub(super) fn environment(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.env.iter().map(|(name, value)| (name, value))
    }
}
