//! Files of ours against the MachineConfig that put them there: the daemon calls a node Degraded when they differ.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::finding::Findings;
use crate::known::{
    CRIO_DROP_IN, KEPT, PLACEHOLDER_CONF, RESTORE_PATH, RESTORE_SERVICE, TMPFILES, UDEV_RULES,
};
use crate::managed::{self, Managed};
use crate::tree::Tree;

/// Compares mode and content.
pub(crate) fn check(tree: &Tree, findings: &mut Findings) {
    let files = managed::files(tree);
    let ours: Vec<_> = files.iter().filter(|(path, _)| is_ours(path)).collect();
    let differing = ours.iter().filter_map(|(path, file)| Some((path, difference(tree, path, file)?)));
    let mut drifted = false;
    for (path, difference) in differing {
        drifted = true;
        findings.error("files", format!("{path} {difference}"), "the pool is Degraded until it is as its MachineConfig says: restore it, or touch /run/machine-config-daemon-force and reboot");
    }
    if !drifted && !ours.is_empty() {
        findings.ok("files", format!("{} files of ours are as their MachineConfigs say", ours.len()));
    }
}

/// Whether a path is one of those that render puts on a node.
pub(crate) fn is_ours(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    ["dpu-host", "dpu-nic-placeholder", PLACEHOLDER_CONF].contains(&name)
        || [TMPFILES, UDEV_RULES, RESTORE_PATH, RESTORE_SERVICE, CRIO_DROP_IN].contains(&path)
        || path.starts_with(KEPT)
}

fn difference(tree: &Tree, path: &str, file: &Managed) -> Option<String> {
    let here = tree.at(path);
    let Ok(metadata) = here.symlink_metadata() else { return Some("is gone".to_owned()) };
    let mode = metadata.permissions().mode() & 0o7777;
    if mode != file.mode {
        return Some(format!("has mode {mode:04o}, not {:04o}", file.mode));
    }
    let content = file.content.as_ref()?;
    (fs::read(&here).ok().as_ref() != Some(content)).then(|| "has another content".to_owned())
}
