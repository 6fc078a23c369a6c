//! Two clocks: what people read is told by the one on the wall, what is compared by one that nobody can set.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A moment in seconds since the node booted, sleep included (`CLOCK_BOOTTIME`, clock_gettime(2)). The wall's clock
/// steps, by years where a node has no battery; and what is kept under `/run` is of this boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct BootTime(i64);

impl BootTime {
    /// This moment.
    pub(crate) fn now() -> Self {
        BootTime(clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |now| now.tv_sec()))
    }

    /// So long from now, and not a part of a second less.
    pub(crate) fn after(duration: Duration) -> Self {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        BootTime(Self::now().0.saturating_add(seconds).saturating_add(1))
    }

    /// Whether it has passed.
    pub(crate) fn is_over(self) -> bool {
        self <= Self::now()
    }

    /// How long ago it was.
    pub(crate) fn elapsed(self) -> Duration {
        Duration::from_secs(u64::try_from(Self::now().0.saturating_sub(self.0)).unwrap_or_default())
    }
}

/// When a call began, by the same clock in nanoseconds: of two calls it tells which came later. Zero where that was not noted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Began(u64);

impl Began {
    /// So long ago.
    pub(crate) fn ago(elapsed: Duration) -> Self {
        let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default();
        Began(u64::try_from(now.saturating_sub(elapsed).as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Seconds since 1970, for people.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// How long ago `since`, in seconds since 1970, was, as people say it.
pub(crate) fn age(since: u64) -> String {
    match now().saturating_sub(since) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_well() {
        assert_eq!(age(now()), "0 s");
        assert_eq!(age(now() - 600), "10 min");
        assert_eq!(age(now() - 90_000), "25 h");
    }

    #[test]
    fn a_moment_is_over_once_it_has_come() {
        assert!(BootTime::default().is_over() && BootTime::now().is_over());
        assert!(!BootTime::after(Duration::ZERO).is_over());
        assert!(BootTime::now().elapsed() < Duration::from_secs(2));
    }
}
