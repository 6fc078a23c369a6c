//! What every program and test of the conformance folder needs, and knows nothing of any of them.
#![forbid(unsafe_code)]

pub mod binaries;
pub mod ip;
pub mod memory;
pub mod namespace;
pub mod numbers;
pub mod process;
