//! Everything of the suite that is not shipped: the conformance suite for any CNI plugin, the simulated
//! DPU host node, and the benchmark.
#![forbid(unsafe_code)]

pub mod bench;
pub mod binaries;
pub mod check;
pub mod crash;
mod memory;
pub mod node;
mod numbers;
pub mod runtimes;
