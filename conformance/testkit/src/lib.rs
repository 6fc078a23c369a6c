//! What every program and test of the conformance folder needs, and knows nothing of any of them.
#![forbid(unsafe_code)]

pub mod binaries;
pub mod memory;
pub mod numbers;
