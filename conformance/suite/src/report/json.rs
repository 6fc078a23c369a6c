//! One JSON object: `about`, `summary`, `checks`.

use std::io::{self, Write};

use serde::Serialize;

use super::run::{About, Summary};
use crate::case_result::CaseResult;

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    about: &'a About,
    summary: Summary,
    checks: &'a [CaseResult],
}

pub(super) fn write(out: &mut impl Write, about: &About, rows: &[CaseResult]) -> io::Result<()> {
    let report = Report { about, summary: Summary::of(rows), checks: rows };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}
