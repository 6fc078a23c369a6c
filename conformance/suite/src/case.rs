//! What a check is.

use super::levels::Level;
use super::reason::Reason;
use super::stop::Verdict;
use super::trial::Trial;
use super::versions::Versions;

/// One numbered check. Its function runs once for each of its versions, every time on a fresh host.
#[derive(Clone, Copy)]
pub(crate) struct TestCase {
    /// Its number, for ever the same.
    pub number: u16,
    /// The verb it is about.
    pub verb: &'static str,
    /// Who demands it.
    pub levels: &'static [Level],
    /// What is sent.
    pub when: &'static str,
    /// What should come back.
    pub then: &'static str,
    /// Where that is written: a section of the specification, or a part of the reference implementation or of a
    /// runtime.
    pub source: &'static str,
    /// With which protocol versions it runs.
    pub versions: Versions,
    /// How many containers it has at the same time, at most.
    pub containers: usize,
    /// Whether it takes longer than most others together: it is begun first, or one would wait for it alone.
    pub long: bool,
    /// How.
    pub run: fn(&Trial<'_>) -> Verdict,
}

/// A topic and its checks.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    /// What `--only` calls it.
    pub name: &'static str,
    /// In order of their numbers.
    pub cases: &'static [TestCase],
    /// Why they are there, in the same order.
    pub reasons: &'static [Reason],
}

/// A topic: it does not compile when one of its checks has no reason.
pub(crate) const fn group(
    name: &'static str,
    cases: &'static [TestCase],
    reasons: &'static [Reason],
) -> Group {
    assert!(cases.len() == reasons.len(), "a check without a reason, or a reason without its check");
    let mut at = 0;
    while at < cases.len() {
        assert!(cases[at].number == reasons[at].check, "a reason is of another check");
        at += 1;
    }
    Group { name, cases, reasons }
}

/// Begins a check, for each version that the plugin lists.
pub(crate) const fn case(
    number: u16,
    verb: &'static str,
    levels: &'static [Level],
    run: fn(&Trial<'_>) -> Verdict,
) -> TestCase {
    TestCase {
        number,
        verb,
        levels,
        when: "",
        then: "",
        source: "",
        versions: Versions::Each,
        containers: 4,
        long: false,
        run,
    }
}

impl TestCase {
    /// What is sent.
    #[must_use]
    pub(crate) const fn when(mut self, when: &'static str) -> TestCase {
        self.when = when;
        self
    }

    /// What should come back.
    #[must_use]
    pub(crate) const fn then(mut self, then: &'static str) -> TestCase {
        self.then = then;
        self
    }

    /// Where that is written.
    #[must_use]
    pub(crate) const fn source(mut self, source: &'static str) -> TestCase {
        self.source = source;
        self
    }

    /// With this many containers at the same time.
    #[must_use]
    pub(crate) const fn containers(mut self, containers: usize) -> TestCase {
        self.containers = containers;
        self
    }

    /// Begun before all others.
    #[must_use]
    pub(crate) const fn long(mut self) -> TestCase {
        self.long = true;
        self
    }

    /// With which versions.
    #[must_use]
    pub(crate) const fn versions(mut self, versions: Versions) -> TestCase {
        self.versions = versions;
        self
    }
}
