//! The plugins under real runtimes: containerd, CRI-O where there is one, podman with its CNI backend, and cnitool.
//! Each runs in namespaces of its own, and each test looks for what is left afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end that way, its helpers too"
)]

mod control;
mod dpu_host;
mod placeholder;
