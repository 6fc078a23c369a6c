//! The benchmark as a program: that it measures what it says, and leaves behind what it says. Never how fast.

#![allow(clippy::unwrap_used, reason = "a test may end that way, its helpers too")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// `conformance bench --quick ARGS`, reporting into `out`.
fn bench(out: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
    command.args(["bench", "--quick", "--out"]).arg(out).args(args).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_run_measures_every_verb_and_is_told_against_an_earlier_one() {
    let out = TempDir::new().unwrap();
    let printed = text(&bench(out.path(), &[]));
    let read = |name: &str| std::fs::read_to_string(out.path().join(name)).unwrap();

    assert!(printed.starts_with(&read("report.md")), "what is printed is what is kept");
    assert!(printed.contains("not judged") && !printed.to_lowercase().contains("not met"), "{printed}");
    let report: Value = serde_json::from_str(&read("report.json")).unwrap();
    let measured = report["measured"].as_array().unwrap();
    for (name, verb) in [
        ("dpu-nic-placeholder", "VERSION"),
        ("dpu-nic-placeholder", "STATUS"),
        ("dpu-nic-placeholder", "ADD"),
        ("dpu-nic-placeholder", "CHECK"),
        ("dpu-nic-placeholder", "DEL"),
        ("dpu-nic-placeholder", "GC"),
        ("dpu-host", "VERSION"),
        ("dpu-host", "STATUS"),
        ("dpu-host", "GC"),
        ("dpu-host, IPv4", "ADD"),
        ("dpu-host, IPv4", "CHECK"),
        ("dpu-host, IPv4", "DEL"),
        ("dpu-host, dual stack", "ADD"),
        ("dpu-host, privileged, dual stack", "ADD"),
        ("dpu-host, privileged, dual stack, as if by upstream", "ADD"),
        ("dpu-host, privileged, dual stack, with a primary user-defined network", "DEL"),
        ("dpu-host, unprivileged, dual stack", "ADD"),
        ("dpu-host, a list of 16 MiB", "ADD"),
        ("dpu-host, 8 pods looked after", "DEL"),
        ("dpu-cni", "first answer"),
    ] {
        let one = measured.iter().find(|one| one["name"] == name && one["verb"] == verb);
        let one = one.unwrap_or_else(|| panic!("{name} {verb} was not measured"));
        assert!(one["wall"]["median"].as_f64().unwrap() > 0.0, "{one}");
        assert!(one["peak"].as_u64().unwrap() > 0, "{one}");
    }
    // A process's own peak, not that of the program that starts it: that one has several MiB.
    let nothing = measured.iter().filter(|one| one["name"].as_str().unwrap().starts_with("does nothing"));
    let peaks: Vec<_> = nothing.filter_map(|one| one["peak"].as_u64()).collect();
    assert!(!peaks.is_empty() && peaks.iter().all(|kib| *kib < 1024), "{peaks:?}");
    let curves = report["growth"].as_array().unwrap();
    assert!(
        curves.iter().all(|curve| curve["points"].as_array().is_some_and(|points| points.len() == 2)),
        "{curves:?}"
    );
    assert!(report["limits"].as_array().unwrap().iter().any(|limit| limit["met"].is_boolean()));
    let add = measured.iter().find(|one| one["name"] == "dpu-host, IPv4" && one["verb"] == "ADD").unwrap();
    let requests = add["requests"].as_array().unwrap();
    assert!(!requests.is_empty() && requests.iter().all(|ms| ms.as_f64() > Some(0.0)), "{requests:?}");
    let limits = report["limits"].as_array().unwrap();
    for what in ["back after a reset", "pods / (1.3 x kernel", "have lost their VFs", "a list of 16 MiB"] {
        let one = limits.iter().find(|one| one["what"].as_str().unwrap().contains(what));
        assert!(one.is_some_and(|one| one["met"].is_boolean()), "{what}: {one:?}");
    }
    let burst = curves.iter().find(|curve| curve["name"] == "dpu-host: ADD of N pods at once").unwrap();
    assert_eq!(
        burst["points"][1]["each"].as_array().unwrap().len(),
        4,
        "how long each of four waited: {burst}"
    );
    for plot in ["verbs.svg", "growth.svg"] {
        let drawing = read(plot);
        assert!(drawing.starts_with("<svg ") && drawing.ends_with("</svg>\n"), "{plot}");
        assert!(drawing.contains("dpu-host") && !drawing.contains("NaN"), "{plot}");
    }
    told_against(out.path(), report);
}

/// Another run, as if everything had been a hundred times as fast in the one that left this report.
fn told_against(out: &Path, mut report: Value) {
    for one in report["measured"].as_array_mut().unwrap() {
        for wall in one["rounds"]["wall"].as_array_mut().unwrap() {
            *wall = (wall.as_f64().unwrap() / 100.0).into();
        }
    }
    let earlier = out.join("earlier.json");
    std::fs::write(&earlier, report.to_string()).unwrap();
    let printed = text(&bench(out, &["--against", earlier.to_str().unwrap()]));
    assert!(printed.contains("### Against") && printed.contains("SLOWER"), "{printed}");
    let none = bench(out, &["--against", "/dev/null"]);
    assert!(!none.status.success() && String::from_utf8_lossy(&none.stderr).contains("no report.json"));
}

#[test]
fn phases_tell_where_the_time_of_an_add_goes() {
    let out = TempDir::new().unwrap();
    let printed = text(&bench(out.path(), &["--phases"]));
    for phase in ["parse", "server", "move", "record", "print", "exec, housekeeping, exit", "all"] {
        let line = printed.lines().find(|line| line.trim_start().starts_with(phase));
        let line = line.unwrap_or_else(|| panic!("no {phase} in {printed}"));
        assert!(line.split_whitespace().any(|word| word.parse::<f64>().is_ok()), "{line}");
    }
}

#[test]
fn a_directory_without_plugins_is_named() {
    let (out, empty) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let refused = bench(out.path(), &["--plugins", &format!("mine={}", empty.path().display())]);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains(&empty.path().display().to_string()), "{said}");
}
