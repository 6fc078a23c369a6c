//! 152: what nobody thought of.

use super::R;
use crate::check::catalogue::{Check, check};
use crate::check::random;
use crate::check::versions::Versions;

pub(in crate::check) const CHECKS: &[Check] = &[check(152, "any", R, random::run)
    .when("random environments and inputs")
    .then("an end, and at most one document on stdout, of JSON")
    .source("robustness")
    .versions(Versions::Newest)];
