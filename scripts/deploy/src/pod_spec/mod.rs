//! `pod-spec`: whether a workload can run on a DPU host, and what to change.

mod change;
mod claims;
mod rules;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use self::rules::{Problem, Rules, Verdict};
use self::workload::Workload;
use crate::fault::Fault;
use crate::outcome::{self, Outcome, Report};
use crate::render::{Cluster, Site};
use crate::yaml;

/// The command line.
#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say for each workload whether it can run on a DPU host, and what to change; exit status 0 when all can, 1 when
    /// one cannot, 3 when all can but something that makes pods is of a kind that is not known here
    Lint {
        #[command(flatten)]
        input: Input,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Print the change, or the changed manifests (without their comments, and with their keys in another order:
    /// `--as json-patch` is for what is kept in a repository); exit status 3 when something that makes pods was left
    /// as it is, because its kind is not known here
    Patch {
        #[command(flatten)]
        input: Input,
        /// A JSON patch (of exactly one workload) or whole manifests
        #[arg(long = "as", value_enum, default_value = "manifest")]
        form: Form,
        /// Bind the workload to DPU hosts too, with a node selector
        #[arg(long)]
        select: bool,
    },
}

#[derive(ClapArgs)]
struct Input {
    /// Manifests, YAML or JSON, also `kubectl get -o json`; - is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The values file of the tenant cluster, as given to render
    #[arg(long, value_name = "FILE")]
    values: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Manifest,
    JsonPatch,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> Outcome {
    match &args.command {
        Command::Lint { input, json } => lint(input, *json),
        Command::Patch { input, form, select } => patch(input, *form, *select),
    }
}

impl Input {
    fn rules(&self, objects: &[Value]) -> Result<Rules, Fault> {
        let values = self.values.as_deref().map(yaml::read).transpose()?.unwrap_or_default();
        Ok(Rules::new(&Site { cluster: Cluster::Tenant, values }, objects))
    }

    /// Everything in the files: workloads, and what is none.
    fn objects(&self) -> Result<Vec<Value>, Fault> {
        let lists: Result<Vec<_>, _> = self.files.iter().map(|file| yaml::objects(file)).collect();
        let objects: Vec<Value> = lists?.into_iter().flatten().collect();
        for (object, why) in objects.iter().filter_map(workload::passed_over) {
            eprintln!("note: {object} was not looked at: {why}");
        }
        Ok(objects)
    }
}

fn none_found() -> Fault {
    Fault::new(
        "no pod, deployment or other workload in what was given",
        "name a file with one, or pipe in `kubectl get pods -A -o json`",
    )
}

/// One workload's verdict, for programs; `runs` is null for what was not looked at.
#[derive(Serialize)]
struct Line<'a> {
    workload: String,
    runs: Option<bool>,
    problems: &'a [Problem],
    notes: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn judged(workload: &Workload<'_>, Verdict { problems, notes }: &'a Verdict) -> Self {
        let runs = Some(problems.is_empty());
        Line {
            workload: workload.to_string(),
            runs,
            problems,
            notes: notes.iter().map(String::as_str).collect(),
        }
    }

    fn passed_over(object: &Workload<'_>, why: &'a str) -> Self {
        Line { workload: object.to_string(), runs: None, problems: &[], notes: vec![why] }
    }
}

fn lint(input: &Input, json: bool) -> Outcome {
    let objects = input.objects()?;
    let rules = input.rules(&objects)?;
    let judged: Vec<_> =
        objects.iter().filter_map(Workload::of).map(|workload| (workload, rules.judge(&workload))).collect();
    if judged.is_empty() {
        return Err(none_found().into());
    }
    let code = if judged.iter().all(|(_, verdict)| verdict.runs()) { looked_at(&objects) } else { 1.into() };
    let text = if json {
        let mut lines: Vec<_> =
            judged.iter().map(|(workload, verdict)| Line::judged(workload, verdict)).collect();
        lines.extend(
            objects
                .iter()
                .filter_map(workload::passed_over)
                .map(|(object, why)| Line::passed_over(&object, why)),
        );
        outcome::json(&lines)?
    } else {
        judged.iter().map(|(workload, verdict)| format!("{workload}: {verdict}\n")).collect()
    };
    Ok(Report { text, code })
}

/// Whether all that makes pods was looked at, for scripts.
fn looked_at(objects: &[Value]) -> ExitCode {
    if objects.iter().any(|object| workload::passed_over(object).is_some()) { 3.into() } else { 0.into() }
}

fn patch(input: &Input, form: Form, select: bool) -> Outcome {
    let mut objects = input.objects()?;
    let rules = input.rules(&objects)?;
    let mut patches = Vec::new();
    for object in &mut objects {
        let Some(workload) = Workload::of(object) else { continue };
        let verdict = rules.judge(&workload);
        for problem in verdict.problems.iter().filter(|problem| problem.change.is_empty()) {
            eprintln!("warning: {workload}: {} (not changed: {})", problem.what, problem.remedy);
        }
        let mut change: Vec<_> = verdict.problems.into_iter().flat_map(|problem| problem.change).collect();
        if select {
            change.extend(rules.select(&workload));
        }
        change::apply(object, &change)?;
        patches.push(change);
    }
    let text = match (form, patches.as_slice()) {
        (_, []) => return Err(none_found().into()),
        (Form::Manifest, _) => manifests(&objects)?,
        (Form::JsonPatch, [one]) => outcome::json(one)?,
        (Form::JsonPatch, many) => {
            let why = format!("{} workloads were given, and a JSON patch is for one", many.len());
            return Err(Fault::new(why, "give one at a time, or ask for --as manifest").into());
        }
    };
    Ok(Report { text, code: looked_at(&objects) })
}

fn manifests(objects: &[Value]) -> Result<String, Fault> {
    let texts: Result<Vec<_>, _> = objects.iter().map(yaml::print).collect();
    Ok(texts?.join("---\n"))
}
