//! What removes a node's traces when the process that has it is killed. Its processes need nobody for that: they end
//! with their namespace.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use node::Node;
use runtimes::Setup;
use runtimes::cgroup::Cgroup;

/// Waits for the end of its standard input, which is that of the process or of the value. Then nothing is left, unless
/// the process was killed. A control group cannot be removed as long as one of its processes is dying: a few tries,
/// one after the other within some seconds.
const SCRIPT: &str = r"cat >/dev/null
for try in 1 2 3 4 5 6 7 8 9 10; do
  for name in $NAMESPACES; do [ ! -e /run/netns/$name ] || ip netns del $name; done
  rm -rf $DIRECTORIES
  for group in /sys/fs/cgroup/$GROUP /sys/fs/cgroup/*/$GROUP; do
    [ ! -d $group ] || find $group -depth -type d -exec rmdir {} +
  done
  ls -d $DIRECTORIES /sys/fs/cgroup/$GROUP /sys/fs/cgroup/*/$GROUP | grep -q . || exit 0
  sleep 0.5
done";

/// The process that waits. To be dropped after everything that it would remove.
#[derive(Debug)]
pub(super) struct Caretaker(Child);

impl Caretaker {
    /// For what these have made.
    pub(super) fn start(node: &Node, setup: &Setup, cgroup: &Cgroup) -> Result<Caretaker> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT]);
        shell.env("NAMESPACES", format!("{} {}", node.host().name(), node.card().name()));
        shell.env("DIRECTORIES", format!("{} {}", node.root().display(), setup.path("").display()));
        shell.env("GROUP", cgroup.parent().trim_start_matches('/'));
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // An interrupt is for the process that has the node.
        shell.process_group(0);
        Ok(Caretaker(shell.spawn().context("starting the caretaker")?))
    }
}

impl Drop for Caretaker {
    fn drop(&mut self) {
        // Waiting closes its standard input. What it has left could not be removed.
        let _ = self.0.wait();
    }
}
