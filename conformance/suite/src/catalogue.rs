//! What a check is, and the list of all of them.

use super::levels::Level;
use super::stop::Verdict;
use super::topics;
use super::trial::Trial;
use super::versions::Versions;

/// One numbered check. Its function runs once for each of its versions, every time on a fresh host.
#[derive(Clone, Copy)]
pub struct Check {
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
    /// How.
    pub run: fn(&Trial<'_>) -> Verdict,
}

/// A topic and its checks.
#[derive(Clone, Copy)]
pub struct Group {
    /// What `--only` calls it.
    pub name: &'static str,
    /// In order of their numbers.
    pub checks: &'static [Check],
}

/// Begins a check, for each version that the plugin lists.
pub const fn check(
    number: u16,
    verb: &'static str,
    levels: &'static [Level],
    run: fn(&Trial<'_>) -> Verdict,
) -> Check {
    Check {
        number,
        verb,
        levels,
        when: "",
        then: "",
        source: "",
        versions: Versions::Each,
        containers: 4,
        run,
    }
}

impl Check {
    /// What is sent.
    pub const fn when(mut self, when: &'static str) -> Check {
        self.when = when;
        self
    }

    /// What should come back.
    pub const fn then(mut self, then: &'static str) -> Check {
        self.then = then;
        self
    }

    /// Where that is written.
    pub const fn source(mut self, source: &'static str) -> Check {
        self.source = source;
        self
    }

    /// With this many containers at the same time.
    pub const fn containers(mut self, containers: usize) -> Check {
        self.containers = containers;
        self
    }

    /// With which versions.
    pub const fn versions(mut self, versions: Versions) -> Check {
        self.versions = versions;
        self
    }
}

/// Every check there is, by topic.
pub const GROUPS: &[Group] = &[
    Group { name: "streams", checks: topics::streams::CHECKS },
    Group { name: "environment", checks: topics::environment::CHECKS },
    Group { name: "validators", checks: topics::validators::CHECKS },
    Group { name: "decoding", checks: topics::decoding::CHECKS },
    Group { name: "negotiation", checks: topics::negotiation::CHECKS },
    Group { name: "namespaces", checks: topics::namespaces::CHECKS },
    Group { name: "add", checks: topics::add::CHECKS },
    Group { name: "del", checks: topics::del::CHECKS },
    Group { name: "check", checks: topics::verify::CHECKS },
    Group { name: "status-gc", checks: topics::status_gc::CHECKS },
    Group { name: "runtimes", checks: topics::runtimes::CHECKS },
    Group { name: "placeholder", checks: topics::placeholder::CHECKS },
    Group { name: "random", checks: topics::random::CHECKS },
];
