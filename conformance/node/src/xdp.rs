//! XDP programs that a pod puts on its interface. All that theirs does is drop every packet.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use linux::Netns;

/// Only Python's standard library, which the tests need anyway.
const SCRIPT: &str = include_str!("xdp.py");

/// How a program is put on an interface.
#[derive(Clone, Copy, Debug)]
pub enum Xdp {
    /// For the kernel to run, by netlink: it stays until it is taken off.
    Generic,
    /// The same for the driver to run.
    Driver,
    /// By a `bpf_link`: nobody else can take it off, and it is gone when [`Attached`] is dropped.
    Link,
}

/// A program that has been put on an interface.
#[derive(Debug)]
pub struct Attached {
    holder: Child,
}

impl Drop for Attached {
    fn drop(&mut self) {
        // It ends with its standard input.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// Puts a program on `ifname` in this namespace.
///
/// # Errors
/// When there is no `python3`, or the kernel refuses.
pub(super) fn attach(inside: &Netns, ifname: &str, how: Xdp) -> Result<Attached> {
    let how = match how {
        Xdp::Generic => "generic",
        Xdp::Driver => "driver",
        Xdp::Link => "link",
    };
    let mut python = Command::new("python3");
    python.args(["-c", SCRIPT, ifname, how]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = inside.run(|| python.spawn())?.context("running python3")?;
    let mut said = String::new();
    BufReader::new(holder.stdout.take().context("it has no output")?).read_line(&mut said)?;
    let attached = Attached { holder };
    ensure!(said.trim() == "attached", "no XDP program could be put on {ifname}");
    Ok(attached)
}
