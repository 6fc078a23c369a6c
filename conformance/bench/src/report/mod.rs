//! The report: what is printed, and the files that are left behind.

mod against;
mod findings;
mod growth_plot;
mod json;
mod page;
mod svg;
mod table;
mod verbs_plot;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

pub(super) use self::against::Earlier;
pub(super) use self::findings::Report;

impl Report {
    /// The tables, as Markdown that is readable as it is.
    pub(super) fn text(&self) -> String {
        table::render(self)
    }

    /// Writes `report.md`, `page.md`, `report.json`, `verbs.svg` and `growth.svg` into a directory, made if missing.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn save(&self, dir: &Path) -> Result<()> {
        let files = [
            ("report.md", self.text()),
            ("page.md", page::render(self)),
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
}
