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

use super::case::Group;

/// Every check there is, by topic.
pub(crate) const GROUPS: &[Group] = &[
    Group { name: "streams", cases: streams::CASES },
    Group { name: "environment", cases: environment::CASES },
    Group { name: "validators", cases: validators::CASES },
    Group { name: "decoding", cases: decoding::CASES },
    Group { name: "negotiation", cases: negotiation::CASES },
    Group { name: "namespaces", cases: namespaces::CASES },
    Group { name: "add", cases: add::CASES },
    Group { name: "del", cases: del::CASES },
    Group { name: "check", cases: verify::CASES },
    Group { name: "status-gc", cases: status_gc::CASES },
    Group { name: "runtimes", cases: runtimes::CASES },
    Group { name: "placeholder", cases: placeholder::CASES },
    Group { name: "random", cases: random::CASES },
    Group { name: "callers", cases: callers::CASES },
];
