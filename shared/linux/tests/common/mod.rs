//! A network namespace of a test's own, worked on with `ip` as an independent witness. Needs root.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use linux::{Link, Netlink, Netns};
use serde_json::Value;

/// A named namespace under `/run/netns`, deleted with all that is in it when the test ends, however it ends.
pub(crate) struct Sandbox {
    pub(crate) name: String,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("linux-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let sandbox = Sandbox { name };
        run(Command::new("ip").args(["netns", "add", &sandbox.name]));
        sandbox
    }

    /// A namespace with two ends of a veth pair, `left` and `right`.
    pub(crate) fn with_veth() -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.ip("link add left type veth peer name right");
        sandbox
    }

    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.name)
    }

    pub(crate) fn netns(&self) -> Netns {
        Netns::open(&self.path()).unwrap()
    }

    pub(crate) fn netlink(&self) -> Netlink {
        Netlink::inside(&self.netns()).unwrap()
    }

    /// Runs `ip` inside and returns what it prints.
    pub(crate) fn ip(&self, arguments: &str) -> String {
        let output = run(Command::new("ip").args(["-n", &self.name]).args(arguments.split_whitespace()));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `ip -j` inside and returns the list that it prints.
    pub(crate) fn list(&self, arguments: &str) -> Vec<Value> {
        match serde_json::from_str(&self.ip(&format!("-d -j {arguments}"))).unwrap() {
            Value::Array(list) => list,
            other => panic!("{other}"),
        }
    }

    /// The first thing that `ip -j` lists inside.
    pub(crate) fn show(&self, arguments: &str) -> Value {
        self.list(arguments).into_iter().next().unwrap_or_else(|| panic!("ip {arguments} lists nothing"))
    }

    pub(crate) fn link(&self, name: &str) -> Link {
        self.netlink().link(name).unwrap().unwrap_or_else(|| panic!("no link {name} in {}", self.name))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Not run(): a second panic would abort the test binary.
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).output();
    }
}

fn run(command: &mut Command) -> Output {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; these tests need iproute2"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}(these tests need root)");
    output
}
