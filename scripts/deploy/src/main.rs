//! Renders, checks, audits and removes what puts dpu-cni on two clusters.
#![forbid(unsafe_code)]

fn main() {}
