//! The conformance suite: 161 numbered checks against any CNI plugin binary.
//!
//! # How it works
//!
//! Every check is a row of data ([`case::TestCase`]: number, verb, what is sent, what should come back, who
//! demands it, where that is written) and a function of a few lines. They are grouped by topic, a file each, in
//! `topics/`; why each is there ([`reason::Reason`]) is in a file `reasons.rs` beside its topic. A check runs once for each protocol version that the plugin lists and the check is about; each run is a
//! [`trial::Trial`]: a thread with a network and mount namespace of its own (the "host"), in which `/run` and
//! `/var/lib/cni` are empty at first; container namespaces that end with it, a private directory, a copy of the plugin
//! in a private `CNI_PATH`, and an environment with nothing in it but what is meant. As many trials run at a time as
//! there are cores.
//!
//! # Levels and profiles
//!
//! M is what the specification says must be, K what the reference library does, R what a runtime in use depends on,
//! L what libcni does around a plugin, P and S what the placeholder and the interface profile add. Profile `spec`
//! requires M and reports the rest as advice; the other two require everything that they include. Where P or S
//! contradict another level, `levels.rs` has a table that says which check becomes what, and why.
//!
//! # Adding a check
//!
//! Add a row to the topic's `CASES`, with the next number, and its function: get a pod ([`trial::Trial::pod`]) or an
//! attached one ([`trial::Trial::attach`]), derive a call from a valid one ([`trial::Trial::call`]), run it, and hold
//! the answer to something ([`answer::Answer`]). A check that cannot say anything ends with
//! [`stop::Stop::skipped`] and a reason. Its [`reason::Reason`] says on whose word it is there, what breaks and how
//! plugins get it wrong, without which nothing compiles; `cni-conformance --explain all` writes them to
//! `conformance/CHECKS.md`. Then add what the known plugins do to
//! `cli/tests/check/controls.rs`, and a plugin that fails it to `cli/tests/check/mutants.rs`.
#![forbid(unsafe_code)]

mod answer;
mod baseline;
mod call;
mod case;
mod case_result;
mod chain;
mod conf;
mod done;
mod explain;
pub mod fixture;
mod levels;
mod namespace;
mod pod;
mod progress;
mod random;
mod reason;
mod repeat;
mod report;
mod result;
mod runner;
mod select;
mod snapshot;
mod stop;
mod stub;
mod suite;
mod survey;
mod text;
mod threads;
mod topics;
mod trial;
mod versions;
mod witness;

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use clap::{Args as _, Command};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

pub use self::answer::{LONGEST, MATCHED, NOT_READY};
pub use self::snapshot::files;
pub use self::witness::look_here;

use self::baseline::Baseline;
use self::call::Common;
use self::case_result::{CaseResult, Status};
use self::fixture::Fixture;
use self::levels::Profile;
use self::progress::Progress;
use self::report::{About, Format, View};
use self::runner::Chosen;
use self::suite::{Random, Subject, Suite};

/// What a run is told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plugin binary; its file name is its CNI type.
    #[arg(long, value_name = "PATH", required_unless_present_any = ["list", "explain"])]
    plugin: Option<PathBuf>,
    /// A plugin configuration or list that works; `${CASE}` in its strings becomes a directory of each trial's own. The
    /// CNI project's plugins need none.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What kind of plugin it is: `spec` where the suite does not know better.
    #[arg(long, value_enum)]
    profile: Option<Profile>,
    /// Only these of the versions that the plugin lists; repeated, or with commas.
    #[arg(long, value_name = "VERSION", value_delimiter = ',')]
    cni_version: Vec<String>,
    /// Only these groups or checks: `add`, `88`, `88-100`; repeated, or with commas.
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    only: Vec<String>,
    /// Compare messages with the reference library's, not only codes.
    #[arg(long)]
    skel_strings: bool,
    /// How to report.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write the report into a file too, in that format: `junit=report.xml`; repeated.
    #[arg(long, value_name = "FORMAT=FILE")]
    write: Vec<report::Copy>,
    /// Show only what failed, and not what is only advised (of the table).
    #[arg(long)]
    failures: bool,
    /// A command that gives each trial the devices and daemons that the plugin needs; `conformance check` knows
    /// `simulated-node` too, the node that `dpu-host` runs on.
    #[arg(long, value_name = "CMD")]
    setup: Option<String>,
    /// The interface's name in containers (CNI_IFNAME): eth0, or lo for `loopback`.
    #[arg(long, value_name = "NAME")]
    ifname: Option<String>,
    /// Checks that are known to fail, a line each (`103 why`): only others fail the run.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write what fails to such a file; what is known already keeps its words.
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// Print what this check sends as lines for a shell, instead of a report.
    #[arg(long, value_name = "NUMBER", conflicts_with = "only")]
    repeat: Option<u16>,
    /// Say why these checks are there instead: on whose word, what breaks, how plugins get it wrong (`103`, `del`; `all`).
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    explain: Vec<String>,
    /// How many random inputs.
    #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
    random: usize,
    /// The number that random inputs are made from, to have the same ones again.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Seconds until a call counts as hanging.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// List all checks instead.
    #[arg(long)]
    list: bool,
}

/// `cni-conformance`, with its options.
pub fn command() -> Command {
    // The first sentence of the options is about them.
    Args::augment_args(Command::new("cni-conformance").version(env!("CARGO_PKG_VERSION")))
        .about("Holds any CNI plugin binary to the specification and to what runtimes expect")
}

/// Runs it: exit status 1 when a required check fails, or when it is interrupted. What `--setup` names is a command,
/// unless `builtin` knows better.
///
/// # Errors
/// When the suite itself cannot work: no such plugin, not root, no iproute2, a set-up command that fails; and after the
/// report, when some check could not be judged, or not one could be run.
pub fn run(args: Args, builtin: impl Fn(&str) -> Option<Box<dyn Fixture>>) -> Result<ExitCode> {
    if !args.explain.is_empty() {
        explain(&args.explain)?;
        return Ok(ExitCode::SUCCESS);
    }
    let only = args.repeat.map_or_else(|| args.only.clone(), |number| vec![number.to_string()]);
    let chosen = select::select(&only)?;
    if args.list {
        select::list(&mut stdout().lock(), &chosen)?;
        return Ok(ExitCode::SUCCESS);
    }
    let start = Instant::now();
    let (format, view) = (args.format, View::of_stdout(args.failures));
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?.unwrap_or_default();
    let copies = args.write.clone();
    let (write_baseline, repeat) = (args.write_baseline.clone(), args.repeat.is_some());
    let suite = prepare(args, builtin)?;
    let mut rows = run_checks(&suite, &chosen);
    baseline.mark(&mut rows);
    if let Some(path) = write_baseline {
        Baseline::write(&path, &rows)?;
    }
    let interrupted = suite.common.interrupted.load(Ordering::Relaxed);
    let about = About {
        plugin: suite.plugin.display().to_string(),
        configuration: suite.configuration(),
        profile: report::name(suite.profile),
        versions: suite.chosen.clone(),
        seed: suite.random.seed,
        seconds: start.elapsed().as_secs_f64(),
        interrupted,
        mended: baseline.mended(&rows),
    };
    copies.iter().try_for_each(|copy| copy.write(&about, &rows))?;
    let mut out = stdout().lock();
    let written = if repeat {
        report::write_script(&mut out, &rows)
    } else {
        format.write(&mut out, &about, &rows, view)
    };
    written.and_then(|()| out.flush()).context("writing the report")?;
    if interrupted {
        return Ok(ExitCode::FAILURE);
    }
    says_something(&rows)?;
    let failed = report::Summary::of(&rows).failed > 0;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn explain(which: &[String]) -> Result<()> {
    let mut out = stdout().lock();
    let written = if which == [explain::ALL] {
        explain::page(&mut out, &select::select(&[])?)
    } else {
        explain::sections(&mut out, &select::select(which)?)
    };
    written.context("writing the explanation")
}

/// Whether what was found is about the plugin.
fn says_something(rows: &[CaseResult]) -> Result<()> {
    let broken: Vec<String> =
        rows.iter().filter(|row| row.broken).map(|row| row.number.to_string()).collect();
    ensure!(broken.is_empty(), "the suite itself failed in {}", broken.join(", "));
    let reason = rows.first().map_or("", |row| &row.remark);
    ensure!(rows.iter().any(|row| row.status != Status::Skip), "not one check could be run: {reason}");
    Ok(())
}

fn prepare(args: Args, builtin: impl Fn(&str) -> Option<Box<dyn Fixture>>) -> Result<Suite> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // The second one ends the suite at once; nothing is left even then but an empty directory.
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&interrupted))?;
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    let fixture =
        args.setup.map(|setup| builtin(&setup).unwrap_or_else(|| Box::new(fixture::hook::Hook::new(setup))));
    let common = Common {
        program: PathBuf::new(),
        timeout: Duration::from_secs(args.timeout),
        skel_strings: args.skel_strings,
        interrupted,
        last: Arc::new(Mutex::new(None)),
        calls: args.repeat.map(|_| Arc::default()),
    };
    let mut suite = Suite::new(Subject {
        plugin: args.plugin.context("no plugin given")?,
        config: args.config,
        profile: args.profile,
        ifname: args.ifname,
        fixture,
        common,
        random: Random { count: args.random, seed: args.seed.unwrap_or_else(seed) },
    })?;
    survey::survey(&mut suite, &args.cni_version)?;
    Ok(suite)
}

fn run_checks(suite: &Suite, chosen: &[Chosen]) -> Vec<CaseResult> {
    let mut progress = Progress::new(chosen.len());
    let mut rows = Vec::with_capacity(chosen.len());
    runner::run(suite, chosen, |row| {
        progress.advance(&row);
        rows.push(row);
    });
    progress.clear();
    rows
}

/// Another one each time.
fn seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| u64::from(now.subsec_nanos()))
}
