//! What is otherwise than in an earlier run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::group::Measured;
use crate::stats::Ratio;

/// By less than this two runs of the same programs differ on a quiet machine.
const NOISE: f64 = 0.1;

/// What is read of an earlier run's `report.json`.
#[derive(Deserialize)]
pub(crate) struct Earlier {
    machine: Machine,
    measured: Vec<Series>,
}

#[derive(Deserialize)]
struct Machine {
    date: String,
    load_before: f64,
}

#[derive(Deserialize)]
struct Series {
    group: String,
    verb: String,
    name: String,
    rounds: Rounds,
}

#[derive(Deserialize)]
struct Rounds {
    wall: Vec<f64>,
}

/// A measurement beside the earlier one.
pub(super) struct News {
    pub(super) title: String,
    pub(super) name: String,
    /// How many times the earlier one's wall time it is.
    pub(super) times: Ratio,
    /// What that means.
    pub(super) verdict: &'static str,
}

impl Earlier {
    /// Reads the report of a run.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is no report.json of a run", path.display()))
    }

    /// When that was.
    pub(super) fn line(&self) -> String {
        format!("{}, load {:.2}", self.machine.date, self.machine.load_before)
    }

    /// What both runs have measured, in order.
    pub(super) fn news(&self, measured: &[Measured]) -> Vec<News> {
        let of = |one: &Series| (one.group.clone(), one.verb.clone(), one.name.clone());
        let old: BTreeMap<_, _> = self.measured.iter().map(|one| (of(one), &one.rounds.wall)).collect();
        let compared = measured.iter().filter_map(|one| {
            let key = (one.group.to_owned(), one.verb.to_owned(), one.name.clone());
            let times = Ratio::of_runs(&one.wall, old.get(&key)?)?;
            Some(News { title: one.title(), name: one.name.clone(), times, verdict: verdict(times) })
        });
        compared.collect()
    }
}

/// News is what lies beyond noise with its whole interval.
fn verdict(times: Ratio) -> &'static str {
    if times.low > 1.0 + NOISE {
        "SLOWER"
    } else if times.high < 1.0 - NOISE {
        "faster"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_beyond_noise_is_news() {
        let old: Vec<f64> = (0..40).map(|n| 10.0 + f64::from(n % 5) / 10.0).collect();
        let times = |factor: f64| {
            let new: Vec<f64> = old.iter().map(|value| value * factor).collect();
            verdict(Ratio::of_runs(&new, &old).unwrap())
        };
        assert_eq!([times(1.0), times(1.05), times(1.3), times(0.7)], ["", "", "SLOWER", "faster"]);
    }
}
