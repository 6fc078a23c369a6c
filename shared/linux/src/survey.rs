//! What a namespace has of addresses, routes and rules.

use crate::{Assigned, Route, Rule};

/// Everything that a network plugin may have put there, of all links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Addresses, each with the index of its link; link-local ones included.
    pub addresses: Vec<(u32, Assigned)>,
    /// Unicast routes of all tables but `local`.
    pub routes: Vec<Route>,
    /// Rules by which a source looks up a table.
    pub rules: Vec<Rule>,
}
