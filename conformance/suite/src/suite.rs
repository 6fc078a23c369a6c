//! What is the same for every trial: the plugin, its configuration, what it answers to plain calls.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::answer::Outcome;
use super::call::Common;
use super::conf::Template;
use super::fixture::known::Known;
use super::fixture::{Fixture, none};
use super::levels::Profile;

/// The name in [`Suite::plain`] of a DEL for a container that was never ADDed.
pub(crate) const IDLE_DEL: &str = "DEL of nothing";

/// See the module.
pub(crate) struct Suite {
    /// The plugin as the user named it; calls execute a copy.
    pub plugin: PathBuf,
    /// What the user gave for a configuration.
    pub config: Option<PathBuf>,
    /// Whether the suite knew one by itself.
    pub builtin: bool,
    /// The configuration, as far as plugins see it.
    pub template: Template,
    /// The profile.
    pub profile: Profile,
    /// `CNI_IFNAME`.
    pub ifname: String,
    /// The plugin's surroundings.
    pub fixture: Box<dyn Fixture>,
    /// What all calls have in common.
    pub common: Common,
    /// How the random inputs are made.
    pub random: Random,
    /// The versions that the plugin lists, in its order.
    pub versions: Vec<String>,
    /// Those of them that checks run with.
    pub chosen: Vec<String>,
    /// How plain calls end, by verb and version.
    pub plain: BTreeMap<(&'static str, String), Outcome>,
    numbers: AtomicUsize,
    dir: TempDir,
}

/// How many inputs, and from which number they are made: the same number makes the same inputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random {
    /// How many.
    pub count: usize,
    /// The number.
    pub seed: u64,
}

/// What a suite is made from.
pub(crate) struct Subject {
    /// The plugin.
    pub plugin: PathBuf,
    /// Its configuration.
    pub config: Option<PathBuf>,
    /// The profile, where the user chose one.
    pub profile: Option<Profile>,
    /// `CNI_IFNAME`, where it matters.
    pub ifname: Option<String>,
    /// The plugin's surroundings, where the user gave any.
    pub fixture: Option<Box<dyn Fixture>>,
    /// What all calls have in common.
    pub common: Common,
    /// How the random inputs are made.
    pub random: Random,
}

impl Suite {
    /// Copies the plugin to a directory of the suite's own, where nobody else writes, with links to everything that
    /// lies beside it.
    pub(crate) fn new(subject: Subject) -> Result<Suite> {
        let Subject { plugin, config, profile, ifname, fixture, common, random } = subject;
        ensure!(plugin.is_file(), "{} is not a file", plugin.display());
        // Here, where it has the name that the user gave; trials start a copy.
        let mode = fs::metadata(&plugin)?.permissions().mode();
        ensure!(mode & 0o111 != 0, "{} is not executable", plugin.display());
        let plugin = plugin.canonicalize().with_context(|| format!("finding {}", plugin.display()))?;
        let kind =
            plugin.file_name().and_then(|name| name.to_str()).context("the plugin's name is not UTF-8")?;
        let known = if config.is_none() && fixture.is_none() { Known::of(kind)? } else { None };
        let template = match (&config, known) {
            (Some(path), _) => Template::read(kind, path)?,
            (None, known) => Template::new(kind, known.map(Known::config).unwrap_or_default()),
        };
        let profile = profile.unwrap_or_else(|| known.map_or(Profile::default(), Known::profile));
        let ifname = ifname.unwrap_or_else(|| known.and_then(Known::ifname).unwrap_or("eth0").to_owned());
        let fixture = fixture.unwrap_or_else(|| match known {
            Some(known) => Box::new(known),
            None => Box::new(none::None),
        });
        let dir =
            tempfile::Builder::new().prefix("cni-conformance-").tempdir().context("making a directory")?;
        let bin = dir.path().join("bin");
        fill(&bin, &plugin).with_context(|| format!("copying {}", plugin.display()))?;
        let common = Common { program: bin.join(kind), ..common };
        let (versions, chosen) = (Vec::new(), Vec::new());
        let (plain, numbers) = (BTreeMap::new(), AtomicUsize::new(0));
        Ok(Suite {
            plugin,
            config,
            builtin: known.is_some(),
            template,
            profile,
            ifname,
            fixture,
            common,
            random,
            versions,
            chosen,
            plain,
            numbers,
            dir,
        })
    }

    /// Where the configuration comes from.
    pub(crate) fn configuration(&self) -> Option<String> {
        let file = || self.config.as_ref().map(|path| path.display().to_string());
        if self.builtin { Some("built in".to_owned()) } else { file() }
    }

    /// A directory that goes away with the suite.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What trials see of the machine even where its state is hidden from them: where the suite and its surroundings
    /// have their files, and where plugins are, which links lead to.
    pub(crate) fn kept(&self) -> [PathBuf; 4] {
        let beside = self.plugin.parent().unwrap_or(Path::new("/"));
        [env::temp_dir(), self.dir().to_owned(), beside.to_owned(), PathBuf::from("/var/lib/cni/bin")]
    }

    /// `CNI_PATH`.
    pub(crate) fn bin_dir(&self) -> PathBuf {
        self.dir().join("bin")
    }

    /// How a plain call ends; a verb that the version does not have counts as garbled.
    pub(crate) fn plain(&self, verb: &str, version: &str) -> Outcome {
        let found = self.plain.iter().find(|((of, at), _)| *of == verb && at == version);
        found.map_or(Outcome::Garbled, |(_, outcome)| outcome.clone())
    }

    /// Whether the plugin lists this version.
    pub(crate) fn lists(&self, version: &str) -> bool {
        self.versions.iter().any(|listed| listed == version)
    }

    /// The newest version that it lists.
    pub(crate) fn newest(&self) -> &str {
        super::versions::Versions::Newest.of(&self.versions).first().copied().unwrap_or("1.0.0")
    }

    /// A number that no other trial has.
    pub(crate) fn next_number(&self) -> usize {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

fn fill(bin: &Path, plugin: &Path) -> Result<()> {
    fs::create_dir(bin)?;
    let (from, name) = (plugin.parent().unwrap_or(Path::new("/")), plugin.file_name().unwrap_or_default());
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_name() != name && entry.path().is_file() {
            std::os::unix::fs::symlink(entry.path(), bin.join(entry.file_name()))?;
        }
    }
    // The copy has the original's permissions: whether it may be executed is part of what is checked.
    fs::copy(plugin, bin.join(name))?;
    Ok(())
}
