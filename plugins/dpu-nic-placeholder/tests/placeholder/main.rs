//! The plugin from outside: the real binary, called as runtimes call it.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod call;
mod configuration;
mod example;
mod verbs;
