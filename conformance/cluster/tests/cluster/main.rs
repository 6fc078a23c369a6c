//! Both plugins on a real Kubernetes node: what a person sees with kubectl, and what becomes of VFs meanwhile.
//! A node takes a gigabyte of memory: there is one at a time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end that way, its helpers too"
)]

mod admission;
mod attach;
mod by_claim;
mod demo;
mod faults;
mod placeholder;
mod stops;
mod support;
mod traces;
