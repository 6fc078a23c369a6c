//! iproute2, the one witness and hand of every test: independent of each netlink library that is under test.

use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use linux::Netns;
use serde_json::Value;

/// What `ip ARGS` prints in the calling thread's namespace.
///
/// # Errors
/// What `ip` wrote to standard error.
pub fn here(args: &[&str]) -> Result<Vec<u8>> {
    printed(spawned(args, "").context("running ip: is iproute2 installed?")?, args)
}

/// Runs the lines of `script` with `ip -batch`, up to the first that fails.
///
/// # Errors
/// What `ip` wrote to standard error.
pub fn batch(inside: &Netns, script: &str) -> Result<()> {
    let done = run(inside, &["-batch", "-"], script)?;
    ensure!(done.status.success(), "ip: {}; of {script:?}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(())
}

/// What `ip -j ARGS` prints, `[]` when it prints nothing.
///
/// # Errors
/// What `ip` wrote to standard error.
pub fn json(inside: &Netns, args: &[&str]) -> Result<Value> {
    let text = printed(run(inside, &[&["-j"], args].concat(), "")?, args)?;
    if text.trim_ascii().is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    serde_json::from_slice(&text).with_context(|| format!("reading what ip {} printed", args.join(" ")))
}

/// What `ip -j -d` prints for the two lines of `script`.
///
/// # Errors
/// What `ip` wrote to standard error.
pub fn json_pair(inside: &Netns, script: &str) -> Result<[Value; 2]> {
    let done = run(inside, &["-j", "-d", "-batch", "-"], script)?;
    ensure!(done.status.success(), "ip: {}; of {script:?}", String::from_utf8_lossy(&done.stderr).trim());
    let mut printed = serde_json::Deserializer::from_slice(&done.stdout).into_iter::<Value>();
    let mut next = || -> Result<Value> {
        Ok(printed.next().transpose().context("reading what ip printed")?.unwrap_or_default())
    };
    Ok([next()?, next()?])
}

fn run(inside: &Netns, args: &[&str], stdin: &str) -> Result<Output> {
    inside.run(|| spawned(args, stdin))?.context("running ip: is iproute2 installed?")
}

fn spawned(args: &[&str], stdin: &str) -> io::Result<Output> {
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
}

fn printed(done: Output, args: &[&str]) -> Result<Vec<u8>> {
    ensure!(done.status.success(), "ip {}: {}", args.join(" "), String::from_utf8_lossy(&done.stderr).trim());
    Ok(done.stdout)
}
