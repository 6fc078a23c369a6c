//! `--explain`, and the page that it writes.

use std::fs;

use anyhow::{Result, ensure};

use super::suite;

fn explained(which: &str) -> Result<String> {
    let output = suite().args(["--explain", which]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn the_page_is_what_the_checks_say() -> Result<()> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../CHECKS.md"))?;
    let says = explained("all")?;
    let other = page.lines().zip(says.lines()).find(|(page, says)| page != says);
    ensure!(page == says, "cni-conformance --explain all > conformance/CHECKS.md: {other:?}");
    Ok(())
}

#[test]
fn a_check_is_explained_as_on_the_page() -> Result<()> {
    let (page, section) = (explained("all")?, explained("103")?);
    assert!(page.contains(&section), "{section}");
    for part in [
        "### Check 103\n",
        "\n> ",
        "\n**What breaks.** ",
        "\n**How plugins get it wrong.** ",
        " --repeat 103`",
    ] {
        assert!(section.contains(part), "{part:?}: {section}");
    }
    assert_eq!(explained("check,1")?.matches("### Check ").count(), 7);
    Ok(())
}
