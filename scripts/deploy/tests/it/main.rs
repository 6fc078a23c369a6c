//! The program as a person runs it: arguments in, files and text out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end that way, its helpers too"
)]

mod admission;
mod against;
mod audit;
mod by_claim;
mod circles;
mod failing;
mod ignition;
mod installed;
mod inventory;
mod leaving;
mod networks;
mod objects;
mod one_rule;
mod packages;
mod pages;
mod pairing;
mod pod_spec;
mod policies;
mod reading;
mod refusals;
mod render;
mod scripts;
mod standin;
mod steps;
mod support;
mod uninstall;
