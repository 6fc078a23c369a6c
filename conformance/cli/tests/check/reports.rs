//! What `conformance check` prints for others than people at a terminal, and what it is told by files.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use testkit::binaries::plugin;

use super::{put, run};

/// 27 fails where the specification says must, 42 is advice, 142 is of another profile, 17 passes.
const LENIENT: &[&str] = &["--profile", "spec", "--only", "17,27,42,142"];

fn printed(args: &[&str]) -> Result<(String, Option<i32>)> {
    let output = run(args)?;
    ensure!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok((String::from_utf8(output.stdout)?, output.status.code()))
}

#[test]
fn tap_marks_what_fails_no_run_as_todo() -> Result<()> {
    let (text, status) = printed(&[LENIENT, &["--format", "tap"]].concat())?;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["TAP version 14", "1..4"], "{text}");
    for line in
        ["ok 1 - 17 none: ", "not ok 2 - 27 DEL: ", "not ok 3 - 42 DEL CHECK: ", "ok 4 - 142 VERSION: "]
    {
        assert!(lines.iter().any(|other| other.starts_with(line)), "{line}: {text}");
    }
    assert!(text.contains(" # TODO not required\n  ---\n  sent: \""), "{text}");
    assert!(text.contains(" # SKIP of another profile\n"), "{text}");
    assert_eq!(status, Some(1));
    Ok(())
}

#[test]
fn markdown_is_a_badge_a_sum_and_what_failed() -> Result<()> {
    let (text, _) = printed(&[LENIENT, &["--format", "markdown"]].concat())?;
    let badge = "![CNI conformance: 1 passed, 1 failed](https://img.shields.io/badge/CNI_conformance-1%20passed%2C%201%20failed-red)";
    assert!(text.starts_with(&format!("# CNI conformance of dpu-nic-placeholder\n\n{badge}\n\n")), "{text}");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(
        rows.len() == 2
            && rows[0].starts_with("| [27](CHECKS.md#check-27) DEL | FAIL | ")
            && rows[1].starts_with("| [42]("),
        "{text}"
    );
    assert!(rows.iter().all(|row| row.replace(r"\|", "").matches('|').count() == 7), "{text}");
    Ok(())
}

#[test]
fn a_failure_says_where_it_is_explained() -> Result<()> {
    let (text, _) = printed(LENIENT)?;
    assert!(text.contains("\n    why        --explain 27, or CHECKS.md#check-27\n"), "{text}");
    Ok(())
}

#[test]
fn only_what_no_baseline_knows_fails_a_run() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("known");
    let file = file.to_str().context("a path in UTF-8")?;
    assert_eq!(printed(&[LENIENT, &["--write-baseline", file]].concat())?.1, Some(1));
    let written = fs::read_to_string(file)?;
    let known: Vec<&str> = written.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(known.len() == 1 && known[0].starts_with("27 DEL "), "advice is not written down: {written}");

    // With words of one's own, and one that is mended meanwhile.
    fs::write(file, "27 deleting must not fail\n17 once\n")?;
    let (text, status) = printed(&[LENIENT, &["--baseline", file, "--write-baseline", file]].concat())?;
    assert_eq!(status, Some(0), "{text}");
    for part in [
        "\n27 DEL (known: deleting must not fail), with ",
        "\nno longer failing, take it out of the baseline: 17\n",
        "\n1 passed, 0 failed, 1 skipped, 1 known to fail, 1 not as advised; 4 checks",
    ] {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    assert!(fs::read_to_string(file)?.ends_with("\n27 deleting must not fail\n"));

    fs::write(file, "twenty-seven\n")?;
    let output = run(&["--baseline", file])?;
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr)?;
    assert!(said.ends_with("known: no number of a check begins \"twenty-seven\"\n"), "{said}");
    Ok(())
}

#[test]
fn a_check_can_be_repeated_by_a_shell() -> Result<()> {
    let (script, status) = printed(&["--repeat", "22", "--cni-version", "1.0.0"])?;
    assert_eq!(status, Some(0), "{script}");
    let mut shell = Command::new("unshare");
    shell.args(["--net", "--mount", "--propagation", "slave", "sh", "-c"]);
    let output = shell.arg(format!("mount -t tmpfs tmpfs /run\n{script}")).output()?;
    let (said, complaints) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr));
    // Each answer is in the script, too.
    let promised: Vec<&str> =
        script.lines().filter_map(|line| line.strip_prefix("# exit 1, code 4: ")).collect();
    assert!(promised.len() >= 3, "{script}");
    for sentence in promised {
        let sentence = serde_json::to_string(sentence)?;
        assert!(said.contains(sentence.trim_matches('"')), "{sentence}: {said} {complaints}");
    }
    Ok(())
}

#[test]
fn a_version_that_is_not_listed_is_named() -> Result<()> {
    let output = run(&["--only", "1", "--cni-version", "9.9.9"])?;
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr)?;
    assert!(said.contains("the plugin does not list version 9.9.9, but 0.1.0, 0.2.0"), "{said}");
    Ok(())
}

#[test]
fn an_action_annotates_and_summarises() -> Result<()> {
    let dir = tempfile::tempdir()?;
    // The suite under its other name.
    let program = dir.path().join("cni-conformance");
    put(&program, &format!("#!/bin/sh\nexec {} check \"$@\"\n", env!("CARGO_BIN_EXE_conformance")))?;
    let (reports, summary) = (dir.path().join("reports"), dir.path().join("summary"));
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../action.sh"))
        .env("PROGRAM", &program)
        .env("PLUGIN", plugin("dpu-nic-placeholder")?)
        .envs([("PROFILE", "spec"), ("ARGUMENTS", "--only 17,27,42"), ("GITHUB_ACTIONS", "true")])
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("REPORTS", &reports)
        .env("PAGE", "https://example.org/CHECKS.md")
        .output()?;
    let said = String::from_utf8(output.stdout)?;
    assert_eq!(output.status.code(), Some(1), "{said} {}", String::from_utf8_lossy(&output.stderr));
    let annotations: Vec<&str> = said.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(annotations.len(), 1, "advice is none: {said}");
    assert!(annotations[0].starts_with("::error title=CNI conformance::27 DEL: "), "{said}");
    let summary = fs::read_to_string(summary)?;
    assert!(summary.contains("![CNI conformance: 1 passed, 1 failed]"), "{summary}");
    assert!(summary.contains("| [27](https://example.org/CHECKS.md#check-27) DEL "), "{summary}");
    assert!(fs::read_to_string(reports.join("junit_cni-conformance.xml"))?.contains("<failure "));
    Ok(())
}
