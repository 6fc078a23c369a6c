//! The CNI project's plugins are checked without a configuration: the suite knows what each of them needs.

use anyhow::{Context, Result};
use rstest::rstest;

use super::controls::current;
use super::{Report, suite};

/// With checks that it passes only where it attaches something.
#[rstest]
#[case::makes_all_itself("bridge", "spec", &[88, 96, 101])]
#[case::moves_a_device("host-device", "spec", &[88, 96, 97])]
#[case::has_one_name_only("loopback", "spec", &[88, 101])]
#[case::gives_addresses("host-local", "ipam", &[88, 94, 101])]
fn needs_no_configuration(#[case] kind: &str, #[case] profile: &str, #[case] checks: &[u64]) -> Result<()> {
    let only = checks.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    let program = current()?.join(kind);
    let program = program.to_str().context("a path in UTF-8")?;
    let report = Report::of(["--plugin", program, "--only", &only])?;
    let odd: Vec<_> = report.rows("fail").chain(report.rows("skip")).collect();
    assert!(odd.is_empty(), "{odd:#?}");
    assert_eq!(report.json["configuration"], "built in");
    assert_eq!(report.json["profile"], profile);
    Ok(())
}

#[rstest]
#[case::gives_addresses("host-local", 96)]
#[case::is_not_its_own("tuning", 114)]
fn is_not_held_to_what_others_do(#[case] kind: &str, #[case] check: u64) -> Result<()> {
    // A stand-in is enough: nothing is called.
    let dir = tempfile::tempdir()?;
    let program = dir.path().join(kind);
    std::fs::copy(testkit::binaries::plugin("dpu-nic-placeholder")?, &program)?;
    let program = program.to_str().context("a path in UTF-8")?;
    let report = Report::of(["--plugin", program, "--only", &format!("1,{check}")])?;
    let skipped: Vec<_> = report.rows("skip").collect();
    assert_eq!(skipped.len(), 1, "{}", report.json);
    let reason = skipped[0]["remark"].as_str().unwrap_or_default();
    assert!(reason.starts_with("overridden by SPEC "), "{reason}");
    Ok(())
}

#[test]
fn dhcp_is_refused_with_the_reason() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let program = dir.path().join("dhcp");
    std::fs::copy(testkit::binaries::plugin("dpu-nic-placeholder")?, &program)?;
    let output = suite().arg("--plugin").arg(&program).output()?;
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr)?;
    assert!(said.contains("dhcp wants its daemon and a DHCP server"), "{said}");
    Ok(())
}
