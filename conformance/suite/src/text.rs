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

/// Text of single spaces on lines of at most so many characters; a longer word has a line of its own.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The text on one line, with single spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_long_as_they_may_be() {
        assert_eq!(wrapped("one two three fourteen", 7), ["one two", "three", "fourteen"]);
        assert_eq!(wrapped("\u{fc}ber uns", 8), ["\u{fc}ber uns"]);
    }
}
