//! `conformance bench`: our plugins, what is installed today, and the limit under both, in one run.
//!
//! Subjects that do the same share a group ([`group`]) and are run in turn, so that whatever else the machine does
//! meets all of them; ratios are of medians, with a bootstrap interval over the rounds. Wall time is what a runtime
//! waits; CPU time is that of the process and its children; peak memory and system calls are counted in runs of
//! their own ([`peak`], [`syscalls`]). The limit is measured beside them: a static C program that does nothing, and
//! the requests alone that an attachment asks of the kernel ([`kernel`]).
#![forbid(unsafe_code)]

mod attach;
mod baseline;
mod call;
mod curve;
mod deployment;
mod group;
mod growth;
mod idle;
mod kernel;
mod kubelet;
mod limits;
mod machine;
mod mounts;
mod peak;
mod phases;
mod plan;
mod process;
mod progress;
mod records;
mod recovery;
mod report;
mod site;
mod size;
mod stats;
mod subject;
mod syscalls;
mod verbs;
mod waits;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use self::call::Pod;
use self::growth::Growth;
use self::idle::Idle;
use self::kubelet::Kubelets;
use self::limits::Findings;
use self::machine::Machine;
use self::plan::{Effort, Plan};
use self::progress::Progress;
use self::report::{Earlier, Report};
use self::site::Site;
use self::subject::{Field, Source};
use node::Families;

/// Where Debian's containernetworking-plugins installs.
const DEBIAN: &str = "/usr/lib/cni";

/// Arguments of `conformance bench`.
#[derive(clap::Args)]
pub struct Args {
    /// Only see whether everything runs; the figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Trace where the time of one ADD goes, and nothing else.
    #[arg(long)]
    phases: bool,
    /// Plugins to compare with, as LABEL=DIR, more than once; without, Debian's if they are installed.
    #[arg(long = "plugins", value_name = "LABEL=DIR", value_parser = source)]
    plugins: Vec<Source>,
    /// An ovn-k8s-cni-overlay to compare with.
    #[arg(long, value_name = "PATH")]
    overlay: Option<PathBuf>,
    /// The report.json of an earlier run: what is slower or faster beyond noise is marked.
    #[arg(long, value_name = "OLD.json")]
    against: Option<PathBuf>,
    /// Where report.md, page.md, report.json, verbs.svg and growth.svg go.
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
}

/// Runs it.
///
/// # Errors
/// Without root, our plugins or a C compiler, or when a call does not end as it has to.
pub fn run(args: Args) -> Result<ExitCode> {
    ensure!(
        nix::unistd::geteuid().is_root(),
        "the benchmark needs root: it attaches pods in network namespaces"
    );
    let plan = if args.quick { Plan::quick() } else { Plan::full() };
    // Beside the report, so that it is on a disk as the plugins are.
    let programs = args.out.join("programs");
    std::fs::create_dir_all(&programs).with_context(|| format!("making {}", programs.display()))?;
    let field = Field::assemble(&args.sources(), args.overlay.as_deref(), &programs)?;
    let text = if args.phases { phases(&field, &plan)? } else { everything(&args, &field, &plan)? };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn sources(&self) -> Vec<Source> {
        let debian = Source { label: "Debian".to_owned(), dir: DEBIAN.into() };
        let installed = debian.dir.join("loopback").is_file();
        if self.plugins.is_empty() && installed { vec![debian] } else { self.plugins.clone() }
    }
}

fn source(text: &str) -> Result<Source, String> {
    let (label, dir) = text.split_once('=').ok_or("it is LABEL=DIR")?;
    Ok(Source { label: label.to_owned(), dir: dir.into() })
}

fn phases(field: &Field, plan: &Plan) -> Result<String> {
    let site = Site::new(1, Families::V4)?;
    let pod = site.node.pod("bench", "traced")?;
    phases::trace(field, &site, &pod, plan.rounds, &mut Progress::new(plan.rounds))
}

/// Every group, every curve, every size.
fn everything(args: &Args, field: &Field, plan: &Plan) -> Result<String> {
    let against = args.against.as_deref().map(Earlier::read).transpose()?;
    let mut machine = Machine::look()?;
    let most = plan.pods.iter().copied().max().unwrap_or_default().max(attach::VFS);
    let (single, dual) = (Site::new(u32::try_from(most)?, Families::V4)?, Site::new(1, Families::Dual)?);
    let pods = pods_of(&single, most)?;
    let busy = waits::busy(u32::try_from(most)?)?;
    let busy_pods = pods_of(&busy, most)?;

    let cheap = vec![
        verbs::version(field),
        verbs::of_network(field, &single, "STATUS"),
        verbs::of_network(field, &single, "GC"),
        verbs::refusal(field, &Pod::from(&pods[0])),
        deployment::group(field),
    ];
    let attach = attach::group(field, &single, &dual, &pods)?;
    let stages = waits::stages(field, !args.quick)?;
    let waiting = waits::group(field, &stages)?;
    let kubelets = Kubelets::new()?;
    let listed = kubelets.group(field)?;
    let idle = Idle::new()?;
    let looking = idle.group(field)?;
    let [short, attaching, slow] = [plan.rounds, plan.attach_rounds, plan.wait_rounds]
        .map(|rounds| plan.effort(rounds, syscalls::available()));
    // A cycle of all of these takes many seconds.
    let slow = Effort { traced: 1, ..slow };
    let groups = cheap.into_iter().chain([looking]).map(|group| (group, short));
    let groups = groups.chain([(attach, attaching), (listed, attaching), (waiting, slow)]);
    let groups: Vec<_> = groups.collect();
    let total =
        groups.iter().map(|(group, effort)| group.steps(*effort)).sum::<usize>() + plan.growth_steps();
    let mut progress = Progress::new(total);
    let mut measured = Vec::new();
    for (group, effort) in groups {
        measured.extend(group.run(effort, &mut progress)?);
    }
    let growth = Growth { field, site: &single, pods: &pods, plan };
    let mut curves = growth.bursts(&mut progress)?;
    curves.extend(Growth { site: &busy, pods: &busy_pods, ..growth }.waiting(&mut progress)?);
    curves.extend(recovery::curves(field, &single, &pods, plan, &mut progress)?);
    curves.extend(growth.records(&mut progress)?);
    let sizes =
        field.all().map(|one| Ok((one.name.clone(), size::of(&one.path)?))).collect::<Result<Vec<_>>>()?;
    drop(progress);
    machine.look_again()?;

    let verdicts = Findings { field, measured: &measured, curves: &curves, sizes: &sizes }.judge();
    let notes = notes(field, plan, syscalls::available());
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    let report =
        Report { machine, command, notes, sizes, measured, curves, verdicts, against, judged: !args.quick };
    report.save(&args.out)?;
    Ok(format!("{}\nwritten to {}\n", report.text(), Path::new(&args.out).display()))
}

fn pods_of(site: &Site, count: usize) -> Result<Vec<node::Pod>> {
    (0..count).map(|number| site.node.pod("bench", &format!("pod-{number}"))).collect()
}

/// What a reader must know of the figures.
fn notes(field: &Field, plan: &Plan, counted: bool) -> Vec<String> {
    let mut notes = vec![
        format!(
            "medians of {} rounds, of {} where pods are attached; 95 % intervals in brackets",
            plan.rounds, plan.attach_rounds
        ),
        "the server answers at once, but for pods with the server's waits: there the card takes 200 ms, and a privileged \
         server waits for duplicate address detection; a call as if by upstream is by the same plugin, which has been \
         made to forget the server, so that it waits as upstream's does"
            .to_owned(),
    ];
    notes.push(if counted {
        "requests ms: how long the process was in requests over netlink, by strace; most of that under the kernel's one \
         lock for all links, which the move of one keeps longest"
            .to_owned()
    } else {
        "system calls and requests are not counted: strace is not installed".to_owned()
    });
    if field.overlay.is_none() {
        notes.push("without ovn-k8s-cni-overlay: give its path with --overlay".to_owned());
    } else {
        notes.push(
            "ovn-k8s-cni-overlay has no pod with a primary user-defined network: its DEL leaves the second VF in the pod"
                .to_owned(),
        );
    }
    notes
}
