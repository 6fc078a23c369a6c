//! The checks, by topic.

pub(super) mod add;
pub(super) mod decoding;
pub(super) mod del;
pub(super) mod environment;
pub(super) mod namespaces;
pub(super) mod negotiation;
pub(super) mod placeholder;
pub(super) mod random;
pub(super) mod runtimes;
pub(super) mod status_gc;
pub(super) mod streams;
pub(super) mod validators;
pub(super) mod verify;

use super::levels::Level::{self, Interface, Library, Must, Placeholder, Runtime, Skel};

// Who demands a check, as the reports write it.
const M: &[Level] = &[Must];
const K: &[Level] = &[Skel];
const R: &[Level] = &[Runtime];
const L: &[Level] = &[Library];
const P: &[Level] = &[Placeholder];
const S: &[Level] = &[Interface];
const MK: &[Level] = &[Must, Skel];
const MR: &[Level] = &[Must, Runtime];
const KR: &[Level] = &[Skel, Runtime];
const SP: &[Level] = &[Interface, Placeholder];
const RP: &[Level] = &[Runtime, Placeholder];
