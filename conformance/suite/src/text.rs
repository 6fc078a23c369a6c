//! Making what plugins are sent and answer fit on a line.

/// The text, cut after `limit` characters.
pub(crate) fn brief(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// The text between quotation marks, with everything unprintable escaped, cut to a readable length.
pub(crate) fn quoted(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    let start: String = text.chars().take(60).collect();
    let rest = if start.len() < text.len() { format!("... ({} bytes)", text.len()) } else { String::new() };
    format!("{start:?}{rest}")
}

/// The text on one line, with single spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
