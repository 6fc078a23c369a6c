//! iproute2 inside a namespace.
//!
//! The simulated node builds, moves and reads links with `ip` rather than with the code that is under test: an
//! independent witness.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use linux::Netns;
use serde_json::Value;

/// Runs the lines of `script` with `ip -batch`, up to the first that fails.
///
/// # Errors
/// What `ip` wrote to standard error.
pub(super) fn batch(inside: &Netns, script: &str) -> Result<()> {
    let done = run(inside, &["-batch", "-"], script)?;
    ensure!(done.status.success(), "ip: {}; of {script:?}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(())
}

/// What `ip -j ARGS` prints, `[]` when it prints nothing.
///
/// # Errors
/// What `ip` wrote to standard error.
pub(super) fn json(inside: &Netns, args: &[&str]) -> Result<Value> {
    let done = run(inside, &[&["-j"], args].concat(), "")?;
    ensure!(done.status.success(), "ip {}: {}", args.join(" "), String::from_utf8_lossy(&done.stderr).trim());
    if done.stdout.trim_ascii().is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    serde_json::from_slice(&done.stdout)
        .with_context(|| format!("reading what ip {} printed", args.join(" ")))
}

/// What `ip -j -d` prints for the two lines of `script`.
///
/// # Errors
/// What `ip` wrote to standard error.
pub(super) fn json_pair(inside: &Netns, script: &str) -> Result<[Value; 2]> {
    let done = run(inside, &["-j", "-d", "-batch", "-"], script)?;
    ensure!(done.status.success(), "ip: {}; of {script:?}", String::from_utf8_lossy(&done.stderr).trim());
    let mut printed = serde_json::Deserializer::from_slice(&done.stdout).into_iter::<Value>();
    let mut next = || -> Result<Value> {
        Ok(printed.next().transpose().context("reading what ip printed")?.unwrap_or_default())
    };
    Ok([next()?, next()?])
}

fn run(inside: &Netns, args: &[&str], stdin: &str) -> Result<Output> {
    let piped = || {
        let mut ip = Command::new("ip")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut to) = ip.stdin.take() {
            to.write_all(stdin.as_bytes())?;
        }
        ip.wait_with_output()
    };
    inside.run(piped)?.context("running ip")
}
