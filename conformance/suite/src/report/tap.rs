//! The Test Anything Protocol, version 14. What fails without being required, or is known to, is marked `TODO`: consumers
//! count it as no failure.

use std::io::{self, Write};

use crate::case_result::{CaseResult, Conclusion};
use crate::text::one_line;

pub(super) fn write(out: &mut impl Write, rows: &[CaseResult]) -> io::Result<()> {
    writeln!(out, "TAP version 14")?;
    writeln!(out, "1..{}", rows.len())?;
    for (at, row) in rows.iter().enumerate() {
        let ok = if matches!(row.conclusion(), Conclusion::Passed | Conclusion::Skipped) {
            "ok"
        } else {
            "not ok"
        };
        let what = escape(&format!("{} {}: {}", row.number, row.verb, row.should));
        writeln!(out, "{ok} {} - {what}{}", at + 1, directive(row))?;
        if ok == "not ok" {
            particulars(out, row)?;
        }
    }
    Ok(())
}

fn directive(row: &CaseResult) -> String {
    match row.conclusion() {
        Conclusion::Passed | Conclusion::Failed => String::new(),
        Conclusion::Skipped => format!(" # SKIP {}", escape(&row.remark)),
        Conclusion::Advised => " # TODO not required".to_owned(),
        Conclusion::Known => format!(" # TODO known: {}", escape(row.known.as_deref().unwrap_or_default())),
    }
}

/// Its YAML block; JSON's strings are YAML's too.
fn particulars(out: &mut impl Write, row: &CaseResult) -> io::Result<()> {
    writeln!(out, "  ---")?;
    let source = row.source.to_owned();
    let fields = [
        ("sent", &row.sent),
        ("came_back", &row.came_back),
        ("source", &source),
        ("explained", &row.explained),
    ];
    for (key, text) in fields {
        writeln!(out, "  {key}: {}", serde_json::Value::from(text.as_str()))?;
    }
    writeln!(out, "  ...")
}

/// On one line, in which `#` begins no directive.
fn escape(text: &str) -> String {
    one_line(text).replace('\\', r"\\").replace('#', r"\#")
}
