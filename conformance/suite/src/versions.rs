//! Protocol versions, and which of them a check runs with.

/// All that were ever published.
pub(crate) const KNOWN: &[&str] = &["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/// The first with CHECK.
pub(crate) const CHECK: &str = "0.4.0";

/// The first with STATUS and GC.
pub(crate) const STATUS: &str = "1.1.0";

/// With which of the plugin's versions a check runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Versions {
    /// Each.
    Each,
    /// Each from this to that one, both included.
    Between(&'static str, &'static str),
    /// Each before this one.
    Before(&'static str),
    /// Its newest only: the check is about something else, or takes long.
    Newest,
}

impl Versions {
    /// Each from this one on.
    pub(crate) const fn from(first: &'static str) -> Versions {
        Versions::Between(first, "999")
    }

    /// Those of `listed` (in the plugin's order) that a check runs with.
    pub(crate) fn of(self, listed: &[String]) -> Vec<&str> {
        let listed = listed.iter().map(String::as_str);
        match self {
            Versions::Each => listed.collect(),
            Versions::Between(first, last) => {
                listed.filter(|version| at_least(version, first) && at_least(last, version)).collect()
            }
            Versions::Before(end) => listed.filter(|version| !at_least(version, end)).collect(),
            Versions::Newest => listed.max_by_key(|version| numbers(version)).into_iter().collect(),
        }
    }
}

/// Whether `version` is `other` or later.
pub(crate) fn at_least(version: &str, other: &str) -> bool {
    numbers(version) >= numbers(other)
}

/// The numbers of a version; what is none counts as nought.
fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_takes_both_its_ends() {
        let listed: Vec<String> = KNOWN.iter().map(|&version| version.to_owned()).collect();
        assert_eq!(Versions::Between("0.3.0", "0.4.0").of(&listed), ["0.3.0", "0.3.1", "0.4.0"]);
        assert_eq!(Versions::Before(CHECK).of(&listed), ["0.1.0", "0.2.0", "0.3.0", "0.3.1"]);
        assert_eq!(Versions::Before(STATUS).of(&listed).len(), 6);
        assert_eq!(Versions::from(STATUS).of(&listed), ["1.1.0"]);
        assert_eq!(Versions::Newest.of(&listed), ["1.1.0"]);
    }
}
