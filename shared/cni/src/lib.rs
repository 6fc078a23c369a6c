//! The frame that a CNI plugin runs in: what `skel` is to plugins in Go.
//!
//! A plugin implements [`Plugin`] and its `main` is one call of [`main`](fn@main). The frame reads environment
//! and standard input, validates them, negotiates versions 0.1.0 to 1.1.0, calls the verb, and prints exactly
//! one JSON document: a result, or an error with exit status 1, even after a panic. Nobody else writes to
//! standard output.
//!
//! It keeps `skel`'s order, codes and words, and differs where runtimes need it: it refuses the plugin's own
//! namespace *before* acting, carries `cniVersion` in errors, reads `CNI_ARGS` leniently, and lets a plugin
//! declare how much its DEL puts up with ([`Leniency`]).
#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod args;
mod call;
mod conf;
mod env;
mod error;
pub mod event;
mod frame;
mod logging;
mod name;
mod netns;
mod panic;
pub mod paths;
mod plugin;
mod reply;
mod result;
mod session;
mod stdout;
mod trace;
mod version;

pub use args::{Args, Pod};
pub use call::{Add, Attachment, Check, Del, Gc, Keep, Status};
pub use conf::{NetConf, unknown_keys};
pub use env::Verb;
pub use error::{Error, code};
pub use frame::{Process, main, run};
pub use plugin::{Leniency, Plugin};
pub use result::{AddResult, Dns, Interface, Ip, Route};
pub use trace::TraceContext;
pub use version::Version;
