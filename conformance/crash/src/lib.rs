//! Crash testing of `dpu-host`, as databases are tested: run it once under strace to learn which of its system calls
//! change something, run it again for each of them and kill it there (or let that one fail), do what a runtime would
//! do next, and see whether every VF is where it must be.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use crash::{self, Fault, World};
//! use node::{Node, Verb};
//!
//! let world = World::new(Node::builder().privileged(false).start()?)?;
//! let pod = world.node.pod("web", "web-0")?;
//! let conf = world.node.conf_for(&world.node.vfs()[0]);
//! let add = || anyhow::Ok(world.node.call("dpu-host", Verb::Add)?.pod(&pod).conf(&conf));
//! let (_, events) = crash::trace(add()?, world.node.root())?;
//! for instant in crash::instants(&events) {
//!     crash::inject(add()?, &instant, Fault::Kill, world.node.root())?;
//!     world.interrupted(&[&pod])?;
//!     // … and what the runtime does next.
//! }
//! # Ok(()) }
//! ```
//!
//! What is checked does not come from the plugin's code: links are identified by their representor on the card, and
//! records are read as any reader of the state directory would ([`Records`]).
#![forbid(unsafe_code)]

mod census;
mod defaults;
mod event;
mod imprint;
mod inject;
mod invariant;
mod point;
mod records;
mod tamper;
mod world;

use std::io::Write;

pub use census::{Census, ObservedVf, Place};
pub use event::{Change, Event};
pub use inject::{Fault, Injected, inject, stop_behind, trace};
pub use point::{Point, changes, instants};
pub use records::{Record, Records, Stage};
pub use tamper::tamper;
pub use world::World;

/// Shows a line even of a test that passes.
pub fn report(line: &str) {
    // A test that cannot be read still counts.
    let _ = writeln!(std::io::stderr(), "{line}");
}
