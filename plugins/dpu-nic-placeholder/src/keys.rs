//! The keys of a configuration that are ours. `scripts/deploy` reads this file too: nothing but names belongs here.

/// Whatever else is in a configuration and is nobody's is mistyped.
pub(crate) const OWN: [&str; 2] = ["message", "status"];
