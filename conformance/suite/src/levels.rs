//! Who demands a check, which demands count in which profile, and what gives way where two contradict.

use clap::ValueEnum;

/// Who demands a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// M: the specification says must.
    Must,
    /// K: the reference library (skel) does so, and runtimes are written against it.
    Skel,
    /// R: a runtime in use misbehaves otherwise.
    Runtime,
    /// L: what libcni does around a call.
    Library,
    /// P: the placeholder profile.
    Placeholder,
    /// S: the interface profile.
    Interface,
}

impl Level {
    /// In the order in which they are explained.
    pub(crate) const ALL: [Level; 6] =
        [Level::Must, Level::Skel, Level::Runtime, Level::Library, Level::Placeholder, Level::Interface];

    /// Its letter in reports.
    pub(crate) fn letter(self) -> char {
        match self {
            Level::Must => 'M',
            Level::Skel => 'K',
            Level::Runtime => 'R',
            Level::Library => 'L',
            Level::Placeholder => 'P',
            Level::Interface => 'S',
        }
    }

    /// What the letter stands for.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Level::Must => "the specification says that it must be so",
            Level::Skel => "the reference library (skel) does so",
            Level::Runtime => "a runtime in use depends on it",
            Level::Library => "libcni does so around a plugin",
            Level::Placeholder => "what a placeholder adds",
            Level::Interface => "what a plugin that gives interfaces adds",
        }
    }
}

// Who demands a check, as the reports write it.
pub(crate) const M: &[Level] = &[Level::Must];
pub(crate) const K: &[Level] = &[Level::Skel];
pub(crate) const R: &[Level] = &[Level::Runtime];
pub(crate) const L: &[Level] = &[Level::Library];
pub(crate) const P: &[Level] = &[Level::Placeholder];
pub(crate) const S: &[Level] = &[Level::Interface];
pub(crate) const MK: &[Level] = &[Level::Must, Level::Skel];
pub(crate) const MR: &[Level] = &[Level::Must, Level::Runtime];
pub(crate) const KR: &[Level] = &[Level::Skel, Level::Runtime];
pub(crate) const SP: &[Level] = &[Level::Interface, Level::Placeholder];
pub(crate) const RP: &[Level] = &[Level::Runtime, Level::Placeholder];

/// What kind of plugin the suite is told to expect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// A plugin that keeps a node ready and refuses every pod.
    Placeholder,
    /// A plugin that gives containers an interface.
    Interface,
    /// A plugin that gives addresses to those: as `spec`, without what is about interfaces.
    Ipam,
    /// A plugin that changes what an earlier one of its list has made: as `spec`, without what is that one's business.
    Chained,
    /// Any plugin: only what the specification says must be is required, the rest is advice.
    #[default]
    Spec,
}

impl Profile {
    /// Whether a check of these levels belongs to the profile at all.
    pub(crate) fn includes(self, levels: &[Level]) -> bool {
        levels.iter().any(|level| match level {
            Level::Placeholder => self == Profile::Placeholder,
            Level::Interface => self == Profile::Interface,
            _ => true,
        })
    }

    /// Whether the suite fails when a check of these levels does.
    pub(crate) fn requires(self, levels: &[Level]) -> bool {
        let only_must = matches!(self, Profile::Spec | Profile::Ipam | Profile::Chained);
        self.includes(levels) && (!only_must || levels.contains(&Level::Must))
    }
}

/// What a check becomes in a profile that contradicts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instead {
    /// Where it wants an error, silent success is wanted.
    Success,
    /// Where it wants an error, success is as good.
    Either,
    /// It presupposes a successful ADD, and there never is one: what is left of it runs, else it is skipped.
    NothingAttached,
    /// Where it wants success, an error of the plugin's own is as good: a code from 100 on, or 4 about CNI_ARGS.
    OwnError,
    /// It is not run.
    Nothing,
}

/// One such contradiction, and why the profile has its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Override {
    /// In this profile,
    pub profile: Profile,
    /// these checks
    pub checks: &'static [u16],
    /// become this.
    pub instead: Instead,
    /// For the sake of this check or level,
    pub by: &'static str,
    /// and because of this.
    pub why: &'static str,
}

/// P and S override K wherever they meet; they override M (marked so) only here.
pub(crate) const OVERRIDES: &[Override] = &[
    Override {
        profile: Profile::Placeholder,
        // M: 27, 75.
        checks: &[27, 32, 42, 51, 75, 77, 78, 80],
        instead: Instead::Success,
        by: "147, 149",
        why: "a placeholder has nothing to undo, and a DEL or GC that fails leaves pods Terminating",
    },
    Override {
        profile: Profile::Placeholder,
        checks: &[84],
        instead: Instead::Either,
        by: "147",
        why: "a placeholder's DEL touches no namespace, so it cannot harm its own",
    },
    Override {
        profile: Profile::Placeholder,
        // M: all but 95, 99, 109, 116, 136.
        checks: &[
            6, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 106, 108, 109, 112, 113, 114, 115, 116,
            117, 127, 128, 131, 136, 154, 155, 156, 157, 160,
        ],
        instead: Instead::NothingAttached,
        by: "144",
        why: "a placeholder's ADD always fails: there is no result, no interface and no attachment to look at",
    },
    Override {
        profile: Profile::Ipam,
        // M: all but 95, 99 and those from 136 on.
        checks: &[93, 95, 96, 97, 98, 99, 100, 106, 113, 114, 122, 129, 131, 136, 154, 156, 160],
        instead: Instead::Nothing,
        by: "SPEC 4 (IPAM)",
        why: "an IPAM plugin makes no interface and delegates to nobody",
    },
    Override {
        profile: Profile::Chained,
        // M: 61, 114.
        checks: &[61, 114, 156, 160],
        instead: Instead::Nothing,
        by: "SPEC 2 (CHECK)",
        why: "a chained plugin wants a prevResult that it can read, and the interface in it is not its own",
    },
    Override {
        profile: Profile::Interface,
        checks: &[80, 84],
        instead: Instead::Either,
        by: "S",
        why: "pods must stay deletable after a change of configuration; that nothing is touched is checked anyway",
    },
    Override {
        profile: Profile::Interface,
        // M: 34.
        checks: &[34, 37],
        instead: Instead::OwnError,
        by: "S",
        why: "a plugin for Kubernetes pods may refuse a container that is none, as long as it says so in its own words",
    },
];

impl Override {
    /// The contradiction as a report tells it.
    pub(crate) fn reason(&self) -> String {
        format!("overridden by {}: {}", self.by, self.why)
    }
}

/// What becomes of a check in a profile.
pub(crate) fn instead(profile: Profile, number: u16) -> Option<&'static Override> {
    OVERRIDES.iter().find(|rule| rule.profile == profile && rule.checks.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::GROUPS;

    #[test]
    fn every_override_is_of_an_included_check() {
        let checks: Vec<_> = GROUPS.iter().flat_map(|group| group.cases).collect();
        for rule in OVERRIDES {
            for number in rule.checks {
                let check = checks.iter().find(|check| check.number == *number).unwrap();
                assert!(rule.profile.includes(check.levels), "{number} is not part of {:?}", rule.profile);
            }
        }
    }

    #[test]
    fn no_check_is_overridden_twice_in_a_profile() {
        for (index, rule) in OVERRIDES.iter().enumerate() {
            for other in &OVERRIDES[index + 1..] {
                let both = rule.checks.iter().find(|number| other.checks.contains(number));
                assert!(rule.profile != other.profile || both.is_none(), "{both:?} is overridden twice");
            }
        }
    }

    #[test]
    fn the_numbers_are_1_to_161_in_order() {
        let numbers: Vec<u16> =
            GROUPS.iter().flat_map(|group| group.cases).map(|check| check.number).collect();
        assert_eq!(numbers, (1..=161).collect::<Vec<u16>>());
    }
}
