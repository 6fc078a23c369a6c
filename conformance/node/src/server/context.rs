//! What a request under way knows.

use std::time::Instant;

use crate::behaviour::Behaviour;
use crate::state::Shared;

/// A request under way.
pub(super) struct Context<'a> {
    pub(super) shared: &'a Shared,
    /// As it was when the request came.
    pub(super) behaviour: Behaviour,
    /// The end of upstream's budget.
    pub(super) deadline: Instant,
    /// The run of the server that the request belongs to.
    pub(super) run: u64,
}
