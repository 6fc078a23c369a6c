//! `dpu-host`: the CNI plugin of a node whose pods live on the virtual functions of a DPU.
//!
//! It wraps ovn-kubernetes' `dpu-host` mode: finds the pod's VF, has ovnkube-node and the card set it up, moves
//! it into the pod where the server does not, and brings it home again whatever happened in between.
//! A verb is a file of `verbs`; `node` is what all of them work on.
#![forbid(unsafe_code)]

mod config;
mod device;
mod error;
mod housekeeping;
mod node;
mod pod;
mod record;
mod server;
mod time;
mod trace;
mod verbs;
mod vf;
mod vfs;

#[cfg(fuzzing)]
pub mod fuzzing;

use std::cell::{Cell, OnceCell};
use std::process::ExitCode;
use std::time::Instant;

use cni::{Add, AddResult, Check, Del, Error, Gc, Leniency, Plugin, Pod, Status, Verb};

use crate::node::Node;
use crate::verbs::{add, check, del, gc, status};

/// The plugin, and what its call leaves for after the answer.
struct DpuHost {
    began: Instant,
    node: OnceCell<Node>,
    failed: Cell<bool>,
}

impl Plugin for DpuHost {
    const NAME: &'static str = "dpu-host";
    const ABOUT: &'static str = "CNI plugin for DPU hosts: gives pods a virtual function of the DPU; by hand: dpu-host vfs, dpu-host --help";
    const DEL: Leniency = Leniency::AnyVersion;

    fn add(&self, call: &Add) -> Result<AddResult, Error> {
        let added = Node::strict(&call.conf, self.began).and_then(|node| add::run(self.node(node), call));
        self.ended(added, &call.args.pod())
    }

    fn del(&self, call: &Del) -> Result<(), Error> {
        let deleted = del::run(self.node(Node::lenient(&call.conf, self.began)), call);
        self.ended(deleted, &call.args.pod())
    }

    fn check(&self, call: &Check) -> Result<(), Error> {
        let checked = Node::strict(&call.conf, self.began).and_then(|node| check::run(self.node(node), call));
        self.ended(checked, &call.args.pod())
    }

    fn status(&self, call: &Status) -> Result<(), Error> {
        status::run(self.node(Node::strict(&call.conf, self.began)?))
    }

    fn gc(&self, call: &Gc) -> Result<(), Error> {
        let collected = Node::strict(&call.conf, self.began).and_then(|node| gc::run(self.node(node), call));
        self.ended(collected, &Pod::default())
    }

    fn take_back(&self, call: Add) -> Result<(), Error> {
        let Some(node) = self.node.get() else { return Ok(()) };
        self.failed.set(true);
        add::take_back(node, &call.attachment)
    }

    fn remark(&self) -> String {
        self.node.get().map(|node| node.trace.remark()).unwrap_or_default()
    }

    fn afterwards(&self, verb: Verb) {
        let Some(node) = self.node.get() else { return };
        let took = node.trace.answered();
        // CHECK and STATUS are called in haste.
        if matches!(verb, Verb::Add | Verb::Del | Verb::Gc) {
            housekeeping::run(node);
            server::report(node, verb, took, self.failed.get());
        }
    }
}

impl DpuHost {
    /// Keeps the node for the housekeeping that comes after the answer.
    fn node(&self, node: Node) -> &Node {
        self.node.get_or_init(|| node)
    }

    /// Notes how a call has ended, and names the pod in its error.
    fn ended<T>(&self, done: Result<T, Error>, pod: &Pod) -> Result<T, Error> {
        self.failed.set(done.is_err());
        done.map_err(|error| error::of_pod(error, pod))
    }
}

/// Serves a call of a runtime's, or `dpu-host vfs` of a person's: the whole program.
pub fn main() -> ExitCode {
    let began = Instant::now();
    let mut args = std::env::args().skip(1);
    let serve = || cni::main(&DpuHost { began, node: OnceCell::new(), failed: Cell::new(false) });
    match args.next().as_deref() {
        Some("vfs") => vfs::main(&args.collect::<Vec<_>>()),
        Some("-h" | "--help") => {
            let about = serve();
            eprintln!("\n{}", vfs::USAGE);
            about
        }
        // A mistyped question is not answered with success.
        Some(other) if !matches!(other, "-V" | "--version") => vfs::complain(vfs::USAGE, vfs::UNKNOWN),
        _ => serve(),
    }
}
