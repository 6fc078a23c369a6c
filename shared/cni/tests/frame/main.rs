//! The frame from outside: calls made of variables and standard input, answers as a runtime reads them.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod environment;
mod process;
mod properties;
mod stdin;
mod support;
mod verbs;
mod witnesses;
