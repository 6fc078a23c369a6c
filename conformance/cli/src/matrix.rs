//! `conformance matrix`: the reports of many plugins as one page.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Reports that `cni-conformance --format json` has written.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The reports, each in a folder that is named for the plugin's release.
    #[arg(required = true, value_name = "FILE")]
    reports: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Report {
    plugin: PathBuf,
    summary: Summary,
    seconds: f64,
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Summary {
    passed: usize,
    skipped: usize,
}

#[derive(Clone, Deserialize)]
struct Check {
    number: u16,
    verb: String,
    levels: String,
    status: String,
    sent: String,
    came_back: String,
    should: String,
    source: String,
    remark: String,
}

/// What a deviation is, by the first of the check's levels that applies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Specification,
    Library,
    Runtime,
}

impl Class {
    const ALL: [(Class, &'static str); 3] = [
        (Class::Specification, "breaks the specification"),
        (Class::Library, "differs from the reference library"),
        (Class::Runtime, "breaks a runtime"),
    ];

    fn of(check: &Check) -> Class {
        match check.levels.chars().next() {
            Some('M') => Class::Specification,
            Some('K') => Class::Library,
            _ => Class::Runtime,
        }
    }
}

impl Report {
    /// The plugin's type.
    fn name(&self) -> Cow<'_, str> {
        self.plugin.file_name().unwrap_or_default().to_string_lossy()
    }

    /// Why it attached nothing, if it did not: what it does then says little about it.
    fn unable(&self) -> Option<&str> {
        let reasons = self.checks.iter().filter_map(|check| check.remark.split(':').next());
        reasons.into_iter().find(|reason| reason.starts_with("ADD fails with code"))
    }
}

/// Prints the page.
///
/// # Errors
/// When a report cannot be read.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let reports = args.reports.iter().map(|path| read(path)).collect::<Result<Vec<_>>>()?;
    stdout().write_all(page(&reports).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// A release, and the report of one of its plugins.
fn read(path: &Path) -> Result<(String, Report)> {
    let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let report = serde_json::from_slice(&text).with_context(|| format!("decoding {}", path.display()))?;
    let release = path.parent().and_then(Path::file_name).context("a report lies in a release's folder")?;
    Ok((release.to_string_lossy().into_owned(), report))
}

fn page(reports: &[(String, Report)]) -> String {
    let titles = Class::ALL.map(|(_, title)| title).join(" | ");
    let mut page = format!(
        "| Plugin | Release | Passed | Not run | {titles} | Seconds |\n|---|---|---|---|---|---|---|---|\n"
    );
    let mut found: BTreeMap<(Class, u16), (Check, Vec<String>)> = BTreeMap::new();
    for (release, report) in reports.iter().filter(|(_, report)| report.unable().is_none()) {
        let name = report.name();
        let failed = || report.checks.iter().filter(|check| check.status == "fail");
        let Summary { passed, skipped } = report.summary;
        let _ = write!(page, "| {name} | {release} | {passed} | {skipped} |");
        for (class, _) in Class::ALL {
            let numbers =
                failed().filter(|check| Class::of(check) == class).map(|check| check.number.to_string());
            page += &format!(" {} |", numbers.collect::<Vec<_>>().join(" "));
        }
        let _ = writeln!(page, " {:.0} |", report.seconds);
        for check in failed() {
            let entry =
                found.entry((Class::of(check), check.number)).or_insert_with(|| (check.clone(), Vec::new()));
            entry.1.push(format!("{name} {release}"));
        }
    }
    page += &unable(reports);
    for (class, title) in Class::ALL {
        let rows = found.iter().filter(|((of, _), _)| *of == class).map(|(_, row)| row);
        let _ = write!(page, "\n## What {title}\n");
        for (check, plugins) in rows {
            page += &section(check, plugins);
        }
    }
    page
}

/// Those that could attach nothing where the reports were made, and why.
fn unable(reports: &[(String, Report)]) -> String {
    let mut text = String::new();
    for (release, report) in reports {
        if let Some(reason) = report.unable() {
            let _ = writeln!(text, "- {} {release}: {reason}", report.name());
        }
    }
    if text.is_empty() {
        text
    } else {
        format!("\nOn the machine of this page these could attach nothing:\n\n{text}")
    }
}

fn section(check: &Check, plugins: &[String]) -> String {
    let Check { number, verb, sent, came_back, should, source, .. } = check;
    let fact = |text: &str| text.replace('`', "'").split_whitespace().collect::<Vec<_>>().join(" ");
    format!(
        "\n### {number} {verb}\n\n```text\nsent       {}\ncame back  {}\nshould     {}\nsource     {}\nplugins    {}\n```\n",
        fact(sent),
        fact(came_back),
        fact(should),
        fact(source),
        plugins.join(", ")
    )
}
