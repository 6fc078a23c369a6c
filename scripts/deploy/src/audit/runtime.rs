//! Where the container runtime looks, by its own configuration.

mod containerd;
mod crio;
mod settings;
mod toml;

pub(crate) use self::settings::{Kind, Runtime};
use super::finding::Findings;
use crate::known::{OPENSHIFT_BINARIES, OPENSHIFT_CONFIGURATION};
use crate::tree::Tree;

impl Runtime {
    /// CRI-O where it is configured, else containerd, else CRI-O's defaults.
    pub(crate) fn of(tree: &Tree, findings: &mut Findings) -> Self {
        let containerd = tree.exists(containerd::CONFIG) && !tree.exists("/etc/crio");
        if !containerd && !tree.exists("/etc/crio") {
            findings.warning(
                "runtime",
                "no CRI-O or containerd configuration here: CRI-O's defaults are assumed".to_owned(),
                "if this is a copy of a node, copy /etc/crio or /etc/containerd too",
            );
        }
        let runtime = if containerd { containerd::read(tree, findings) } else { crio::read(tree, findings) };
        let Runtime { kind, configuration, binaries } = &runtime;
        findings.ok(
            "runtime",
            format!("{kind} reads {configuration} and looks for plugins in {}", binaries.join(", ")),
        );
        runtime
    }

    /// Whether it is OpenShift's, whose files only a MachineConfig may change.
    pub(crate) fn is_openshift(&self) -> bool {
        self.configuration == OPENSHIFT_CONFIGURATION
            || self.binaries.iter().any(|directory| directory == OPENSHIFT_BINARIES)
    }
}
