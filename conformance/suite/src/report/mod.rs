//! What a run has found, for people and for machines.

mod json;
mod junit;
mod markdown;
mod run;
mod script;
mod table;
mod tap;
mod view;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use clap::ValueEnum;

pub(crate) use self::run::{About, Summary};
pub(crate) use self::script::write as write_script;
pub(crate) use self::view::View;
use super::case_result::CaseResult;
use super::levels::Profile;

/// A format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A line per check, as wide as the terminal, and the particulars of those that failed.
    #[default]
    Table,
    /// One JSON object.
    Json,
    /// JUnit's XML, which CI systems display.
    Junit,
    /// The Test Anything Protocol, version 14 (<https://testanything.org>).
    Tap,
    /// For a job's summary or a page: a badge, the sum, and what failed.
    Markdown,
}

impl Format {
    /// Writes the whole report; only a table depends on who looks at it.
    pub(crate) fn write(
        self,
        out: &mut impl Write,
        about: &About,
        rows: &[CaseResult],
        view: View,
    ) -> io::Result<()> {
        match self {
            Format::Table => table::write(out, about, rows, view),
            Format::Json => json::write(out, about, rows),
            Format::Junit => junit::write(out, about, rows),
            Format::Tap => tap::write(out, rows),
            Format::Markdown => markdown::write(out, about, rows),
        }
    }
}

/// A report that goes into a file besides: `junit=report.xml`.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    format: Format,
    path: PathBuf,
}

impl FromStr for Copy {
    type Err = String;

    fn from_str(text: &str) -> Result<Copy, String> {
        let (format, path) = text.split_once('=').ok_or("not FORMAT=FILE")?;
        Ok(Copy { format: Format::from_str(format, false)?, path: path.into() })
    }
}

impl Copy {
    /// Writes it, anew.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, about: &About, rows: &[CaseResult]) -> anyhow::Result<()> {
        let mut text = Vec::new();
        self.format.write(&mut text, about, rows, View::PLAIN)?;
        fs::write(&self.path, text).with_context(|| format!("writing {}", self.path.display()))
    }
}

/// The profile's name on the command line.
pub(crate) fn name(profile: Profile) -> String {
    profile.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
