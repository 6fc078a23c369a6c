//! Which network wins on this node, and whether its plugins are there.

use std::os::unix::fs::PermissionsExt as _;

use super::conf::{self, Conf, EXTENSIONS};
use super::finding::Findings;
use super::runtime::{Kind, Runtime};
use crate::tree::Tree;

/// The network that pods of this node get, as the runtime chooses it.
pub(crate) fn winner(tree: &Tree, runtime: &Runtime, findings: &mut Findings) -> Option<Conf> {
    let files = conf::files(tree, &runtime.configuration, &EXTENSIONS);
    let winner = match &runtime.kind {
        Kind::Crio { network } => of_crio(tree, runtime, network.as_deref(), files, findings),
        Kind::Containerd { networks, own_loopback } => {
            loopback(tree, runtime, *own_loopback, findings);
            of_containerd(tree, runtime, *networks, files, findings)
        }
    }?;
    let Conf { path, name, types, .. } = &winner;
    findings.ok("network", format!("{path} wins: network {name}, plugin {}", types.join(" + ")));
    Some(winner)
}

/// The first file by name that is well and whose plugins are there, or that of the network which is configured
/// (ocicni `loadNetworks`). Others are skipped.
fn of_crio(
    tree: &Tree,
    runtime: &Runtime,
    bound: Option<&str>,
    files: Vec<String>,
    findings: &mut Findings,
) -> Option<Conf> {
    let mut winner: Option<Conf> = None;
    for path in files {
        let well = |conf: Conf| conf.speakable().map(|()| conf);
        let conf = match Conf::read(tree, &path).and_then(well) {
            Ok(conf) => conf,
            Err(error) => {
                let text = format!("{path} is skipped by CRI-O ({error})");
                findings.error("network", text, "mend or remove the file");
                continue;
            }
        };
        if let Some(plugin) = missing(tree, runtime, &conf) {
            let text =
                format!("{path} is skipped: its plugin {plugin} is not in {}", runtime.binaries.join(", "));
            findings.error("network", text, elsewhere(tree, plugin, runtime));
        } else if winner.is_none() && bound.is_none_or(|bound| *bound == conf.name) {
            winner = Some(conf);
        }
    }
    let directory = &runtime.configuration;
    match (&winner, bound) {
        (Some(_), _) => {}
        (None, Some(bound)) => findings.error(
            "network",
            format!(
                "cni_default_network is {bound}, and {directory} has no such network: the node is NotReady"
            ),
            "remove that key from CRI-O's configuration",
        ),
        (None, None) => none(runtime, findings),
    }
    winner
}

/// The first files by name, as many as configured, whether their plugins are there or not; while one of them is broken,
/// containerd loads none (go-cni `loadFromConfDir`).
fn of_containerd(
    tree: &Tree,
    runtime: &Runtime,
    networks: usize,
    files: Vec<String>,
    findings: &mut Findings,
) -> Option<Conf> {
    let mut read = Vec::new();
    for path in files.into_iter().take(networks) {
        match Conf::read(tree, &path) {
            Ok(conf) => read.push(conf),
            Err(error) => {
                let text = format!(
                    "{path} is unusable ({error}), and containerd passes over none: the node is NotReady"
                );
                findings.error("network", text, "mend or remove the file");
                return None;
            }
        }
    }
    for conf in &read {
        if let Some(plugin) = missing(tree, runtime, conf) {
            let text = format!(
                "{} counts though its plugin {plugin} is not in {}: no pod starts",
                conf.path,
                runtime.binaries.join(", ")
            );
            findings.error("network", text, elsewhere(tree, plugin, runtime));
        }
    }
    let mut read = read.into_iter();
    let winner = read.next();
    for conf in read {
        findings.ok("network", format!("{} is every pod's too: network {}", conf.path, conf.name));
    }
    if winner.is_none() {
        none(runtime, findings);
    }
    winner
}

fn none(runtime: &Runtime, findings: &mut Findings) {
    let remedy = if runtime.is_openshift() {
        "apply the MachineConfig with the configuration, and wait for Multus"
    } else {
        "put the configuration there that render wrote, or wait for Multus to write its own"
    };
    let text = format!("{} has no usable network: the node is NotReady", runtime.configuration);
    findings.error("network", text, remedy);
}

/// containerd has a plugin bring up `lo`, unless told otherwise.
fn loopback(tree: &Tree, runtime: &Runtime, own: bool, findings: &mut Findings) {
    if !own && runtime.find(tree, "loopback").is_none() {
        let text = format!("no plugin loopback in {}: no pod starts", runtime.binaries.join(", "));
        findings.error("network", text, elsewhere(tree, "loopback", runtime));
    }
}

fn missing<'a>(tree: &Tree, runtime: &Runtime, conf: &'a Conf) -> Option<&'a String> {
    conf.types.iter().find(|plugin| runtime.find(tree, plugin).is_none())
}

fn elsewhere(tree: &Tree, plugin: &str, runtime: &Runtime) -> String {
    let known = ["/var/lib/cni/bin", "/opt/cni/bin", "/var/opt/cni/bin", "/usr/libexec/cni", "/usr/lib/cni"];
    let found = known.iter().map(|directory| format!("{directory}/{plugin}")).find(|path| tree.exists(path));
    match found {
        Some(path) => format!(
            "it is {path}: install it in {}, or add that directory to {}'s plugin directories",
            runtime.binaries.join(" or "),
            runtime.kind
        ),
        None => format!("install {plugin}, or remove the file"),
    }
}

/// Whether our plugin can be called at all.
pub(crate) fn executable(tree: &Tree, path: &str, findings: &mut Findings) {
    let Ok(metadata) = tree.at(path).symlink_metadata() else { return };
    let mode = metadata.permissions().mode() & 0o7777;
    if !metadata.is_file() || mode & 0o111 != 0o111 {
        let what = if metadata.is_file() { format!("has mode {mode:04o}") } else { "is no file".to_owned() };
        findings.error("files", format!("{path} {what}"), "install it again, mode 0755");
    } else {
        findings.ok("files", format!("{path} is installed, {} bytes", metadata.len()));
    }
}
