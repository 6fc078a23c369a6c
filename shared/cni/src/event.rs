//! Text that reaches a pod's event unharmed, and sets nothing off on its way there.

/// What programs on the way look for in an error: the kubelet retries ten times as often after the first;
/// go-cni and Multus take the others for a container that is gone.
const TRIGGERS: [&str; 3] = ["network is not ready", "not found", "no such file or directory"];

/// How much of a text is looked at, in characters: more than any name has, or any sentence shows.
const LONGEST: usize = 1024;

/// Foreign words in one line: single blanks, no double quotes, which runtimes escape, and hyphens inside the phrases
/// that programs match on. What is after 1024 characters is left out.
pub fn plain(text: &str) -> String {
    let text: String = text.chars().take(LONGEST).collect();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut line = words.collect::<Vec<_>>().join(" ").replace('"', "'");
    for trigger in TRIGGERS {
        while let Some(at) = line.to_ascii_lowercase().find(trigger) {
            let harmless = line[at..at + trigger.len()].replace(' ', "-");
            line.replace_range(at..at + trigger.len(), &harmless);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_line() {
        assert_eq!(plain(" a\t\"b\"\r\nc\u{2028}é \u{7}"), "a 'b' c é");
        assert_eq!(plain("as it is: 'x' (y), 100%; z"), "as it is: 'x' (y), 100%; z");
        assert_eq!(plain(" \n"), "");
        assert_eq!(plain(&"x".repeat(5000)).len(), LONGEST);
    }

    #[test]
    fn no_trigger_survives() {
        assert_eq!(plain("é: Network  is\nNOT ready"), "é: Network-is-NOT-ready");
        assert_eq!(plain("not found, not found"), "not-found, not-found");
        assert_eq!(plain("No such file or directory"), "No-such-file-or-directory");
        assert_eq!(plain("not not found found"), "not not-found found");
    }
}
