//! An administrator's words, and a pod's, as this plugin shows them.

use cni::event;

/// `text` fit for a pod's event, in ASCII; `None` if there is nothing to read in it then.
pub(crate) fn plain(text: &str) -> Option<String> {
    let line = event::plain(text).replace(|c: char| !c.is_ascii(), "?");
    line.contains(|c: char| c.is_ascii_alphanumeric()).then_some(line)
}

/// ASCII `text` in at most `longest` bytes, which are 8 or more. It loses its middle: names differ at their ends.
pub(crate) fn shorten(text: &str, longest: usize) -> String {
    const GAP: &str = "...";
    if text.len() <= longest {
        return text.to_owned();
    }
    let kept = longest.saturating_sub(GAP.len());
    let (head, tail) = (kept - kept / 2, kept / 2);
    format!("{}{GAP}{}", &text[..head], &text[text.len() - tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_of_ascii() {
        assert_eq!(plain(" a\t\"b\"\r\nc\u{2028}é \u{7}").as_deref(), Some("a 'b' c ?"));
        assert_eq!(plain("as it is: 'x' (y), 100%; z").as_deref(), Some("as it is: 'x' (y), 100%; z"));
        for nothing in ["", " \n", "...", "日本語"] {
            assert_eq!(plain(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn the_ends_of_a_long_name_stay() {
        assert_eq!(shorten("web-7d9f8c6b5d-x2x4z", 20), "web-7d9f8c6b5d-x2x4z");
        assert_eq!(shorten("web-frontend-7d9f8c6b5d-x2x4z", 20), "web-front...5d-x2x4z");
        assert_eq!(shorten(&"x".repeat(300), 21).len(), 21);
    }
}
