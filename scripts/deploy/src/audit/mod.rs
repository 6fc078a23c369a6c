//! `audit`: whether a node, a copy of its files or a must-gather is as it must be, one finding a line.

mod cluster;
pub(crate) mod conf;
pub(crate) mod drift;
mod finding;
mod keys;
pub(crate) mod multus;
mod network;
pub(crate) mod runtime;
mod server;
pub(crate) mod vfs;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as ClapArgs;

use self::conf::Conf;
pub(crate) use self::finding::Findings;
use self::finding::Level;
use self::runtime::Runtime;
use crate::fault::Fault;
use crate::known::{KEPT, STATE};
use crate::outcome::{self, Outcome, Report};
use crate::tree::Tree;
use crate::yaml;
use crate::yaml::Gathered;

/// The command line.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// A copy of a node's files, or a must-gather; default: this node
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Look at these objects too: `oc get nodes,machineconfigpools,configmaps,daemonsets,deviceclasses,resourceslices -A -o
    /// json`
    #[arg(long, value_name = "FILE")]
    objects: Vec<PathBuf>,
    /// What `dpu-host vfs --json` printed on the node
    #[arg(long, value_name = "FILE")]
    vfs: Option<PathBuf>,
    /// For programs
    #[arg(long)]
    json: bool,
}

/// Looks, and says what was found: exit status 0 when nothing is wrong, 1 with warnings, 2 with errors, and 2 too
/// when nothing could be looked at.
pub(crate) fn run(args: &Args) -> Outcome {
    if !args.root.is_dir() {
        return Err(
            Fault::new(format!("{} is no directory", args.root.display()), "name one with --root").into()
        );
    }
    let mut findings = Findings::default();
    let gathered = cluster::must_gather(&args.root);
    let mut files = gathered.as_deref().map(cluster::gathered).unwrap_or_default();
    files.extend(args.objects.iter().cloned());
    let Gathered { objects, doubts } =
        if files.is_empty() { Gathered::default() } else { yaml::gather(&files)? };
    for doubt in doubts {
        findings.warning("cluster", doubt.why, doubt.remedy);
    }
    if gathered.is_none() {
        node(&Tree::new(&args.root), args.vfs.as_deref(), &mut findings);
    }
    cluster::check(&objects, &mut findings);
    let code = match findings.worst() {
        Level::Ok => 0,
        Level::Warning => 1,
        Level::Error => 2,
    };
    Ok(Report { text: text(&findings, args.json)?, code: ExitCode::from(code) })
}

fn text(findings: &Findings, json: bool) -> Result<String, Fault> {
    if json {
        return outcome::json(&findings.list());
    }
    let lines: String = findings.list().iter().map(|finding| format!("{finding}\n")).collect();
    Ok(format!("{lines}verdict: {}\n", findings.verdict()))
}

/// A node's files.
fn node(tree: &Tree, vfs: Option<&Path>, findings: &mut Findings) {
    let runtime = Runtime::of(tree, findings);
    let host = runtime.find(tree, "dpu-host");
    let card = runtime.find(tree, "dpu-nic-placeholder");
    for path in host.iter().chain(&card) {
        network::executable(tree, path, findings);
        server::version(tree, path, findings);
    }
    if host.is_none() && card.is_none() {
        let text =
            format!("neither dpu-host nor dpu-nic-placeholder is in {}", runtime.binaries.join(" or "));
        let remedy = if runtime.is_openshift() {
            "apply the MachineConfig with the plugin, or copy it there"
        } else {
            "copy the plugin there, mode 0755"
        };
        findings.error("files", text, remedy);
    }
    drift::check(tree, findings);
    let winner = network::winner(tree, &runtime, findings);
    if let Some(conf) = &winner {
        keys::check(conf, findings);
        default_network(tree, &runtime, conf, host.is_some(), card.is_some(), findings);
    }
    if host.is_some() || tree.exists(STATE) || vfs.is_some() {
        server::check(tree, findings);
        vfs::check(tree, vfs, host.as_deref(), findings);
    }
}

/// What the winner means for a node with our plugin.
fn default_network(
    tree: &Tree,
    runtime: &Runtime,
    conf: &Conf,
    host: bool,
    card: bool,
    findings: &mut Findings,
) {
    let multus = conf.types.iter().any(|name| name.starts_with("multus"));
    if multus && card && !host {
        let text = format!("Multus wins over the placeholder on this card ({})", conf.path);
        let remedy = if runtime.is_openshift() {
            "apply the MachineConfig with the placeholder's configuration"
        } else {
            "put the placeholder's configuration there, under a name that sorts first"
        };
        findings.error(
            "network",
            text,
            format!("pods get Multus' longer errors, and none while it is down: {remedy}"),
        );
    } else if multus {
        multus::check(tree, runtime, conf, host, findings);
    } else if host && !conf.calls("dpu-host") && !tree.exists(KEPT) {
        findings.warning(
            "network",
            format!("{} does not call dpu-host", conf.path),
            "add 05-dpu-host.conflist, or let pods choose a NetworkAttachmentDefinition",
        );
    } else if card && !host && !conf.calls("dpu-nic-placeholder") {
        findings.error(
            "network",
            format!("{} wins over the placeholder", conf.path),
            "remove it, or rename it so that it sorts after the placeholder's",
        );
    }
}
