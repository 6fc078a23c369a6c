//! What something costs, at several sizes.

use std::time::Duration;

use serde::Serialize;

use super::process::Cost;

/// One kind of cost at several sizes.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Curve {
    /// What costs.
    pub(super) name: String,
    /// The sizes, ascending.
    pub(super) points: Vec<Point>,
}

/// What it costs at one size.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Point {
    /// How many pods or records.
    pub(super) count: usize,
    /// Wall time of each round, in ms.
    pub(super) wall: Vec<f64>,
    /// CPU time of each round, in ms, of all processes together; unlike wall time it does not wait for others'
    /// work on links.
    pub(super) cpu: Vec<f64>,
    /// Peak memory of one process in KiB.
    pub(super) peak: Option<u64>,
    /// How long each process took, in ms, of all rounds; of several at once only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) each: Vec<f64>,
}

impl Point {
    /// Of what each round cost.
    pub(super) fn new(count: usize, costs: &[Cost], peak: Option<u64>) -> Self {
        let ms =
            |part: fn(&Cost) -> Duration| costs.iter().map(|cost| part(cost).as_secs_f64() * 1e3).collect();
        Point { count, wall: ms(|cost| cost.wall), cpu: ms(|cost| cost.cpu), peak, each: Vec::new() }
    }
}
