//! The checks, by topic, and the list of all of them.

mod add;
mod callers;
mod decoding;
mod del;
mod environment;
mod namespaces;
mod negotiation;
mod placeholder;
mod random;
mod runtimes;
mod status_gc;
mod streams;
mod validators;
mod verify;

use super::case::{Group, group};

/// Every check there is, by topic.
pub(crate) const GROUPS: &[Group] = &[
    group("streams", streams::CASES, streams::REASONS),
    group("environment", environment::CASES, environment::REASONS),
    group("validators", validators::CASES, validators::REASONS),
    group("decoding", decoding::CASES, decoding::REASONS),
    group("negotiation", negotiation::CASES, negotiation::REASONS),
    group("namespaces", namespaces::CASES, namespaces::REASONS),
    group("add", add::CASES, add::REASONS),
    group("del", del::CASES, del::REASONS),
    group("check", verify::CASES, verify::REASONS),
    group("status-gc", status_gc::CASES, status_gc::REASONS),
    group("runtimes", runtimes::CASES, runtimes::REASONS),
    group("placeholder", placeholder::CASES, placeholder::REASONS),
    group("random", random::CASES, random::REASONS),
    group("callers", callers::CASES, callers::REASONS),
];
