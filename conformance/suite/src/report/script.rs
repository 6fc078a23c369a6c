//! The calls of each check as a script, with what should come back.

use std::io::{self, Write};

use crate::case_result::CaseResult;

/// Writes them.
pub(crate) fn write(out: &mut impl Write, rows: &[CaseResult]) -> io::Result<()> {
    for row in rows {
        writeln!(out, "# Check {}, {}: {}", row.number, row.verb, row.should)?;
        writeln!(
            out,
            "# {}: {}",
            row.conclusion().word(),
            if row.came_back.is_empty() { &row.remark } else { &row.came_back }
        )?;
        write!(out, "{}", row.calls)?;
    }
    Ok(())
}
