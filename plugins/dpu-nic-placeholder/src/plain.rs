//! Text that reaches a pod's event unharmed, and sets nothing off on its way there.

/// What programs on the way look for in an error: the kubelet retries ten times as often after the first;
/// go-cni and Multus take the others for a container that is gone.
const TRIGGERS: [&str; 3] = ["network is not ready", "not found", "no such file or directory"];

/// How much of a text is looked at, in characters: more than any name has, or any sentence shows.
const LONGEST: usize = 1024;

/// `text` in one line of ASCII without double quotes, which runtimes escape, and with hyphens inside the
/// phrases that programs match on; `None` if there is nothing to read in it then.
pub(crate) fn plain(text: &str) -> Option<String> {
    let text: String = text.chars().take(LONGEST).collect();
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().map(|c| match c {
            '"' => '\'',
            c if c.is_ascii() => c,
            _ => '?',
        }));
    }
    disarm(&mut line);
    line.contains(|c: char| c.is_ascii_alphanumeric()).then_some(line)
}

fn disarm(line: &mut String) {
    for trigger in TRIGGERS {
        while let Some(at) = line.to_ascii_lowercase().find(trigger) {
            let harmless = line[at..at + trigger.len()].replace(' ', "-");
            line.replace_range(at..at + trigger.len(), &harmless);
        }
    }
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
    fn no_trigger_survives() {
        assert_eq!(plain("Network  is\nNOT ready").as_deref(), Some("Network-is-NOT-ready"));
        assert_eq!(plain("not found, not found").as_deref(), Some("not-found, not-found"));
        assert_eq!(plain("No such file or directory").as_deref(), Some("No-such-file-or-directory"));
        assert_eq!(plain("not not found found").as_deref(), Some("not not-found found"));
    }

    #[test]
    fn the_ends_of_a_long_name_stay() {
        assert_eq!(shorten("web-7d9f8c6b5d-x2x4z", 20), "web-7d9f8c6b5d-x2x4z");
        assert_eq!(shorten("web-frontend-7d9f8c6b5d-x2x4z", 20), "web-front...5d-x2x4z");
        assert_eq!(shorten(&"x".repeat(300), 21).len(), 21);
    }
}
