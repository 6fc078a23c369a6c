//! Versions of the CNI specification, and how a configuration's is matched (`pkg/version` of the reference
//! library).

use std::fmt;

use crate::{Error, code};

/// A version of the specification that this frame speaks: all that were ever published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Version {
    V0_1_0,
    V0_2_0,
    V0_3_0,
    V0_3_1,
    V0_4_0,
    V1_0_0,
    V1_1_0,
}

impl Version {
    /// Every version, oldest first, as VERSION lists them.
    pub const ALL: [Self; 7] =
        [Self::V0_1_0, Self::V0_2_0, Self::V0_3_0, Self::V0_3_1, Self::V0_4_0, Self::V1_0_0, Self::V1_1_0];

    /// The newest version.
    pub const LATEST: Self = Self::V1_1_0;

    /// As written in a configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V0_1_0 => "0.1.0",
            Self::V0_2_0 => "0.2.0",
            Self::V0_3_0 => "0.3.0",
            Self::V0_3_1 => "0.3.1",
            Self::V0_4_0 => "0.4.0",
            Self::V1_0_0 => "1.0.0",
            Self::V1_1_0 => "1.1.0",
        }
    }

    /// The version that `text` names exactly (`1.1` is not `1.1.0`); nothing means 0.1.0, which knew no
    /// `cniVersion`.
    pub fn named(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::V0_1_0);
        }
        Self::ALL.into_iter().find(|version| version.as_str() == text)
    }

    /// Which shape a result has: those of one generation decode each other's.
    pub(crate) fn generation(self) -> Generation {
        match self {
            Self::V0_1_0 | Self::V0_2_0 => Generation::OnePerFamily,
            Self::V0_3_0 | Self::V0_3_1 | Self::V0_4_0 => Generation::Interfaces,
            Self::V1_0_0 | Self::V1_1_0 => Generation::Current,
        }
    }
}

/// The three shapes that results had (`pkg/types/{020,040,100}` of the reference library).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// 0.1 and 0.2: `ip4` and `ip6`, no interfaces.
    OnePerFamily,
    /// 0.3 and 0.4: `interfaces` and `ips`, each address with its family as `version`.
    Interfaces,
    /// 1.x: the family is no longer written.
    Current,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error for a `cniVersion` that is not listed, in the words of `skel`.
pub(crate) fn incompatible(text: &str) -> Error {
    let ours = Version::ALL.map(|version| format!("{:?}", version.as_str())).join(" ");
    Error::new(code::INCOMPATIBLE_VERSION, "incompatible CNI versions")
        .details(format!("config is {text:?}, plugin supports [{ours}]"))
}

/// A configuration's version as numbers, to compare versions that we may not know.
///
/// # Errors
/// Code 6 when it is not one to three numbers (`version.ParseVersion`).
pub(crate) fn parse(text: &str) -> Result<[u64; 3], Error> {
    if text.is_empty() {
        return Ok([0, 1, 0]);
    }
    let bad = || Error::new(code::DECODE, format!("invalid cniVersion {text:?}: not of the form 1.1.0"));
    let mut numbers = [0; 3];
    let mut parts = text.split('.');
    for (number, part) in numbers.iter_mut().zip(&mut parts) {
        *number = part.parse().map_err(|_| bad())?;
    }
    if parts.next().is_some() { Err(bad()) } else { Ok(numbers) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_exactly() {
        for version in Version::ALL {
            assert_eq!(Version::named(version.as_str()), Some(version));
        }
        assert_eq!(Version::named(""), Some(Version::V0_1_0));
        for other in ["1.1", "v1.1.0", "1.1.0 ", "01.1.0", "9.9.9", "2.0.0"] {
            assert_eq!(Version::named(other), None, "{other}");
        }
        assert!(Version::ALL.is_sorted());
        assert_eq!(Version::ALL.last(), Some(&Version::LATEST));
    }

    #[test]
    fn parses_one_to_three_numbers() {
        assert_eq!(parse(""), Ok([0, 1, 0]));
        assert_eq!(parse("1"), Ok([1, 0, 0]));
        assert_eq!(parse("1.2"), Ok([1, 2, 0]));
        assert_eq!(parse("1.2.3"), Ok([1, 2, 3]));
        for bad in ["adsfsadf", "1.1.0.0", "1..0", ".", "v1", "1.1.0 ", "-1", "99999999999999999999"] {
            assert_eq!(parse(bad).map_err(|error| error.code()), Err(code::DECODE), "{bad}");
        }
    }
}
