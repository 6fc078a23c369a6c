//! Who is compared: our plugins, what is installed today, and the baseline under all of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::group::Role;
use super::{baseline, call};
use testkit::binaries;

/// A binary and what it is called in the table.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// Its name and, where there are several, where it comes from: `loopback (debian)`.
    pub(super) name: String,
    /// The binary.
    pub(super) path: PathBuf,
}

/// Everybody who is here.
#[derive(Debug)]
pub(super) struct Field {
    /// The static C program that does nothing, once for each C library that is here: musl's, which is ours too,
    /// then glibc's. There is one at least.
    pub(super) baselines: Vec<Subject>,
    /// The bash script that refuses.
    pub(super) script: Subject,
    /// `dpu-nic-placeholder`.
    pub(super) placeholder: Subject,
    /// `dpu-host`.
    pub(super) dpu_host: Subject,
    /// The program behind the scripts that put them on a cluster.
    pub(super) deploy: Subject,
    /// Plugins in Go, by name.
    pub(super) peers: Vec<Peer>,
    /// `ovn-k8s-cni-overlay`, when its path was given.
    pub(super) overlay: Option<Subject>,
}

/// A plugin in Go.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// Its CNI type.
    pub(super) kind: &'static str,
    /// Binary and name.
    pub(super) subject: Subject,
    /// The newest protocol version that it knows; STATUS and GC are for those that know 1.1.0.
    pub(super) version: String,
}

impl Peer {
    /// The least of a configuration, in the newest version that it knows.
    pub(super) fn conf(&self) -> Value {
        json!({ "cniVersion": self.version, "name": "bench", "type": self.kind })
    }
}

/// A directory of plugins, and what to call it.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The label.
    pub(super) label: String,
    /// The directory.
    pub(super) dir: PathBuf,
}

/// The types that are looked for in every directory.
const KINDS: [&str; 4] = ["loopback", "host-device", "bridge", "sriov"];

impl Field {
    /// Finds everybody, and makes baseline and script in `scratch`.
    ///
    /// # Errors
    /// Without our own plugins or a C compiler, or when a directory that was named holds no plugin.
    pub(super) fn assemble(sources: &[Source], overlay: Option<&Path>, scratch: &Path) -> Result<Self> {
        let named = |name: &str, path: PathBuf| Subject { name: name.to_owned(), path };
        let baselines = baseline::build(scratch)?;
        let script = scratch.join("refuse.sh");
        fs::write(&script, include_str!("refuse.sh"))?;
        fs::set_permissions(&script, PermissionsExt::from_mode(0o755))?;
        let mut peers = Vec::new();
        for source in sources {
            let before = peers.len();
            for kind in KINDS {
                let path = source.dir.join(kind);
                if path.is_file() {
                    let version = newest(&path)?;
                    let subject = named(&format!("{kind} ({})", source.label), path);
                    peers.push(Peer { kind, subject, version });
                }
            }
            if peers.len() == before {
                bail!("{} holds none of {}", source.dir.display(), KINDS.join(", "));
            }
        }
        Ok(Field {
            baselines: baselines.into_iter().map(|(name, path)| named(name, path)).collect(),
            script: named("refuses (bash)", script),
            placeholder: named("dpu-nic-placeholder", binaries::plugin("dpu-nic-placeholder")?),
            dpu_host: named("dpu-host", binaries::plugin("dpu-host")?),
            // As the scripts build it, where they have.
            deploy: named(
                "dpu-cni",
                binaries::program("../tools/dpu-cni").or_else(|_| binaries::program("dpu-cni"))?,
            ),
            peers,
            overlay: overlay.map(|path| named("ovn-k8s-cni-overlay", path.to_owned())),
        })
    }

    /// The plugins in Go of these types.
    pub(super) fn peers_of<'f>(&'f self, kinds: &'f [&str]) -> impl Iterator<Item = &'f Peer> {
        self.peers.iter().filter(move |peer| kinds.contains(&peer.kind))
    }

    /// The lowest baseline.
    pub(super) fn baseline(&self) -> &Subject {
        &self.baselines[0]
    }

    /// What one of them is to the others.
    pub(super) fn role(&self, one: &Subject) -> Role {
        match &one.name {
            name if *name == self.baseline().name => Role::Reference,
            name if [&self.placeholder.name, &self.dpu_host.name].contains(&name) => Role::Ours,
            _ => Role::Theirs,
        }
    }

    /// All binaries.
    pub(super) fn all(&self) -> impl Iterator<Item = &Subject> {
        self.baselines
            .iter()
            .chain([&self.placeholder, &self.dpu_host, &self.script])
            .chain(self.peers.iter().map(|peer| &peer.subject))
            .chain(&self.overlay)
    }
}

/// The last of the versions that a plugin lists.
fn newest(plugin: &Path) -> Result<String> {
    let answer: Value = serde_json::from_slice(&call::version(plugin).output()?)?;
    let mut versions = answer["supportedVersions"].as_array().into_iter().flatten().filter_map(Value::as_str);
    versions
        .next_back()
        .map(str::to_owned)
        .with_context(|| format!("{} supports no version", plugin.display()))
}
