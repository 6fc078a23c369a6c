//! What goes into the report.

use super::against::Earlier;
use crate::curve::Curve;
use crate::group::Measured;
use crate::limits::Verdict;
use crate::machine::Machine;
use crate::size::Size;

/// Everything that a run has found out.
pub(crate) struct Report {
    /// Where and when.
    pub(crate) machine: Machine,
    /// The command line.
    pub(crate) command: String,
    /// What was left out and why, and how to read the figures.
    pub(crate) notes: Vec<String>,
    /// Every binary's sizes.
    pub(crate) sizes: Vec<(String, Size)>,
    /// Every group's measurements, in order.
    pub(crate) measured: Vec<Measured>,
    /// How cost grows.
    pub(crate) curves: Vec<Curve>,
    /// What of the limits is reached.
    pub(crate) verdicts: Vec<Verdict>,
    /// An earlier run to compare with.
    pub(crate) against: Option<Earlier>,
    /// Whether the figures mean enough to say so.
    pub(crate) judged: bool,
}

impl Report {
    /// Group and verb of every block of measurements that can be compared, in order.
    pub(super) fn blocks(&self) -> Vec<Vec<&Measured>> {
        let mut blocks: Vec<Vec<&Measured>> = Vec::new();
        for one in &self.measured {
            match blocks.iter_mut().find(|block| block[0].group == one.group && block[0].verb == one.verb) {
                Some(block) => block.push(one),
                None => blocks.push(vec![one]),
            }
        }
        blocks
    }
}
