//! Plugins that write down how they are called: one in front of a real plugin, and one that stands for any other
//! plugin of a chain.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// One call of a plugin.
#[derive(Clone, Debug, Deserialize)]
pub struct Call {
    /// The plugin.
    pub plugin: String,
    /// `CNI_COMMAND`.
    pub command: String,
    /// `CNI_ARGS`.
    pub args: String,
    /// What came on its standard input.
    pub stdin: Value,
}

/// The calls that have been written to `record`, in order.
///
/// # Errors
/// When a call is none that [`in_front_of`] or [`stub`] writes.
pub(super) fn calls(record: &Path) -> Result<Vec<Call>> {
    if !record.exists() {
        return Ok(Vec::new());
    }
    let lines = fs::read_to_string(record)?;
    lines
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("recorded: {line}")))
        .collect()
}

/// Writes to `path` a plugin that records a call in `record` and becomes `plugin`.
pub(super) fn in_front_of(plugin: &Path, path: &Path, record: &Path) -> Result<()> {
    script(path, record, &format!("printf '%s' \"$stdin\" | {}", plugin.display()))
}

/// Writes to `path` a plugin that records a call in `record`, and on ADD prints the result that it was given, or one
/// with an interface of its own name.
pub(super) fn stub(path: &Path, record: &Path) -> Result<()> {
    // The library that runs plugins writes compact JSON, with prevResult as the last key but `type`.
    let answer = r#"[ "$CNI_COMMAND" = ADD ] || exit 0
version=$(printf '%s' "$stdin" | sed 's/.*"cniVersion":"\([^"]*\)".*/\1/')
previous=$(printf '%s' "$stdin" | sed -n 's/.*"prevResult":\(.*\),"type":.*/\1/p')
printf '%s' "${previous:-{\"cniVersion\":\"$version\",\"interfaces\":[{\"name\":\"stub0\"\}]\}}""#;
    script(path, record, answer)
}

fn script(path: &Path, record: &Path, then: &str) -> Result<()> {
    let name = path.file_name().context("a plugin without a name")?.to_string_lossy();
    let script = format!(
        r#"#!/bin/sh
stdin=$(cat)
printf '{{"plugin":"{name}","command":"%s","args":"%s","stdin":%s}}\n' "$CNI_COMMAND" "$CNI_ARGS" "$stdin" >>{record}
{then}
"#,
        record = record.display(),
    );
    let incomplete: PathBuf = path.with_extension("incomplete");
    fs::write(&incomplete, script)?;
    fs::set_permissions(&incomplete, fs::Permissions::from_mode(0o755))?;
    fs::rename(incomplete, path)?;
    Ok(())
}
