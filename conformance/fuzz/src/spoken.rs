//! What a person is shown.

/// Whether a text fits into a pod's event: one line, not empty, of a bounded length.
pub fn is_one_line(text: &str) -> bool {
    !text.is_empty() && text.len() <= 2 * 4096 + 2 && !text.contains(char::is_control)
}
