//! Medians, their spread, and ratios of paired series.

use serde::Serialize;

use testkit::numbers::Numbers;

/// Resamplings of a bootstrap interval: enough for its 2.5 % ends to stand still in the second digit.
const RESAMPLES: usize = 1000;

/// What a series of measurements says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Summary {
    /// Half of the values are below.
    pub(super) median: f64,
    /// A quarter of the values are below.
    pub(super) low: f64,
    /// A quarter of the values are above.
    pub(super) high: f64,
    /// The smallest: what the machine can do when nothing else runs.
    pub(super) min: f64,
}

/// What most of many wait at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Percentiles {
    /// Half of them.
    pub(super) p50: f64,
    /// 95 of 100.
    pub(super) p95: f64,
    /// 99 of 100.
    pub(super) p99: f64,
}

impl Percentiles {
    /// Of a series in any order; all zero for an empty one.
    pub(super) fn of(values: &[f64]) -> Self {
        let [p50, p95, p99] = quantiles(values, [0.5, 0.95, 0.99]);
        Percentiles { p50, p95, p99 }
    }
}

/// How many times one series is another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Ratio {
    /// The ratio of the medians.
    pub(super) of_medians: f64,
    /// Lower end of its 95 % bootstrap interval, rounds resampled.
    pub(super) low: f64,
    /// Upper end.
    pub(super) high: f64,
}

/// How long something takes, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Length {
    /// The median.
    pub(super) ms: f64,
    /// Lower end of its 95 % bootstrap interval.
    pub(super) low: f64,
    /// Upper end.
    pub(super) high: f64,
}

impl Summary {
    /// Of a series in any order; all zero for an empty one.
    pub(super) fn of(values: &[f64]) -> Self {
        let [min, low, median, high] = quantiles(values, [0.0, 0.25, 0.5, 0.75]);
        Summary { median, low, high, min }
    }
}

impl Ratio {
    /// Of two series that were measured in different runs. `None` without values.
    pub(super) fn of_runs(new: &[f64], old: &[f64]) -> Option<Self> {
        let median = |values: &[f64]| Summary::of(values).median;
        if new.is_empty() || median(old) <= 0.0 {
            return None;
        }
        let [low, high] = interval(|dice| median(&drawn(new, dice)) / median(&drawn(old, dice)));
        Some(Ratio { of_medians: median(new) / median(old), low, high })
    }

    /// Of two series of the same rounds: the n-th values were measured in the n-th round, one after the other.
    /// `None` without values.
    pub(super) fn of(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        let rounds = ours.len().min(theirs.len());
        let median = |values: &[f64]| Summary::of(values).median;
        if rounds == 0 || median(theirs) <= 0.0 {
            return None;
        }
        let (mut a, mut b) = (vec![0.0; rounds], vec![0.0; rounds]);
        let [low, high] = interval(|dice| {
            for at in 0..rounds {
                let round = dice.below(rounds);
                (a[at], b[at]) = (ours[round], theirs[round]);
            }
            median(&a) / median(&b)
        });
        Some(Ratio { of_medians: median(&ours[..rounds]) / median(&theirs[..rounds]), low, high })
    }
}

impl Length {
    /// Of a series. `None` without values.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let median = |values: &[f64]| Summary::of(values).median;
        let [low, high] = interval(|dice| median(&drawn(values, dice)));
        (!values.is_empty()).then(|| Length { ms: median(values), low, high })
    }

    /// By how much one is longer than the other, of two series of the same rounds. `None` without values.
    pub(super) fn between(longer: &[f64], shorter: &[f64]) -> Option<Self> {
        let differences: Vec<f64> = longer.iter().zip(shorter).map(|(one, other)| one - other).collect();
        Length::of(&differences)
    }
}

/// The interval of what `again` finds each time that it draws anew: the same for the same measurements.
fn interval(mut again: impl FnMut(&mut Numbers) -> f64) -> [f64; 2] {
    let mut dice = Numbers::new(0x9e37_79b9_7f4a_7c15);
    let found: Vec<f64> = (0..RESAMPLES).map(|_| again(&mut dice)).collect();
    quantiles(&found, [0.025, 0.975])
}

/// As many values as there are, any of them more than once.
fn drawn(values: &[f64], dice: &mut Numbers) -> Vec<f64> {
    values.iter().map(|_| values[dice.below(values.len())]).collect()
}

/// The values below which these shares of a series in any order lie.
fn quantiles<const N: usize>(values: &[f64], shares: [f64; N]) -> [f64; N] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    shares.map(|share| quantile(&sorted, share))
}

/// The value below which this share of a sorted series lies, interpolated.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the series")]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = share * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp, reason = "halves are exact")]
    fn quartiles_are_interpolated() {
        let summary = Summary::of(&[4.0, 1.0, 3.0, 2.0, 5.0]);
        assert_eq!(summary, Summary { median: 3.0, low: 2.0, high: 4.0, min: 1.0 });
        assert_eq!(Summary::of(&[1.0, 2.0]).median, 1.5);
        assert_eq!(Summary::of(&[]), Summary::default());
    }

    #[test]
    fn one_outlier_does_not_move_a_ratio() {
        let theirs: Vec<f64> = (0..50).map(|n| 10.0 + f64::from(n % 7)).collect();
        let mut ours: Vec<f64> = theirs.iter().map(|value| value / 2.0).collect();
        ours[3] = 1000.0;
        let ratio = Ratio::of(&ours, &theirs).unwrap();
        assert!(ratio.low <= ratio.of_medians && ratio.of_medians <= ratio.high, "{ratio:?}");
        assert!((ratio.of_medians - 0.5).abs() < 0.05, "{ratio:?}");
        assert!(ratio.high < 0.7, "{ratio:?}");
    }

    #[test]
    fn a_difference_is_that_of_each_round() {
        let shorter: Vec<f64> = (0..40).map(|n| 1.0 + f64::from(n % 5)).collect();
        let longer: Vec<f64> = shorter.iter().map(|value| value + 0.25).collect();
        let length = Length::between(&longer, &shorter).unwrap();
        assert!((length.ms - 0.25).abs() < 1e-9 && (length.high - length.low).abs() < 1e-9, "{length:?}");
    }

    #[test]
    fn nothing_has_no_ratio() {
        assert_eq!(Ratio::of(&[], &[]), None);
        assert_eq!(Length::of(&[]), None);
        assert_eq!(Ratio::of(&[1.0], &[0.0]), None);
    }
}
