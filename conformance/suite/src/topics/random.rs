//! 152: what nobody thought of.

use crate::case::{TestCase, case};
use crate::levels::R;
use crate::random;
use crate::versions::Versions;

mod reasons;

pub(crate) use self::reasons::REASONS;

pub(crate) const CASES: &[TestCase] = &[case(152, "any", R, random::run)
    .when("random environments and inputs")
    .then("an end, and at most one document on stdout, of JSON")
    .source("robustness")
    .versions(Versions::Newest)
    .long()];
