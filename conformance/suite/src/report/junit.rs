//! JUnit's XML: a suite per group. A check that failed without being required, or is known to fail, is a skipped one with
//! its particulars, as the format knows no advice.

use std::io::{self, Write};

use super::run::{About, Summary};
use crate::case_result::{CaseResult, Conclusion};

pub(super) fn write(out: &mut impl Write, about: &About, rows: &[CaseResult]) -> io::Result<()> {
    let Summary { failed, known, advised, skipped, .. } = Summary::of(rows);
    let (tests, skipped) = (rows.len(), skipped + advised + known);
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="cni-conformance" tests="{tests}" failures="{failed}" skipped="{skipped}" time="{:.3}">"#,
        about.seconds
    )?;
    for rows in rows.chunk_by(|row, next| row.group == next.group) {
        suite(out, about, rows)?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(out: &mut impl Write, about: &About, rows: &[CaseResult]) -> io::Result<()> {
    let Summary { failed, known, advised, skipped, .. } = Summary::of(rows);
    let (name, tests, skipped) = (escape(rows[0].group), rows.len(), skipped + advised + known);
    writeln!(out, r#"  <testsuite name="{name}" tests="{tests}" failures="{failed}" skipped="{skipped}">"#)?;
    for row in rows {
        case(out, about, row)?;
    }
    writeln!(out, "  </testsuite>")
}

fn case(out: &mut impl Write, about: &About, row: &CaseResult) -> io::Result<()> {
    let name = escape(&format!("{} {} {}: {}", row.number, row.levels, row.verb, row.should));
    let class = escape(&format!("{}.{}", about.profile, row.group));
    let CaseResult { sent, came_back, source, explained, .. } = row;
    let particulars =
        format!("sent: {sent}\ncame back: {came_back}\nsource: {source}\nexplained: {explained}");
    write!(out, r#"    <testcase name="{name}" classname="{class}" time="{:.3}""#, row.seconds)?;
    let skipped = |why: &str| format!(r#"><skipped message="{}"/></testcase>"#, escape(why));
    let excused = |why: &str| skipped(&format!("{why}; should: {}; {particulars}", row.should));
    match row.conclusion() {
        Conclusion::Passed => writeln!(out, "/>"),
        Conclusion::Skipped => writeln!(out, "{}", skipped(&row.remark)),
        Conclusion::Failed => {
            let (should, text) = (escape(&row.should), escape(&particulars));
            writeln!(out, r#"><failure message="should: {should}">{text}</failure></testcase>"#)
        }
        Conclusion::Known => {
            writeln!(
                out,
                "{}",
                excused(&format!("known to fail: {}", row.known.as_deref().unwrap_or_default()))
            )
        }
        Conclusion::Advised => writeln!(out, "{}", excused("not required")),
    }
}

/// Text in XML; the characters that XML cannot hold at all become `?`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push('\t'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            character if character < ' ' => escaped.push('?'),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_prints_cannot_break_the_document() {
        assert_eq!(escape("a<b>&\"\u{0}\u{1b}[31m\n]]>"), "a&lt;b&gt;&amp;&quot;??[31m&#10;]]&gt;");
    }
}
