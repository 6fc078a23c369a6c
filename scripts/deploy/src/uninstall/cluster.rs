//! A cluster: what was rendered for it, backwards. The configuration goes first and the pool drains, because a pod
//! that was added with our `type` needs our binary for its DEL; the binary follows.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Args as ClapArgs;
use serde_json::Value;

use crate::fault::Fault;
use crate::known::FIELD_MANAGER;
use crate::{Outcome, Report, yaml};

/// The command line.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// What render wrote for this cluster
    rendered: PathBuf,
    /// Run the commands, and stop at the first that fails; without, they are printed
    #[arg(long)]
    run: bool,
    /// What it does without --run
    #[arg(long, conflicts_with = "run")]
    dry_run: bool,
}

/// A step: why, and with which commands.
struct Step {
    what: &'static str,
    commands: Vec<Vec<String>>,
}

/// A rendering, read back.
struct Rendering {
    directory: PathBuf,
    /// Manifests by file name, in order.
    manifests: Vec<(String, Value)>,
    /// The commands that went with them.
    steps: String,
}

/// Prints or runs the steps.
pub(crate) fn run(args: &Args) -> Outcome {
    let steps = Rendering::read(&args.rendered)?.steps();
    let mut text = String::new();
    for (number, Step { what, commands }) in steps.iter().enumerate() {
        text += &format!("# {}. {what}\n", number + 1);
        for command in commands {
            let line = command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            text += &format!("{line}\n");
            if args.run {
                eprintln!("{line}");
                execute(command)?;
            }
        }
    }
    Ok(Report { text, code: ExitCode::SUCCESS })
}

fn execute(command: &[String]) -> Result<(), Fault> {
    let shown = command.join(" ");
    let failed = |why: String| {
        Fault::new(
            format!("`{shown}` failed ({why})"),
            "mend that and run this again: what is gone is passed over",
        )
    };
    let (program, arguments) = command.split_first().ok_or_else(|| failed("empty".to_owned()))?;
    let status = Command::new(program).args(arguments).status().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

impl Rendering {
    fn read(directory: &Path) -> Result<Self, Fault> {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.retain(|name| name.ends_with(".yaml"));
        names.sort();
        let mut manifests = Vec::new();
        for name in names {
            manifests.extend(
                yaml::objects(&directory.join(&name))?.into_iter().map(|object| (name.clone(), object)),
            );
        }
        let steps = std::fs::read_to_string(directory.join("STEPS")).map_err(|error| {
            Fault::new(
                format!("{} is no rendering (STEPS: {error})", directory.display()),
                "name the directory that render wrote for this cluster",
            )
        })?;
        Ok(Rendering { directory: directory.to_owned(), manifests, steps })
    }

    fn steps(&self) -> Vec<Step> {
        let pool = self.pool();
        let mut steps = vec![
            Step {
                what: "no pod is changed or warned about any more",
                commands: self.delete("AdmissionPolicy"),
            },
            Step { what: "no pod chooses us any more", commands: self.delete("NetworkAttachmentDefinition") },
        ];
        if let Some((pool, _)) = &pool {
            steps.push(Step {
                what: "the configuration goes, node by node: drain, reboot, and pods come back without us",
                commands: self.without("configuration", pool),
            });
            steps.push(Step { what: "is every VF at home? (each must be free)", commands: self.look() });
            steps.push(Step { what: "then the binary", commands: self.without("plugin", pool) });
        } else {
            steps.push(Step {
                what: "node by node: drain, everything of ours, out of the mode, pods again",
                commands: self.nodes(),
            });
        }
        steps.push(Step { what: "the VFs themselves", commands: self.delete("SriovNetworkNodePolicy") });
        if self.directory.join("release").is_dir() {
            let release = self.directory.join("release").display().to_string();
            let manager = format!("--field-manager={FIELD_MANAGER}");
            let command = self.client(&["apply", "--server-side", &manager, "-f", &release]);
            steps
                .push(Step { what: "our fields of objects that the cluster keeps", commands: vec![command] });
        }
        if let Some((pool, role)) = pool {
            steps.push(Step {
                what: "the nodes leave the mode, the taint and the pool",
                commands: self.leave(&role),
            });
            let worker = self.wait("worker");
            steps.push(Step { what: "they become plain workers", commands: vec![worker] });
            let mut rest = self.delete("ConfigMap");
            rest.extend(self.delete("KubeletConfig"));
            rest.push(self.client(&["delete", "--ignore-not-found", "machineconfigpool", &pool]));
            steps.push(Step { what: "what is left", commands: rest });
        }
        steps.retain(|step| !step.commands.is_empty());
        steps
    }

    /// The pool's name, and its node label.
    fn pool(&self) -> Option<(String, String)> {
        let (_, pool) = self.manifests.iter().find(|(_, object)| object["kind"] == "MachineConfigPool")?;
        let role = pool["spec"]["nodeSelector"]["matchLabels"].as_object()?.keys().next()?;
        Some((pool["metadata"]["name"].as_str()?.to_owned(), role.clone()))
    }

    fn client(&self, arguments: &[&str]) -> Vec<String> {
        let client = if self.pool().is_some() { "oc" } else { "kubectl" };
        std::iter::once(client).chain(arguments.iter().copied()).map(str::to_owned).collect()
    }

    /// Backwards: a binding before its policy.
    fn delete(&self, kind: &str) -> Vec<Vec<String>> {
        let files = self
            .manifests
            .iter()
            .rev()
            .filter(|(_, object)| object["kind"].as_str().is_some_and(|name| name.contains(kind)));
        files.map(|(file, _)| self.delete_file(file)).collect()
    }

    fn delete_file(&self, file: &str) -> Vec<String> {
        self.client(&["delete", "--ignore-not-found", "-f", &self.directory.join(file).display().to_string()])
    }

    /// A MachineConfig, until the pool has noticed and done with it.
    fn without(&self, what: &str, pool: &str) -> Vec<Vec<String>> {
        let end = format!("-machineconfig-{what}.yaml");
        let Some((file, _)) = self.manifests.iter().find(|(file, _)| file.ends_with(&end)) else {
            return Vec::new();
        };
        let resource = format!("machineconfigpool/{pool}");
        // A pool without nodes, or one that is done in an instant, is never seen Updating.
        let noticed = format!("oc wait {resource} --for=condition=Updating --timeout=3m || true");
        vec![self.delete_file(file), vec!["sh".to_owned(), "-c".to_owned(), noticed], self.wait(pool)]
    }

    fn wait(&self, pool: &str) -> Vec<String> {
        let resource = format!("machineconfigpool/{pool}");
        self.client(&["wait", &resource, "--for=condition=Updated", "--timeout=120m"])
    }

    /// Nodes that got their files by hand: what `STEPS` set on each of them is unset.
    fn nodes(&self) -> Vec<Vec<String>> {
        let (Some(label), Some(taint)) = (self.given("mode"), self.given("taint")) else {
            return Vec::new();
        };
        let script = format!(
            "nodes=$(kubectl get nodes -l {label} -o name) || exit 1; for node in $nodes; do node=${{node#node/}}; \
             kubectl drain \"$node\" --ignore-daemonsets --delete-emptydir-data && \
             scripts/uninstall --ssh \"$node\" node && kubectl taint node \"$node\" {taint}- && \
             kubectl label node \"$node\" {label}- && kubectl uncordon \"$node\" || exit 1; done"
        );
        vec![vec!["sh".to_owned(), "-c".to_owned(), script]]
    }

    /// The key of a setting at the beginning of `STEPS`: the label or taint that it puts on each node.
    fn given(&self, setting: &str) -> Option<&str> {
        let value = self.steps.lines().find_map(|line| line.strip_prefix(setting)?.strip_prefix("='"))?;
        value.split_once('=').map(|(key, _)| key)
    }

    /// Where the binary is, by its own MachineConfig. The placeholder holds no VF.
    fn look(&self) -> Vec<Vec<String>> {
        let configs = self.manifests.iter().filter(|(_, object)| object["kind"] == "MachineConfig");
        let files = configs
            .filter_map(|(_, object)| object["spec"]["config"]["storage"]["files"].as_array())
            .flatten();
        let binary = files.filter_map(|file| file["path"].as_str()).find(|path| path.ends_with("/dpu-host"));
        let (Some(binary), Some((_, role))) = (binary, self.pool()) else { return Vec::new() };
        // A node that cannot be asked is not free.
        let script = format!(
            "nodes=$(oc get nodes -l {role} -o name) || exit 1; for node in $nodes; do \
             rows=$(oc debug -q \"$node\" -- chroot /host {binary} vfs --json) || exit 1; printf \"%s: %s\\n\" \"$node\" \"$rows\" >&2; \
             if printf \"%s\\n\" \"$rows\" | grep -o '\"state\": *\"[a-z]*\"' | grep -qv free; then exit 1; fi; done"
        );
        vec![vec!["sh".to_owned(), "-c".to_owned(), script]]
    }

    fn leave(&self, role: &str) -> Vec<Vec<String>> {
        let taint = self.given("taint");
        let map =
            self.manifests.iter().find(|(_, object)| object["metadata"]["name"] == "hardware-offload-config");
        let labels = map.and_then(|(_, object)| object["data"].as_object()).into_iter().flatten();
        let modes =
            labels.filter(|(key, _)| key.ends_with("-mode-label")).filter_map(|(_, value)| value.as_str());
        let mut commands = Vec::new();
        if let Some(taint) = taint {
            commands.push(self.client(&["adm", "taint", "nodes", "-l", role, &format!("{taint}-")]));
        }
        let modes: Vec<String> = modes.map(|label| label.replace('=', "-")).collect();
        let role_off = format!("{role}-");
        let mut label = vec!["label", "nodes", "-l", role];
        label.extend(modes.iter().map(String::as_str));
        label.push(&role_off);
        commands.push(self.client(&label));
        commands
    }
}
