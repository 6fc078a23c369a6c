//! What can go wrong between us and the kernel's netlink.

use std::fmt;
use std::io;
use std::time::Duration;

use nix::errno::Errno;

use crate::NetnsError;

/// A netlink request that did not do what it was asked. Each is one line, begins with what was tried and names
/// the link, address or route in question.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused.
    #[error("cannot {what}: {}{}", io::Error::from_raw_os_error(*.errno), Hint(.hint))]
    Kernel {
        /// What was tried.
        what: String,
        /// The kernel's answer, a positive `errno`.
        errno: i32,
        /// The kernel's own explanation (extended acknowledgement, `NLMSGERR_ATTR_MSG`), where it gives one.
        hint: Option<String>,
    },
    /// No answer in time.
    #[error("cannot {what}: no answer from the kernel within {} s", .after.as_secs_f32())]
    Timeout {
        /// What was tried; it may still have been done.
        what: String,
        /// How long the answer was waited for.
        after: Duration,
    },
    /// The kernel answered, and the answer could not be read: it is newer than our decoder.
    #[error(
        "cannot {what}: the kernel's answer could not be decoded; is this kernel newer than this program?"
    )]
    Undecodable {
        /// What was tried.
        what: String,
    },
    /// A dump was overtaken by changes every time it was repeated (`NLM_F_DUMP_INTR`).
    #[error("cannot {what}: the list kept changing while it was read, {attempts} times in a row")]
    Unstable {
        /// What was tried.
        what: String,
        /// How often.
        attempts: u32,
    },
    /// The socket could not be opened, or broke.
    #[error("cannot {what}: {source}")]
    Socket {
        /// What was tried.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// The namespace that the socket was meant for cannot be entered.
    #[error(transparent)]
    Netns(#[from] NetnsError),
}

impl Error {
    /// The kernel's answer as a positive `errno`, if it gave one.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Error::Kernel { errno, .. } => Some(*errno),
            _ => None,
        }
    }

    /// What was asked for is there already (`EEXIST`): a name that is taken, an address, a route.
    pub fn is_exists(&self) -> bool {
        self.is(Errno::EEXIST)
    }

    /// There is no such link (`ENODEV`).
    pub fn is_gone(&self) -> bool {
        self.is(Errno::ENODEV)
    }

    /// The driver does not take this MAC address (`EADDRNOTAVAIL`), for instance from an untrusted VF whose
    /// administrator set another one through the PF.
    pub fn is_no_address(&self) -> bool {
        self.is(Errno::EADDRNOTAVAIL)
    }

    /// The driver does not take this MAC address, and won't when asked again: as [`Error::is_no_address`], or what the
    /// drivers of other NICs say when the PF forbids it (`EPERM`, `EACCES`).
    pub fn is_forbidden_address(&self) -> bool {
        self.is_no_address() || self.is(Errno::EPERM) || self.is(Errno::EACCES)
    }

    /// The driver or kernel has no such operation (`EOPNOTSUPP`).
    pub fn is_unsupported(&self) -> bool {
        self.is(Errno::EOPNOTSUPP)
    }

    /// There is nothing of that name (`ENOENT`).
    pub fn is_unknown(&self) -> bool {
        self.is(Errno::ENOENT)
    }

    fn is(&self, errno: Errno) -> bool {
        self.errno() == Some(errno as i32)
    }
}

/// The first step of a batch that failed. The kernel goes on after a failure, so steps behind it may have been
/// done: who gives up undoes them all.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct Failed {
    /// Its index in the slice of steps.
    pub step: usize,
    /// Why; says what the step was.
    pub source: Error,
}

/// The kernel's explanation in brackets, or nothing.
struct Hint<'a>(&'a Option<String>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_was_tried_and_the_kernels_answer() {
        let error = Error::Kernel {
            what: "add the address 10.0.0.1/24 to link 5".to_owned(),
            errno: Errno::EEXIST as i32,
            hint: Some("ipv4: Address already assigned".to_owned()),
        };
        assert_eq!(
            error.to_string(),
            "cannot add the address 10.0.0.1/24 to link 5: File exists (os error 17) (ipv4: Address already assigned)"
        );
        assert!(error.is_exists() && !error.is_gone() && !error.is_no_address());
    }
}
