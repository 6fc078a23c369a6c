//! The pages: what they tell people to type runs, what they point to is there, and they fit a terminal.
//!
//! A block of commands runs here, in the order of its page and in one directory, except for one that begins with
//! `# needs ...`: of that, the shell reads the syntax. The programs are real where they answer at once. A script that
//! builds or tests for minutes, which other tests and every run of `scripts/test` do, is asked whether it knows its words.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Place, Ran};

/// What those that build for minutes are here: `--help` of the real one has each word that it is called with.
const ASKED: &str = r#"#!/bin/bash
usage=$("$REPO/scripts/${0##*/}" --help) || exit
for word; do grep -qwe "$word" <<<"$usage" || { echo "${0##*/} knows no $word" >&2; exit 1; }; done
"#;
const DEPLOY: &str = "#!/bin/bash\nexec \"$DEPLOY\" \"${0##*/}\" \"$@\"\n";
const RENDER: &str = "#!/bin/bash\nexec \"$DEPLOY\" render --binaries dist \"$@\"\n";
/// The checks are listed, not made; the node is not started, which has a test of its own.
const CONFORMANCE: &str = r#"#!/bin/bash
if [[ $1 = check ]]; then set -- "$@" --list; else set -- "$@" --help; fi
exec "$CONFORMANCE" "$@"
"#;
/// The suite alone, likewise.
const CNI_CONFORMANCE: &str = "#!/bin/bash\nexec \"$CONFORMANCE\" check \"$@\" --list\n";
/// Packages and tests are directories.
const CARGO: &str = r#"#!/bin/bash
while (($#)); do
  [[ $1 = --package ]] && package=$2 && { ls -d "$REPO"/*/*/Cargo.toml | xargs grep -qx "name = \"$2\"" || exit; }
  [[ $1 = --test ]] && { ls -d "$REPO"/*/"$package/tests/$2" || exit; }
  shift
done
"#;
/// A manifest to be judged and changed.
const DEPLOYMENT: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: \
     {hostNetwork: true, tolerations: [{operator: Exists}], containers: [{name: web}]}}}}\n";

/// A fenced part of a page: its language, or nothing, and what is in it.
struct Block {
    language: String,
    text: String,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// Every page that a reader of the first can come to, with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let mut pages = Vec::new();
    let mut seen = BTreeSet::new();
    let mut ahead = vec![repository().join("README.md")];
    while let Some(path) = ahead.pop() {
        if path.extension().is_some_and(|kind| kind == "md") && seen.insert(path.clone()) {
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            ahead.extend(links(&path, &text).into_iter().map(|(file, _)| file));
            pages.push((path, text));
        }
    }
    pages
}

/// Where a page links to within the repository: file and heading.
fn links(page: &Path, text: &str) -> Vec<(PathBuf, String)> {
    let targets = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let inside = targets.filter(|target| !target.starts_with("http"));
    inside
        .map(|target| {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.into() } else { page.with_file_name("").join(file) };
            (path.canonicalize().unwrap_or(path), heading.to_owned())
        })
        .collect()
}

/// The lines outside of blocks, and the blocks.
fn parts(text: &str) -> (Vec<&str>, Vec<Block>) {
    let (mut prose, mut blocks, mut inside) = (Vec::new(), Vec::new(), None::<(usize, Block)>);
    for line in text.lines() {
        let bare = line.trim_start();
        match (bare.strip_prefix("```"), &mut inside) {
            (Some(language), None) => {
                let block = Block { language: language.into(), text: String::new() };
                inside = Some((line.len() - bare.len(), block));
            }
            (Some(_), Some(_)) => blocks.extend(inside.take().map(|(_, block)| block)),
            (None, Some((margin, block))) => {
                block.text.push_str(line.get(*margin..).unwrap_or_default());
                block.text.push('\n');
            }
            (None, None) => prose.push(line),
        }
    }
    (prose, blocks)
}

/// A heading as it is linked to.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|&letter| letter.is_alphanumeric() || letter == '-' || letter == '_').collect()
}

#[test]
fn links_and_paths_lead_somewhere() {
    for (page, text) in pages() {
        let (prose, _) = parts(&text);
        for (file, heading) in links(&page, &prose.join("\n")) {
            let there = fs::read_to_string(&file).unwrap_or_default();
            let (lines, _) = parts(&there);
            let mut headings = lines
                .iter()
                .filter(|line| line.starts_with('#'))
                .map(|line| anchor(line.trim_start_matches('#')));
            assert!(
                file.exists() && (heading.is_empty() || headings.any(|anchor| anchor == heading)),
                "{} links to {}#{heading}, which is not there",
                page.display(),
                file.display()
            );
        }
        for name in prose.iter().flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let path = name.split(' ').next().unwrap_or(name);
            let ours =
                ["plugins/", "shared/", "conformance/", "scripts/"].iter().any(|top| path.starts_with(top));
            assert!(
                !ours || repository().join(path).exists(),
                "{} names {path}, which is not there",
                page.display()
            );
        }
    }
}

#[test]
fn no_line_of_text_exceeds_120_characters() {
    for (page, text) in pages() {
        let (prose, _) = parts(&text);
        let long =
            prose.iter().find(|line| !line.trim_start().starts_with('|') && line.chars().count() > 120);
        assert_eq!(long, None, "{}", page.display());
    }
}

#[test]
fn a_block_is_of_a_known_language() {
    for (page, text) in pages() {
        for Block { language, text } in parts(&text).1 {
            let readable = match language.as_str() {
                "json" => serde_json::from_str::<Value>(&text).is_ok(),
                "yaml" => serde_saphyr::from_str::<Value>(&text).is_ok(),
                "sh" | "text" | "mermaid" => true,
                _ => false,
            };
            assert!(readable, "{}: a block of {language:?}: {text}", page.display());
        }
    }
}

/// Where a page's commands run, in place of a clone.
fn clone() -> Place {
    let place = Place::new();
    place.write("deployment.yaml", DEPLOYMENT);
    for name in ["demo", "test", "build", "build-release", "package", "vm-test", "bench", "fuzz", "deps"] {
        place.write(&format!("scripts/{name}"), ASKED);
    }
    for name in ["audit", "inventory", "match", "pod-spec", "uninstall"] {
        place.write(&format!("scripts/{name}"), DEPLOY);
    }
    place.write("scripts/render", RENDER);
    place.write("target/debug/conformance", CONFORMANCE);
    place.write("target/debug/cni-conformance", CNI_CONFORMANCE);
    place.write("bin/cargo", CARGO);
    for name in ["scripts", "target", "bin"] {
        for file in place.list(name) {
            fs::set_permissions(place.path(&format!("{name}/{file}")), fs::Permissions::from_mode(0o755))
                .expect("a mode");
        }
    }
    place
}

fn shell(place: &Place, arguments: &[&str]) -> Ran {
    let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("bash");
    shell.args(arguments).current_dir(place.path("")).env("PATH", path).env("REPO", repository());
    shell.env("DEPLOY", env!("CARGO_BIN_EXE_dpu-cni"));
    let conformance = Path::new(env!("CARGO_BIN_EXE_dpu-cni")).with_file_name("conformance");
    assert!(
        conformance.exists(),
        "{} is missing: run `cargo build --workspace` first",
        conformance.display()
    );
    shell.env("CONFORMANCE", conformance);
    shell.output().expect("bash runs").into()
}

#[test]
fn what_a_page_tells_people_to_type_runs() {
    let mut ran = 0;
    for (page, text) in pages() {
        let place = clone();
        for Block { text, .. } in parts(&text).1.into_iter().filter(|block| block.language == "sh") {
            let is_marked = text.starts_with("# needs ");
            let options: &[&str] = if is_marked { &["-n"] } else { &["-euo", "pipefail"] };
            let result = shell(&place, &[options, &["-c", &text]].concat());
            assert_eq!(result.code, 0, "{}:\n{text}\n{}{}", page.display(), result.out, result.err);
            ran += usize::from(!is_marked);
        }
    }
    assert!(ran > 5, "the pages have commands, and {ran} blocks ran");
}
