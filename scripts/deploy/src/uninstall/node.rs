//! A node: the configuration first, so that nothing new comes; then every VF home; then the binary.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as ClapArgs;

use super::records::{self, Record};
use crate::audit::Findings;
use crate::audit::conf::Conf;
use crate::audit::drift::is_ours;
use crate::audit::runtime::Runtime;
use crate::fault::{Fault, Faults};
use crate::known::{
    CRIO_DROP_IN, DPU_HOST_CONF, KEPT, OPENSHIFT_BINARIES, OPENSHIFT_CONFIGURATION, OPENSHIFT_MULTUS,
    OVNKUBE_CONF, PLACEHOLDER_CONF, STATE, TMPFILES, UDEV_RULES, UPSTREAM_BINARIES, UPSTREAM_CONFIGURATION,
};
use crate::managed;
use crate::tree::Tree;
use crate::{Outcome, Report};

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
    let records = records::all(&tree);
    refuse(&tree, &ours, &records, args.detach_pods)?;
    let mut text = String::new();
    let mut say = |line: String| text += &(line + "\n");
    if ours.is_nothing() {
        say("nothing of ours is here".to_owned());
        return Ok(Report { text, code: ExitCode::SUCCESS });
    }
    if args.dry_run {
        let would_remove = |path: &String| format!("would remove {path}");
        ours.configuration.iter().map(would_remove).for_each(&mut say);
        if !records.is_empty() {
            say(format!("would bring the VFs of {} records home", records.len()));
        }
        ours.binaries.iter().chain(&ours.directories).map(would_remove).for_each(&mut say);
        return Ok(Report { text, code: ExitCode::SUCCESS });
    }
    remove(&tree, &ours.configuration, &mut say)?;
    bring_home(&tree, &ours, &records, &mut say)?;
    remove(&tree, &ours.binaries, &mut say)?;
    remove(&tree, &ours.directories, &mut say)?;
    say("nothing of ours is left".to_owned());
    if tree.live() {
        say("restart Multus if it runs here: it keeps to the default network that it has chosen".to_owned());
    }
    Ok(Report { text, code: ExitCode::SUCCESS })
}

fn refuse(tree: &Tree, ours: &Ours, records: &[Record], detach_pods: bool) -> Result<(), Faults> {
    let mut faults = Faults::default();
    let managed = managed::files(tree);
    for path in managed.keys().filter(|path| is_ours(path)) {
        let remedy = "remove the MachineConfig instead (scripts/uninstall cluster): its daemon would put the file back";
        faults.push(Fault::new(format!("{path} is managed by a MachineConfig"), remedy));
    }
    for record in records.iter().filter(|record| !record.released && !detach_pods) {
        let why = format!("pod {} still has its VF (network {})", record.pod, record.network);
        faults.push(Fault::new(why, "drain the node, or say --detach-pods"));
    }
    if ours.host.is_none() && !records.is_empty() {
        let why = format!("{} records in {STATE}, and no dpu-host to bring their VFs home", records.len());
        faults.push(Fault::new(why, "install the plugin again first"));
    }
    faults.none_or(())
}

/// No binary goes while a VF is away.
fn bring_home(
    tree: &Tree,
    ours: &Ours,
    records: &[Record],
    say: &mut impl FnMut(String),
) -> Result<(), Fault> {
    let Some(binary) = &ours.host else { return Ok(()) };
    records::sweep(tree, binary, records)?;
    let left = records::all(tree);
    if let Some(record) = left.first() {
        let why = format!("{} records are left, the first of pod {}", left.len(), record.pod);
        return Err(Fault::new(why, "run `dpu-host vfs`, mend what it names, and run this again"));
    }
    let astray = records::astray(tree, binary)?;
    if !astray.is_empty() {
        return Err(Fault::new(
            format!("not at home: {}", astray.join(", ")),
            "run `dpu-host vfs`, mend what it names, and run this again",
        ));
    }
    say(format!("{} records swept, every VF is at home", records.len()));
    Ok(())
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
        Ours {
            configuration: configuration(tree, &runtime),
            binaries,
            directories: existing(tree, [STATE, KEPT].map(str::to_owned).into_iter()),
            host: hosts.into_iter().next(),
        }
    }

    fn is_nothing(&self) -> bool {
        self.configuration.is_empty() && self.binaries.is_empty() && self.directories.is_empty()
    }
}

/// Multus' directory before its source, and logs last: they are written to until then.
fn configuration(tree: &Tree, runtime: &Runtime) -> Vec<String> {
    let directories =
        [OPENSHIFT_MULTUS, &runtime.configuration, OPENSHIFT_CONFIGURATION, UPSTREAM_CONFIGURATION];
    let candidates = directories.iter().flat_map(|directory| {
        [DPU_HOST_CONF, PLACEHOLDER_CONF, OVNKUBE_CONF].map(|name| format!("{directory}/{name}"))
    });
    let confs: Vec<String> =
        existing(tree, candidates).into_iter().filter(|path| calls_us(tree, path)).collect();
    let logs: Vec<String> = confs.iter().filter_map(|path| log_file(tree, path)).collect();
    let fixed = [TMPFILES, UDEV_RULES, CRIO_DROP_IN].map(str::to_owned);
    let rotated = logs.iter().map(|path| format!("{path}.1")).collect::<Vec<_>>();
    existing(tree, confs.into_iter().chain(fixed).chain(logs).chain(rotated))
}

/// A readiness file may be ovnkube's own: then it stays.
fn calls_us(tree: &Tree, path: &str) -> bool {
    !path.ends_with(OVNKUBE_CONF)
        || Conf::read(tree, path).is_ok_and(|conf| conf.calls("dpu-nic-placeholder"))
}

fn log_file(tree: &Tree, path: &str) -> Option<String> {
    let conf = Conf::read(tree, path).ok()?;
    let plugin = &conf.document["plugins"][0];
    let file = plugin["logFile"].as_str().or(conf.document["logFile"].as_str())?;
    file.starts_with("/var/log/").then(|| file.to_owned())
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
