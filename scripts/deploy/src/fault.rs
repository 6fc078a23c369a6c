//! Why something is refused, and what to do about it.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Fault {
    pub(crate) why: String,
    /// What to do about it.
    pub(crate) remedy: String,
}

impl Fault {
    /// A reason and a remedy, each a clause without a full stop.
    pub(crate) fn new(why: impl Display, remedy: impl Display) -> Self {
        Fault { why: why.to_string(), remedy: remedy.to_string() }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.why, self.remedy)
    }
}

/// All refusals of a run: a person mends them in one go.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Adds one.
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Adds one that the others would explain.
    pub(crate) fn push_if_first(&mut self, fault: Fault) {
        if self.0.is_empty() {
            self.push(fault);
        }
    }

    /// Keeps the value, or the reason why there is none.
    pub(crate) fn keep<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.push(fault)).ok()
    }

    /// All of them, each once.
    pub(crate) fn distinct(self) -> Vec<Fault> {
        let mut said = BTreeSet::new();
        self.0.into_iter().filter(|fault| said.insert(fault.to_string())).collect()
    }

    /// Nothing refused: goes on with `value`.
    pub(crate) fn none_or<T>(self, value: T) -> Result<T, Faults> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl Extend<Fault> for Faults {
    fn extend<T: IntoIterator<Item = Fault>>(&mut self, faults: T) {
        self.0.extend(faults);
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Faults(vec![fault])
    }
}

impl Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|fault| writeln!(f, "refused: {fault}"))
    }
}
