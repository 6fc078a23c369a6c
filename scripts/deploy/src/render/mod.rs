//! `render`: the manifests of one cluster, as files in the order in which they are applied.

mod admission;
mod against;
mod attachment;
mod cel;
mod cni_conf;
mod dra;
mod ignition;
mod kube_proxy;
mod kubelet;
mod labels;
mod node_files;
mod offload;
mod out;
mod paths;
mod plan;
mod pool;
mod sample;
mod site;
mod size;
mod sriov;
mod steps;
mod values;
mod vfs;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as ClapArgs;

use crate::fault::{Fault, Faults};
use crate::outcome::{Outcome, Report};
use crate::yaml;
pub(crate) use plan::Plan;
pub(crate) use site::{Cluster, Site};

/// The command line.
#[derive(ClapArgs)]
#[command(override_usage = "dpu-cni render --cluster <CLUSTER> --out <DIR> [OPTIONS]")]
pub(crate) struct Args {
    /// Which of the two clusters: infra (the cards) or tenant (the servers that hold them)
    #[arg(long, value_enum)]
    cluster: Cluster,
    /// What differs at your site; every key has a default, but for the hosts sriov.physicalFunctions
    #[arg(long, value_name = "FILE")]
    values: Option<PathBuf>,
    /// Where the manifests go; made if missing, and it must be empty or hold an earlier rendering
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The plugin, as scripts/build-release leaves it in DIR/ARCH/
    #[arg(long, value_name = "DIR", default_value = "target/dist", overrides_with = "binaries")]
    binaries: PathBuf,
    /// Add admission policies for this version of Kubernetes, such as 1.36 (tenant cluster)
    #[arg(long, value_name = "VERSION")]
    kubernetes_version: Option<String>,
    /// Check against what the cluster has: objects in JSON, one `oc get KIND -A -o json` after the other
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

/// Writes the files, and says what to do with them.
pub(crate) fn run(args: &Args) -> Outcome {
    let values = args.values.as_deref().map(yaml::read).transpose()?.unwrap_or_default();
    let site = Site { cluster: args.cluster, values };
    let mut faults = Faults::default();
    let mut warnings = check(&site, &mut faults);
    let binary = faults.keep(binary(args, site.arch()));
    let version = args.kubernetes_version.as_deref().map(admission::Kubernetes::parse);
    let version = version.and_then(|version| faults.keep(version));
    let plan = Plan::new(&site, binary.unwrap_or_default(), version)?;
    check_plan(&plan, &site, args.against.as_deref(), &mut faults);
    warnings.extend(version.and_then(|version| version.warning(site.openshift())));
    let plan = faults.none_or(plan)?;
    let steps = steps::text(&site, &plan, &args.out.display().to_string());
    out::write(&args.out, &plan, &steps)?;
    for warning in &warnings {
        eprintln!("warning: {warning}");
    }
    Ok(Report { text: steps, code: ExitCode::SUCCESS })
}

/// What can be said without the binary. Returns warnings.
fn check(site: &Site, faults: &mut Faults) -> Vec<String> {
    let mut warnings = labels::check(site, faults);
    kubelet::check(site, faults);
    kube_proxy::check(site, faults);
    paths::check_directories(site, faults);
    match site.cluster {
        Cluster::Infra => warnings,
        Cluster::Tenant => {
            // Multus calls its delegates from its own `binDir`, which is a setting of the network operator.
            if site.binaries_off_path() {
                let why = format!(
                    "directories.binaries is {}, and Multus looks for the plugin in /var/lib/cni/bin only",
                    site.binaries()
                );
                faults.push(Fault::new(why, "leave the key out on a tenant cluster"));
            }
            offload::check(&site.values.hardware_offload, faults);
            attachment::check(site, faults);
            warnings.extend(vfs::check(site, faults));
            warnings
        }
    }
}

/// What only the finished documents show.
fn check_plan(plan: &Plan, site: &Site, against: Option<&Path>, faults: &mut Faults) {
    for file in plan.node_files() {
        paths::check_file(site, file, faults);
    }
    let inherited = against.and_then(|path| against::check(path, site, plan, faults));
    let configs: Vec<_> = plan.configs.iter().collect();
    size::check(&configs, site.pool(), inherited.unwrap_or(site.values.pool.inherited_bytes), faults);
}

/// The plugin's bytes: a file of its own, for the machine that the cluster's nodes are.
fn binary(args: &Args, arch: &str) -> Result<Vec<u8>, Fault> {
    let path = args.binaries.join(arch).join(args.cluster.plugin());
    let shown = path.display();
    let build =
        format!("build it with `scripts/build --target {arch}`, or name a release's folder with --binaries");
    let metadata =
        std::fs::symlink_metadata(&path).map_err(|error| Fault::new(format!("{shown}: {error}"), &build))?;
    if !metadata.is_file() {
        let what = if metadata.is_symlink() { "a link" } else { "no file" };
        return Err(Fault::new(
            format!("{shown} is {what}, and a MachineConfig holds files only"),
            "copy the plugin itself there",
        ));
    }
    let bytes = std::fs::read(&path).map_err(|error| Fault::new(format!("{shown}: {error}"), &build))?;
    match machine(&bytes) {
        Some(machine) if machine == arch => Ok(bytes),
        Some(machine) => Err(Fault::new(format!("{shown} is a program for {machine}"), &build)),
        None => Err(Fault::new(format!("{shown} is no Linux program for x86_64 or aarch64"), &build)),
    }
}

/// `e_machine` of an ELF file (elf(5)).
fn machine(bytes: &[u8]) -> Option<&'static str> {
    let header = bytes.strip_prefix(b"\x7fELF\x02\x01")?;
    match header.get(12..14)? {
        [0x3e, 0] => Some("x86_64"),
        [0xb7, 0] => Some("aarch64"),
        _ => None,
    }
}
