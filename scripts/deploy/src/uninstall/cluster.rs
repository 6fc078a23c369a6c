//! A cluster: what was rendered for it, backwards, as a script for the shell. Its parts are in `cluster/`; node by node
//! pods go first, because one that was added with our `type` needs our binary for its DEL.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Args as ClapArgs;
use serde_json::Value;

use crate::fault::Fault;
use crate::outcome::{Outcome, Report};
use crate::{shell, yaml};

/// The command line.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// What render wrote for this cluster
    rendered: PathBuf,
    /// Run the script, which can be stopped and run again at any point; without, it is printed
    #[arg(long)]
    run: bool,
    /// What it does without --run
    #[arg(long, conflicts_with = "run")]
    dry_run: bool,
}

const HEAD: &str = "#!/bin/sh
# Takes nodes out of the mode and the plugin off them, one after the other. It can be stopped, and run again at any point;
# a node that somebody had cordoned stays so.

";

/// A rendering, read back.
struct Rendering {
    directory: PathBuf,
    /// Manifests by file name, in order.
    manifests: Vec<(String, Value)>,
    /// Files with what the cluster's own objects are left with.
    releases: Vec<String>,
    /// The script that installs.
    steps: String,
}

/// Prints the script, or becomes it.
pub(crate) fn run(args: &Args) -> Outcome {
    let text = Rendering::read(&args.rendered)?.script()?;
    if !args.run {
        return Ok(Report { text, code: ExitCode::SUCCESS });
    }
    // In this process' place: a signal is the script's, which opens again what it has closed.
    let error = Command::new("sh").args(["-c", &text]).exec();
    Err(Fault::new(format!("no shell here ({error})"), "install one, or run what is printed without --run")
        .into())
}

impl Rendering {
    fn read(directory: &Path) -> Result<Self, Fault> {
        let none = |error: std::io::Error| {
            Fault::new(
                format!("{} is no rendering ({error})", directory.display()),
                "name the directory that render wrote for this cluster",
            )
        };
        // Whoever runs the script may be elsewhere.
        let directory = directory.canonicalize().map_err(none)?;
        let steps = std::fs::read_to_string(directory.join("STEPS")).map_err(none)?;
        let mut manifests = Vec::new();
        for name in yaml_files(&directory) {
            let objects = yaml::objects(&directory.join(&name))?;
            manifests.extend(objects.into_iter().map(|object| (name.clone(), object)));
        }
        Ok(Rendering { releases: yaml_files(&directory.join("release")), directory, manifests, steps })
    }

    fn script(&self) -> Result<String, Fault> {
        let mut settings = vec![("rendered", self.directory.display().to_string())];
        let (part, openshift) = match self.pool() {
            Some((pool, role)) => {
                let binary = self.binary().unwrap_or_default();
                settings.extend([("pool", pool), ("role", role), ("binary", binary)]);
                (include_str!("cluster/openshift.sh"), true)
            }
            None => {
                settings.push(("uninstall", own_script()));
                (include_str!("cluster/kubernetes.sh"), false)
            }
        };
        settings.push(("modes", self.key("mode")?));
        settings.push(("taint", self.key("taint")?));
        let resources = self.of_policies("/spec/resourceName");
        let sriov = !resources.is_empty();
        if sriov {
            settings.push(("resources", resources));
            settings.push(("sriov_namespace", self.of_policies("/metadata/namespace")));
        }
        let (first, last) = self.files();
        settings.extend([("first", first), ("last", last), ("releases", self.releases.join(" "))]);
        let mut text = HEAD.to_owned();
        for (name, value) in settings {
            text += &format!("{name}={}\n", quoted(&value));
        }
        let vfs = if sriov { include_str!("cluster/sriov.sh") } else { "no_vfs() { :; }\n" };
        let own = [part, vfs, include_str!("cluster/common.sh")].join("\n");
        let own = shell::filled(&own, openshift);
        Ok(format!("{text}\n{own}\n{}\nmain\n", shell::common(openshift, sriov)))
    }

    /// The pool's name, and its node label.
    fn pool(&self) -> Option<(String, String)> {
        let (_, pool) = self.manifests.iter().find(|(_, object)| object["kind"] == "MachineConfigPool")?;
        let role = pool["spec"]["nodeSelector"]["matchLabels"].as_object()?.keys().next()?;
        Some((pool["metadata"]["name"].as_str()?.to_owned(), role.clone()))
    }

    /// The key of the label, or of the taint, that `STEPS` gives to each node: a setting at its beginning.
    fn key(&self, setting: &str) -> Result<String, Fault> {
        let set = format!("{setting}='");
        let line = self.steps.lines().find_map(|line| line.strip_prefix(&set));
        let key = line.and_then(|line| line.split_once('=')).map(|(key, _)| key.to_owned());
        key.ok_or_else(|| {
            let why = format!("{}/STEPS names no {setting}", self.directory.display());
            Fault::new(why, "render the cluster again, by the same values")
        })
    }

    /// Where the binary is, by its own MachineConfig. The placeholder holds no VF.
    fn binary(&self) -> Option<String> {
        let configs = self.manifests.iter().filter(|(_, object)| object["kind"] == "MachineConfig");
        let files =
            configs.filter_map(|(_, object)| object.pointer("/spec/config/storage/files")?.as_array());
        let mut paths = files.flatten().filter_map(|file| file["path"].as_str());
        paths.find(|path| path.ends_with("/dpu-host")).map(str::to_owned)
    }

    /// Something of the SR-IOV operator's policies, each once.
    fn of_policies(&self, pointer: &str) -> String {
        let policies = self.manifests.iter().filter(|(_, object)| object["kind"] == "SriovNetworkNodePolicy");
        let mut words: Vec<&str> =
            policies.filter_map(|(_, object)| object.pointer(pointer)?.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        words.join(" ")
    }

    /// What goes before any node leaves, and what goes when all have left, each backwards: a binding before its policy.
    /// The pool is the last of all; an object of the whole cluster stays.
    fn files(&self) -> (String, String) {
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for (file, object) in self.manifests.iter().rev() {
            let kind = object["kind"].as_str().unwrap_or_default();
            let list = if kind.contains("AdmissionPolicy") || kind == "NetworkAttachmentDefinition" {
                &mut first
            } else {
                &mut last
            };
            if kind != "MachineConfigPool" && !self.releases.contains(file) && !list.contains(&file.as_str())
            {
                list.push(file.as_str());
            }
        }
        (first.join(" "), last.join(" "))
    }
}

fn yaml_files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| name.ends_with(".yaml"));
    names.sort();
    names
}

/// The script that runs this program on a node; it says where it is.
fn own_script() -> String {
    let scripts = std::env::var("DPU_CNI_SCRIPTS").unwrap_or_else(|_| "scripts".to_owned());
    let path = Path::new(&scripts).join("uninstall");
    path.canonicalize().unwrap_or(path).display().to_string()
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
