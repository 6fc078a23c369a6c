//! `conformance check`: as a program, with its reports, on our own plugins, on those of others, and on broken ones.

mod controls;
mod explained;
mod known;
mod machine;
mod mutants;
mod ours;
mod program;
mod reports;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Output};

use anyhow::{Context, Result};
use serde_json::Value;
use testkit::binaries::plugin;

/// The suite, about to be run.
fn suite() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
    command.arg("check");
    command
}

/// The suite, about to be run on a plugin that attaches nothing.
fn check(args: &[&str]) -> Result<Command> {
    let mut command = suite();
    command.arg("--plugin").arg(plugin("dpu-nic-placeholder")?).args(args);
    Ok(command)
}

/// The same, run.
fn run(args: &[&str]) -> Result<Output> {
    Ok(check(args)?.output()?)
}

/// What a run has found.
struct Report {
    /// As the suite printed it.
    json: Value,
    /// How it ended.
    status: ExitStatus,
}

impl Report {
    /// Of a run with these arguments.
    fn of(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Report> {
        let output = suite().args(["--format", "json"]).args(args).output()?;
        let json = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(Report { json, status: output.status })
    }

    /// The rows with this status.
    fn rows(&self, status: &str) -> impl Iterator<Item = &Value> {
        self.json["checks"].as_array().into_iter().flatten().filter(move |row| row["status"] == status)
    }

    /// The numbers of the checks that failed.
    fn failed(&self) -> BTreeSet<u64> {
        numbers(self.rows("fail"))
    }
}

fn numbers<'a>(rows: impl Iterator<Item = &'a Value>) -> BTreeSet<u64> {
    rows.filter_map(|row| row["number"].as_u64()).collect()
}

/// The arguments that have only these checks run.
fn only(numbers: &BTreeSet<u64>) -> [OsString; 2] {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    ["--only".into(), numbers.join(",").into()]
}

/// Writes a plugin that is a script.
fn put(path: &Path, script: &str) -> Result<()> {
    fs::write(path, script)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}
