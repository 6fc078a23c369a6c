//! `--explain`: a section per check, and `conformance/CHECKS.md`, the page of them all.

use std::io::{self, Write};

use super::case_result::letters;
use super::levels::Level;
use super::reason::{READ, Says};
use super::runner::Chosen;
use super::text::{one_line, wrapped};

/// Its name on the command line: everything.
pub(crate) const ALL: &str = "all";

/// Characters on a line, at most.
const WIDTH: usize = 120;

/// The whole page.
pub(crate) fn page(out: &mut impl Write, all: &[Chosen]) -> io::Result<()> {
    let written = "Written by `cni-conformance --explain all`, from the checks themselves. For each of them: what is \
        sent and what should come back, on whose word, what breaks where a plugin does otherwise, how plugins come to \
        do so, and how to see it by hand. [The suite's page](README.md#conformance-suite) says how to run it, \
        [another one](MATRIX.md) which check the CNI project's plugins fail.";
    let groups: Vec<String> = all
        .chunk_by(|one, next| one.group.name == next.group.name)
        .map(|group| format!("[{0}](#{0})", group[0].group.name))
        .collect();
    let meanings: Vec<String> =
        Level::ALL.iter().map(|level| format!("{}, {}", level.letter(), level.meaning())).collect();
    let letters = format!("A letter says who demands it: {}.", meanings.join("; "));
    let quoted = "The specification is quoted from `SPEC.md` of the first of these, version 1.1.0 where no other is \
        named; files are theirs:";
    writeln!(out, "# The checks, one by one\n")?;
    for text in [written, &format!("Groups: {}.", groups.join(", ")), &letters, quoted] {
        paragraph(out, "", text)?;
        writeln!(out)?;
    }
    for (name, commit) in READ {
        writeln!(out, "- [{name}](https://github.com/{name}/tree/{commit})")?;
    }
    for group in all.chunk_by(|one, next| one.group.name == next.group.name) {
        writeln!(out, "\n## {}\n", group[0].group.name)?;
        sections(out, group)?;
    }
    Ok(())
}

/// The sections of these checks.
pub(crate) fn sections(out: &mut impl Write, chosen: &[Chosen]) -> io::Result<()> {
    for (at, chosen) in chosen.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        section(out, chosen)?;
    }
    Ok(())
}

fn section(out: &mut impl Write, Chosen { group, case, reason }: &Chosen) -> io::Result<()> {
    let number = case.number;
    writeln!(out, "### Check {number}\n")?;
    let facts = [
        ("Verb", format!("{} (group `{}`, {})", case.verb, group.name, letters(case))),
        ("Sent", case.when.to_owned()),
        ("Should come back", case.then.to_owned()),
        ("By hand", format!("`cni-conformance --plugin PLUGIN --repeat {number}`")),
    ];
    for (what, fact) in facts {
        paragraph(out, "  ", &format!("- {what}: {fact}"))?;
    }
    writeln!(out)?;
    match reason.says {
        Says::Spec(section, sentence) => {
            writeln!(out, "> {}", wrapped(&one_line(sentence), WIDTH - 2).join("\n> "))?;
            writeln!(out, ">\n> -- specification, {section}\n")?;
        }
        Says::Source(place, what) => {
            paragraph(out, "", &format!("**Source.** {place}: {what}"))?;
            writeln!(out)?;
        }
    }
    paragraph(out, "", &format!("**What breaks.** {}", reason.breaks))?;
    writeln!(out)?;
    paragraph(out, "", &format!("**How plugins get it wrong.** {}", reason.wrong))
}

/// Text on as many lines as it takes; `margin` is before all but the first.
fn paragraph(out: &mut impl Write, margin: &str, text: &str) -> io::Result<()> {
    let lines = wrapped(&one_line(text), WIDTH - margin.len());
    writeln!(out, "{}", lines.join(&format!("\n{margin}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::select;

    #[test]
    fn what_must_be_is_quoted_from_the_specification() {
        for Chosen { case, reason, .. } in select(&[]).unwrap() {
            let quoted = matches!(reason.says, Says::Spec(..));
            assert!(quoted || !case.levels.contains(&Level::Must), "{}", case.number);
        }
    }
}
