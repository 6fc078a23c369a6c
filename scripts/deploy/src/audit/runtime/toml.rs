//! The files that both runtimes are configured by.

use ::toml::{Table, Value};

use crate::audit::finding::Findings;
use crate::tree::Tree;

/// A file of a runtime that does not start while one of its files is broken.
pub(super) fn table(tree: &Tree, path: &str, findings: &mut Findings) -> Option<Table> {
    let parsed = tree
        .read(path)
        .map_err(|error| error.to_string())
        .and_then(|text| text.parse::<Table>().map_err(|error| error.message().to_owned()));
    parsed
        .map_err(|error| {
            findings.error("runtime", format!("{path}: {error}"), "mend the file, then restart the runtime");
        })
        .ok()
}

pub(super) fn at<'a>(table: &'a Table, keys: &[&str]) -> Option<&'a Table> {
    keys.iter().try_fold(table, |table, key| table.get(*key)?.as_table())
}

/// A directory, or another word; none where there is no text, or an empty one.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let trimmed = if text.len() > 1 { text.trim_end_matches('/') } else { text };
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}
