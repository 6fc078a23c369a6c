//! What plugins write and read outside the suite's directory is not the machine's.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Result, ensure};
use rstest::rstest;
use testkit::binaries::plugin;

use super::put;

/// A machine to play with, whatever the suite does: its own `/run` and `/var/lib`, with a runtime's files in them, and
/// `$SAY` for a list of what is below both when the suite has ended.
const MACHINE: &str = r#"
set -e
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /var/lib
mkdir -p /run/ovn-kubernetes /run/tmp /var/lib/cni/bin
echo the machine > /run/ovn-kubernetes/socket
cp "$PLUGIN" /var/lib/cni/bin/written
echo beside it > /var/lib/cni/bin/sibling
status=0
"$SUITE" check --random 20 --format json "$@" > "$REPORT" || status=$?
find /run /var/lib -type f
exit $status
"#;

/// On that machine.
fn on_a_machine(program: &Path, args: &[&str], tmp: &str) -> Result<(Output, String)> {
    let report = tempfile::NamedTempFile::new()?;
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", MACHINE, "sh"])
        .args(args)
        .env("SUITE", env!("CARGO_BIN_EXE_conformance"))
        .env("PLUGIN", program)
        .env("REPORT", report.path())
        .env("TMPDIR", tmp)
        .output()?;
    Ok((output, fs::read_to_string(report.path())?))
}

/// What is on it from the start, and nothing else.
fn untouched(output: &Output) -> Result<()> {
    let mut found: Vec<&str> = std::str::from_utf8(&output.stdout)?.lines().collect();
    found.sort_unstable();
    let expected = ["/run/ovn-kubernetes/socket", "/var/lib/cni/bin/sibling", "/var/lib/cni/bin/written"];
    ensure!(found == expected, "{found:#?}, {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[rstest]
#[case::elsewhere("/tmp")]
#[case::below_run("/run/tmp")]
#[case::is_run("/run")]
fn a_plugin_has_directories_of_its_own(#[case] tmp: &str) -> Result<()> {
    // It fails when it sees the machine's, or what an earlier trial has left, or not what lies beside it.
    let script = format!(
        "#!/bin/sh\n\
         PATH=/usr/bin:/bin\n\
         here=${{0%/*}}\n\
         [ ! -e /run/ovn-kubernetes ] && [ -e $here/sibling ] || exit 9\n\
         [ $CNI_COMMAND != VERSION ] || [ ! -e /run/written ] || exit 9\n\
         for dir in /run /var/run /var/lib/cni; do echo >> $dir/written || exit 9; done\n\
         exec '{}'\n",
        plugin("dpu-nic-placeholder")?.display()
    );
    let dir = tempfile::tempdir()?;
    let program = dir.path().join("written");
    put(&program, &script)?;
    let args =
        ["--plugin", "/var/lib/cni/bin/written", "--profile", "placeholder", "--only", "1,13,19,101,152"];
    let (output, report) = on_a_machine(&program, &args, tmp)?;
    untouched(&output)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said} {report}", output.status);
    Ok(())
}

#[test]
fn dpu_host_keeps_nothing_on_the_machine() -> Result<()> {
    let program = plugin("dpu-host")?;
    let args = ["--plugin", program.to_str().unwrap_or_default(), "--only", "88-105"];
    let (output, report) = on_a_machine(&program, &args, "/tmp")?;
    untouched(&output)?;
    ensure!(!report.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
