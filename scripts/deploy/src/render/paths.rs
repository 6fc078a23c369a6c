//! Where a file may not go: through a link, onto a tmpfs, or over what another owner writes.

use super::ignition::NodeFile;
use super::site::Site;
use crate::fault::{Fault, Faults};

/// Links of RHEL CoreOS and their targets: the operator refuses links in a MachineConfig, and writing through one
/// that the image owns makes the daemon's comparison of paths meaningless.
const LINKS: [(&str, &str); 11] = [
    ("/bin", "/usr/bin"),
    ("/home", "/var/home"),
    ("/lib", "/usr/lib"),
    ("/lib64", "/usr/lib64"),
    ("/mnt", "/var/mnt"),
    ("/opt", "/var/opt"),
    ("/root", "/var/roothome"),
    ("/sbin", "/usr/sbin"),
    ("/srv", "/var/srv"),
    ("/usr/local", "/var/usrlocal"),
    ("/var/run", "/run"),
];
/// Gone at every boot.
const VOLATILE: [&str; 4] = ["/run", "/tmp", "/dev", "/proc"];
/// Files that a DaemonSet or the machine config operator writes: a MachineConfig over one of them is undone by its
/// owner, and the daemon then reports the node Degraded.
const OWNED: [(&str, &str); 9] = [
    ("00-multus.conf", "Multus"),
    ("08-error-cni.conf", "the cluster network operator"),
    ("10-ovn-kubernetes.conf", "ovnkube-node"),
    ("00-default", "the machine config operator"),
    ("multus-shim", "Multus"),
    ("multus", "Multus"),
    ("ovn-k8s-cni-overlay", "ovnkube-node"),
    ("error-cni", "the cluster network operator"),
    ("cleanup-cni.conf", "the machine config operator"),
];

/// Refuses a directory of the values file that cannot be meant.
pub(crate) fn check_directories(site: &Site, faults: &mut Faults) {
    let directories = &site.values.directories;
    let given = [
        ("directories.binaries", &directories.binaries),
        ("directories.configuration", &directories.configuration),
        ("directories.multus", &directories.multus),
    ];
    for (key, value) in given.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?))) {
        if !plain(value) {
            let why = format!("{key} is '{value}'");
            faults.push(Fault::new(
                why,
                "give an absolute path without '..', '//' or characters that a shell would read",
            ));
        }
    }
}

fn plain(path: &str) -> bool {
    path.len() > 1
        && path.starts_with('/')
        && path.trim_end_matches('/').split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."))
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
}

/// Refuses a file of a MachineConfig that would not stay as it is.
pub(crate) fn check_file(site: &Site, file: &NodeFile, faults: &mut Faults) {
    let path = &file.path;
    if let Some((link, target)) = LINKS.iter().find(|(link, _)| site.openshift() && under(path, link)) {
        let remedy = format!("name {target}{} instead", &path[link.len()..]);
        faults.push(Fault::new(format!("{path} goes through the link {link} of RHEL CoreOS"), remedy));
    }
    if let Some(volatile) = VOLATILE.iter().find(|volatile| under(path, volatile)) {
        let why = format!("{path} lies in {volatile}, which is empty after every boot");
        faults.push(Fault::new(
            why,
            "choose a directory that stays; what Multus reads is copied to /run at boot",
        ));
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let kept = path.starts_with(crate::known::KEPT);
    if let Some((_, owner)) = OWNED.iter().find(|(owned, _)| *owned == name && !kept) {
        faults.push(Fault::new(format!("{path} belongs to {owner}"), "choose another name"));
    }
}

/// Whether `path` is `directory` or below it.
pub(crate) fn under(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
