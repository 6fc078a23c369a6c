//! A node: the configuration first, so that nothing new comes; then every VF home; then the binary.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as ClapArgs;

use super::callers::Callers;
use super::vfs;
use crate::audit::Findings;
use crate::audit::drift::is_ours;
use crate::audit::runtime::Runtime;
use crate::fault::{Fault, Faults};
use crate::known::{
    CRIO_DROP_IN, KEPT, OPENSHIFT_BINARIES, RESTORE_FLAG, RESTORE_PATH, RESTORE_SERVICE, STATE, TMPFILES,
    UDEV_RULES, UPSTREAM_BINARIES,
};
use crate::managed;
use crate::outcome::{Outcome, Report};
use crate::tree::Tree;

/// The command line.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// A copy of a node's files; default: this node
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Take the VFs of pods that still run: they lose their network
    #[arg(long)]
    detach_pods: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// What is ours on the node.
struct Ours {
    callers: Callers,
    /// Files that go before any VF comes home: nothing new comes then. Logs are the last of them.
    configuration: Vec<String>,
    binaries: Vec<String>,
    /// What is kept there.
    directories: Vec<String>,
    /// The `dpu-host` among the binaries that brings VFs home.
    host: Option<String>,
}

/// Takes the plugin off the node.
pub(crate) fn run(args: &Args) -> Outcome {
    let tree = Tree::new(&args.root);
    let ours = Ours::on(&tree);
    refuse(&tree, &ours, args.detach_pods)?;
    let mut text = String::new();
    let mut say = |line: String| text += &(line + "\n");
    if ours.is_nothing() {
        say("nothing of ours is here".to_owned());
        return Ok(Report { text, code: ExitCode::SUCCESS });
    }
    if args.dry_run {
        would(&tree, &ours, &mut say);
        return Ok(Report { text, code: ExitCode::SUCCESS });
    }
    remove(&tree, &ours.configuration, &mut say)?;
    if let Some(binary) = &ours.host {
        let swept = vfs::bring_home(&tree, binary, args.detach_pods)?;
        say(format!("{swept} records swept, every VF is at home"));
    }
    if let Some(path) = Callers::of(&tree).multus.first() {
        return Err(still_called(path).into());
    }
    remove(&tree, &ours.binaries, &mut say)?;
    remove(&tree, &ours.directories, &mut say)?;
    say("nothing of ours is left".to_owned());
    if tree.live() {
        say("restart Multus if it runs here: it keeps to the default network that it has chosen".to_owned());
    }
    Ok(Report { text, code: ExitCode::SUCCESS })
}

fn would(tree: &Tree, ours: &Ours, say: &mut impl FnMut(String)) {
    let would_remove = |path: &String| format!("would remove {path}");
    ours.configuration.iter().map(would_remove).for_each(&mut *say);
    let records = vfs::records(tree).count;
    if records > 0 {
        say(format!("would bring the VFs of {records} records home"));
    }
    for path in &ours.callers.multus {
        say(format!("would stop here until Multus is restarted, if {path} still calls our plugin then"));
    }
    ours.binaries.iter().chain(&ours.directories).map(would_remove).for_each(say);
}

/// Multus inlines the default network that it has chosen.
fn still_called(path: &str) -> Fault {
    Fault::new(
        format!("{path} still calls our plugin, whose binary stays for that"),
        "restart Multus, which chooses anew, and run this again",
    )
}

fn refuse(tree: &Tree, ours: &Ours, detach_pods: bool) -> Result<(), Faults> {
    let mut faults = Faults::default();
    for path in managed::files(tree).keys().filter(|path| is_ours(path) || ours.callers.ours.contains(path)) {
        let remedy = "remove the MachineConfig instead (`dpu-cni uninstall cluster`): its daemon would put the file back";
        faults.push(Fault::new(format!("{path} is managed by a MachineConfig"), remedy));
    }
    for path in &ours.callers.others {
        let why = format!("{path} calls our plugin among others, and is not ours");
        faults.push(Fault::new(why, "take our plugin out of that file, or remove it"));
    }
    let records = vfs::records(tree).count;
    match &ours.host {
        Some(binary) if !detach_pods => {
            if let Some(rows) = faults.keep(vfs::of(tree, binary)) {
                vfs::refuse(&rows, &mut faults);
            }
        }
        None if records > 0 => faults.push(Fault::new(
            format!("{records} records in {STATE}, and no dpu-host to bring their VFs home"),
            "install the plugin again first",
        )),
        _ => {}
    }
    faults.none_or(())
}

fn remove(tree: &Tree, paths: &[String], say: &mut impl FnMut(String)) -> Result<(), Fault> {
    for path in paths.iter().filter(|path| tree.exists(path)) {
        let here = tree.at(path);
        let is_directory = here.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
        let removed = if is_directory { fs::remove_dir_all(&here) } else { fs::remove_file(&here) };
        removed
            .map_err(|error| Fault::new(format!("{path} cannot be removed ({error})"), "run this as root"))?;
        say(format!("removed {path}"));
    }
    Ok(())
}

impl Ours {
    /// Looks in the runtime's directories, and in those that we ever use.
    fn on(tree: &Tree) -> Self {
        let runtime = Runtime::of(tree, &mut Findings::default());
        let mut directories: Vec<&str> = runtime.binaries.iter().map(String::as_str).collect();
        directories.extend([OPENSHIFT_BINARIES, UPSTREAM_BINARIES, "/var/opt/cni/bin"]);
        let find = |plugin: &str| {
            existing(tree, directories.iter().map(|directory| format!("{directory}/{plugin}")))
        };
        let hosts = find("dpu-host");
        let mut binaries = hosts.clone();
        binaries.extend(find("dpu-nic-placeholder"));
        let callers = Callers::on(tree, &runtime);
        // The rules before the flag, which they would set again.
        let fixed = [TMPFILES, UDEV_RULES, RESTORE_PATH, RESTORE_SERVICE, RESTORE_FLAG, CRIO_DROP_IN]
            .map(str::to_owned);
        let rotated = callers.logs.iter().map(|path| format!("{path}.1"));
        let files = callers.ours.iter().cloned().chain(fixed).chain(callers.logs.iter().cloned());
        Ours {
            configuration: existing(tree, files.chain(rotated)),
            binaries,
            directories: existing(tree, vfs::directories(tree).into_iter().chain([KEPT.to_owned()])),
            host: hosts.into_iter().next(),
            callers,
        }
    }

    fn is_nothing(&self) -> bool {
        self.configuration.is_empty() && self.binaries.is_empty() && self.directories.is_empty()
    }
}

fn existing(tree: &Tree, paths: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for path in paths.filter(|path| tree.exists(path)) {
        if !found.contains(&path) {
            found.push(path);
        }
    }
    found
}
