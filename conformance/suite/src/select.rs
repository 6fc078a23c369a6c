//! Which checks are run.

use std::io::{self, Write};

use anyhow::{Result, bail};

use super::case::Group;
use super::case_result::letters;
use super::runner::Chosen;
use super::topics::GROUPS;

/// All checks, or those of these groups and with these numbers (`88`, `88-100`).
///
/// # Errors
/// For what names no check: a suite of none would pass.
pub(crate) fn select(only: &[String]) -> Result<Vec<Chosen>> {
    let wanted = only.iter().map(|name| Wanted::parse(name)).collect::<Result<Vec<_>>>()?;
    let of = |group: &'static Group| {
        group.cases.iter().zip(group.reasons).map(move |(case, reason)| Chosen { group, case, reason })
    };
    let all: Vec<Chosen> = GROUPS.iter().flat_map(of).collect();
    if let Some(at) = wanted.iter().position(|wanted| !all.iter().any(|chosen| wanted.includes(chosen))) {
        bail!("no check {}: they are numbered from 1 to {}", only[at], all.len());
    }
    Ok(all
        .into_iter()
        .filter(|chosen| wanted.is_empty() || wanted.iter().any(|wanted| wanted.includes(chosen)))
        .collect())
}

/// A line per check: number, levels, verb, what is sent, what should come back, and who says so.
pub(crate) fn list(out: &mut impl Write, chosen: &[Chosen]) -> io::Result<()> {
    for Chosen { group, case, .. } in chosen {
        writeln!(
            out,
            "{:>3} {:<12} {:<3} {}: {} -> {} [{}]",
            case.number,
            group.name,
            letters(case),
            case.verb,
            case.when,
            case.then,
            case.source
        )?;
    }
    Ok(())
}

enum Wanted<'a> {
    Group(&'a str),
    Numbers(u16, u16),
}

impl<'a> Wanted<'a> {
    fn parse(name: &'a str) -> Result<Wanted<'a>> {
        if GROUPS.iter().any(|group| group.name == name) {
            return Ok(Wanted::Group(name));
        }
        let (first, last) = name.split_once('-').unwrap_or((name, name));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) => Ok(Wanted::Numbers(first, last)),
            _ => {
                let groups: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
                bail!(
                    "no group or check {name:?}: groups are {}, checks are numbers or ranges",
                    groups.join(", ")
                )
            }
        }
    }

    fn includes(&self, chosen: &Chosen) -> bool {
        match self {
            Wanted::Group(name) => chosen.group.name == *name,
            Wanted::Numbers(first, last) => (*first..=*last).contains(&chosen.case.number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(only: &[&str]) -> Vec<u16> {
        let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
        select(&only).unwrap().iter().map(|chosen| chosen.case.number).collect()
    }

    #[test]
    fn groups_numbers_and_ranges_add_up() {
        assert_eq!(numbers(&["random", "3", "39-41"]), [3, 39, 40, 41, 152]);
        assert_eq!(numbers(&[]).len(), 161);
    }

    #[test]
    fn an_unknown_group_is_named() {
        for name in ["nothing", "9999", "100-88"] {
            let Err(error) = select(&[name.to_owned()]) else { panic!("accepted") };
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
