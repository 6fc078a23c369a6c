//! `conformance check` as a program: its reports, its exit status, and what it leaves behind.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use testkit::binaries::plugin;

use super::{check, put, run, suite};

#[test]
fn json_is_one_object_with_a_row_per_check() -> Result<()> {
    let output = run(&["--profile", "placeholder", "--only", "52-55,142", "--format", "json"])?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let numbers: Vec<u64> = report["checks"]
        .as_array()
        .context("no rows")?
        .iter()
        .filter_map(|row| row["number"].as_u64())
        .collect();
    assert_eq!(numbers, [52, 53, 54, 55, 142]);
    assert_eq!(report["summary"]["passed"], 5, "{report}");
    assert!(output.status.success());
    Ok(())
}

#[test]
fn junit_has_a_case_per_check() -> Result<()> {
    let output = run(&["--profile", "placeholder", "--only", "validators,142", "--format", "junit"])?;
    let text = String::from_utf8(output.stdout)?;
    assert!(text.starts_with("<?xml"), "{text}");
    assert_eq!(text.matches("<testcase ").count(), 14, "{text}");
    // Every element that is opened is closed.
    for element in ["testsuites", "testsuite", "testcase", "failure"] {
        let opened = text.matches(&format!("<{element} ")).count();
        let closed = text.matches(&format!("</{element}>")).count();
        let alone = text
            .lines()
            .filter(|line| line.contains(&format!("<{element} ")) && line.ends_with("\"/>"))
            .count();
        assert_eq!(opened, closed + alone, "{element}: {text}");
    }
    Ok(())
}

/// 27 fails where the specification says must, 42 is advice.
const LENIENT: &[&str] = &["--profile", "spec", "--only", "27,42,101,151"];

#[test]
fn a_table_is_as_wide_as_it_may_be() -> Result<()> {
    for (columns, width) in [(None, 100), (Some("70"), 70), (Some("160"), 160)] {
        let mut command = check(LENIENT)?;
        command.env_remove("COLUMNS").envs(columns.map(|columns| ("COLUMNS", columns)));
        let text = String::from_utf8(command.output()?.stdout)?;
        let table: Vec<&str> = text.lines().skip(1).take_while(|line| !line.is_empty()).collect();
        let widest = table.iter().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= width && widest > width / 2), "{width}: {text}");
        assert_eq!(text.contains("came back\n"), width == 160, "{text}");
    }
    Ok(())
}

#[test]
fn a_sum_counts_advice_apart_and_explains_letters() -> Result<()> {
    let text = String::from_utf8(run(LENIENT)?.stdout)?;
    assert!(text.contains("\n1 passed, 1 failed, 1 skipped, 1 not as advised; 4 checks"), "{text}");
    assert!(text.contains("\nM  the specification says that it must be so\n"), "{text}");
    assert!(text.contains("\nadvice: not as it should be, but profile spec does not require it\n"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    let text = String::from_utf8(run(&[LENIENT, &["--failures"]].concat())?.stdout)?;
    assert!(text.contains("\n 27 M     DEL          FAIL"), "{text}");
    assert!(text.contains("\n1 passed, 1 failed, 1 skipped, 1 not as advised; 4 checks"), "{text}");
    for other in ["pass ", "advice", "skip ", "-- validators", "42 DEL"] {
        assert!(!text.contains(other), "{other}: {text}");
    }
    Ok(())
}

#[test]
fn verdicts_have_colours_on_a_terminal() -> Result<()> {
    let line = format!(
        "stty cols 150; exec {} check --plugin {} {}",
        env!("CARGO_BIN_EXE_conformance"),
        plugin("dpu-nic-placeholder")?.display(),
        LENIENT.join(" ")
    );
    for (key, value, coloured) in [("TERM", "xterm", true), ("NO_COLOR", "1", false), ("TERM", "dumb", false)]
    {
        let mut command = Command::new("script");
        command.args(["--quiet", "--command", &line, "/dev/null"]).env("TERM", "xterm");
        command.env_remove("COLUMNS").env_remove("NO_COLOR").env(key, value).stdin(Stdio::null());
        let text = String::from_utf8(command.output()?.stdout)?;
        assert_eq!(text.contains("\x1b[1;31mFAIL"), coloured, "{key}={value}: {text}");
        assert!(text.contains("came back\r\n"), "as wide as this terminal: {text}");
    }
    Ok(())
}

#[test]
fn a_failing_required_check_is_exit_status_1() -> Result<()> {
    // A placeholder attaches nothing.
    let output = run(&["--profile", "interface", "--only", "88"])?;
    assert_eq!(output.status.code(), Some(1));
    // Nor does it mind what the reference library refuses.
    let advice = run(&["--profile", "spec", "--only", "42"])?;
    assert_eq!(advice.status.code(), Some(0), "{}", String::from_utf8_lossy(&advice.stdout));
    Ok(())
}

#[test]
fn what_cannot_be_run_is_exit_status_2() -> Result<()> {
    for args in [&["--only", "nothing"][..], &["--setup", "exit 7"][..], &["--timeout", "0"][..]] {
        assert_eq!(run(args)?.status.code(), Some(2), "{args:?}");
    }
    Ok(())
}

#[test]
fn a_run_of_nothing_is_exit_status_2() -> Result<()> {
    // A placeholder attaches nothing, as a plugin that misses its configuration.
    let output = run(&["--only", "90-96"])?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("not one check could be run: ADD fails with code 100: give a configuration"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    Ok(())
}

#[test]
fn a_fault_of_the_suite_is_exit_status_2() -> Result<()> {
    let setup = "[ $SUITE_VERB != cause ]";
    let output = run(&["--only", "88,100", "--profile", "interface", "--setup", setup])?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(2), "{said} {}", String::from_utf8_lossy(&output.stdout));
    assert!(said.contains("the suite itself failed in 100\n"), "{said}");
    Ok(())
}

#[test]
fn a_missing_plugin_is_named_as_given() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (plain, foreign) = (dir.path().join("plain"), dir.path().join("foreign"));
    std::fs::write(&plain, "")?;
    put(&foreign, "#!/nowhere/sh\n")?;
    for (program, complaint) in [
        (Path::new("/bin/true"), "does not answer VERSION: is it a CNI plugin?"),
        (&plain, "is not executable"),
        (&foreign, "does not start: No such file"),
    ] {
        let output = suite().arg("--plugin").arg(program).output()?;
        let said = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(2), "{said}");
        let program = program.canonicalize()?;
        assert!(said.contains(&format!("{} {complaint}", program.display())), "{said}");
    }
    Ok(())
}

/// The directories of suites of this process's children.
fn left(dir: &Path) -> Result<BTreeSet<String>> {
    let names = std::fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect()
}

#[test]
fn an_interrupted_suite_leaves_nothing() -> Result<()> {
    let tmp = tempfile::tempdir()?;
    let mut command = check(&["--profile", "placeholder", "--random", "1000000"])?;
    let mut child = command.env("TMPDIR", tmp.path()).stdout(Stdio::null()).spawn()?;
    // It has begun when its directory is there.
    let deadline = Instant::now() + Duration::from_secs(30);
    while left(tmp.path())?.is_empty() {
        ensure!(Instant::now() < deadline, "the suite does not begin");
        std::thread::yield_now();
    }
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT)?;
    let status = child.wait()?;
    assert!(!status.success(), "{status}");
    assert_eq!(left(tmp.path())?, BTreeSet::new());
    Ok(())
}

#[test]
fn another_runs_leftovers_are_not_blamed() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let program = dir.path().join("dpu-nic-placeholder");
    let real = plugin("dpu-nic-placeholder")?;
    let script = format!("#!/bin/sh\n/usr/bin/setsid /bin/sleep 9 >&- 2>&- &\nexec '{}'\n", real.display());
    put(&program, &script)?;
    let left =
        suite().args(["--profile", "placeholder", "--only", "1", "--plugin"]).arg(&program).output()?;
    assert_eq!(left.status.code(), Some(1), "{}", String::from_utf8_lossy(&left.stdout));
    let output = run(&["--profile", "placeholder", "--only", "1"])?;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}
