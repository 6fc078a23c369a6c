//! The report: what is printed, and the files that are left behind.

mod growth_plot;
mod json;
mod svg;
mod table;
mod verbs_plot;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::curve::Curve;
use super::group::Measured;
use super::limits::Verdict;
use super::machine::Machine;
use super::size::Size;

/// Everything that a run has found out.
pub(super) struct Report {
    /// Where and when.
    pub(super) machine: Machine,
    /// The command line.
    pub(super) command: String,
    /// What was left out and why, and how to read the figures.
    pub(super) notes: Vec<String>,
    /// Every binary's sizes.
    pub(super) sizes: Vec<(String, Size)>,
    /// Every group's measurements, in order.
    pub(super) measured: Vec<Measured>,
    /// How cost grows.
    pub(super) curves: Vec<Curve>,
    /// What of the limits is reached.
    pub(super) verdicts: Vec<Verdict>,
    /// Whether the figures mean enough to say so.
    pub(super) judged: bool,
}

impl Report {
    /// The tables, as Markdown that is readable as it is.
    pub(super) fn text(&self) -> String {
        table::render(self)
    }

    /// Writes `report.md`, `report.json`, `verbs.svg` and `growth.svg` into a directory, made if missing.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn save(&self, dir: &Path) -> Result<()> {
        let files = [
            ("report.md", self.text()),
            ("report.json", json::render(self)?),
            ("verbs.svg", verbs_plot::render(self)),
            ("growth.svg", growth_plot::render(self)),
        ];
        fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        for (name, content) in files {
            let path = dir.join(name);
            fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }

    /// Group and verb of every block of measurements that can be compared, in order.
    fn blocks(&self) -> Vec<Vec<&Measured>> {
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
