//! Where a call belongs in a distributed trace: variables that runtimes pass to plugins (CNI's library since #1173, as W3C
//! Trace Context and Baggage define them). They are the caller's remarks, and no value of theirs is anybody's error.

use std::ffi::OsString;

/// The variables, in this order.
const KEYS: [&str; 3] = ["TRACEPARENT", "TRACESTATE", "BAGGAGE"];
/// The longest values that every participant has to pass on, in bytes (Trace Context 3.3.1.5, Baggage 3.3.2).
const LONGEST: [usize; 3] = [512, 512, 8192];

/// What is known of the trace: nothing where there is none, or what there is cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceContext(Vec<(&'static str, String)>);

impl TraceContext {
    /// That of this process.
    pub fn of_process() -> Self {
        Self::read(&|key| std::env::var_os(key))
    }

    /// Reads the variables. One that cannot be passed on is left out, and with the first the second, which is about it.
    pub(crate) fn read(get: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let value = |place: usize| {
            let text = get(KEYS[place])?.into_string().ok()?;
            let fits = (1..=LONGEST[place]).contains(&text.len());
            (fits && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))).then_some((KEYS[place], text))
        };
        let parent = value(0).filter(|(_, text)| trace_id(text).is_some());
        let state = parent.is_some().then(|| value(1)).flatten();
        Self(parent.into_iter().chain(state).chain(value(2)).collect())
    }

    /// The trace's ID, 32 hexadecimal digits.
    pub fn id(&self) -> Option<&str> {
        self.0.iter().find(|(key, _)| *key == KEYS[0]).and_then(|(_, parent)| trace_id(parent))
    }

    /// Keys and values, for whoever is called next.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(key, value)| (*key, value.as_str()))
    }
}

/// The ID of the trace that a `traceparent` names: `00-<trace>-<parent>-<flags>`; a later version may go on.
fn trace_id(parent: &str) -> Option<&str> {
    let parts: Vec<&str> = parent.split('-').collect();
    let hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_id = |text: &str, digits| hex(text, digits) && text.bytes().any(|digit| digit != b'0');
    match parts.as_slice() {
        [version, trace, span, flags, rest @ ..]
            if hex(version, 2)
                && *version != "ff"
                && is_id(trace, 32)
                && is_id(span, 16)
                && hex(flags, 2)
                && (*version != "00" || rest.is_empty()) =>
        {
            Some(trace)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(parent: &str, state: &str, baggage: &str) -> TraceContext {
        let values = [parent, state, baggage];
        TraceContext::read(&|key| {
            KEYS.iter().position(|known| *known == key).map(|place| values[place].into())
        })
    }

    #[test]
    fn passes_on_what_can_be_read() {
        let context = read(PARENT, "vendor=1", "user=anna");
        assert_eq!(context.id(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        let expected = [(KEYS[0], PARENT), (KEYS[1], "vendor=1"), (KEYS[2], "user=anna")];
        assert_eq!(context.variables().collect::<Vec<_>>(), expected);
        assert_eq!(TraceContext::read(&|_| None), TraceContext::default());
    }

    #[test]
    fn a_parent_that_is_none_takes_its_state_along() {
        let zeros = "0".repeat(32);
        for parent in [
            "",
            "00",
            "hello",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            &PARENT[..54],
            &format!("{PARENT}-more"),
            &PARENT.replacen("00-", "ff-", 1),
            &format!("00-{zeros}-00f067aa0ba902b7-01"),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            &format!("{PARENT}\n"),
        ] {
            let context = read(parent, "vendor=1", "user=anna");
            assert_eq!(context.id(), None, "{parent}");
            assert_eq!(context.variables().collect::<Vec<_>>(), [(KEYS[2], "user=anna")], "{parent}");
        }
        assert!(read(&format!("{}-more", PARENT.replacen("00-", "01-", 1)), "", "").id().is_some());
    }

    #[test]
    fn what_is_too_long_or_no_text_is_left_out() {
        for value in ["x".repeat(8193).as_str(), "a\u{e9}", "a\nb", "a\0b"] {
            assert_eq!(read(PARENT, value, value).variables().count(), 1, "{value:?}");
        }
    }
}
