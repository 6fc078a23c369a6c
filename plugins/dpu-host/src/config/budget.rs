//! How long ovnkube-node goes on with a request, whoever hangs up.

use std::time::Duration;

use cni::NetConf;

use super::value::{brief, text};

/// The configuration's key, which it shares with the server.
const KEY: &str = "cniRequestTimeout";
/// Servers that do not know the key (`go-controller/pkg/cni/cniserver.go: kubeletDefaultCRIOperationTimeout`).
pub(crate) const LEAST: Duration = Duration::from_secs(120);
/// Beyond this a tenant only wants to keep a record for ever.
const MOST: Duration = Duration::from_secs(60 * 60);
/// The units of a Go duration (`time.ParseDuration`), in nanoseconds: `ms` before its parts.
const UNITS: [(&str, f64); 8] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];

/// What the configuration says, and never less than servers take that do not know the key.
pub(crate) fn of(conf: &NetConf) -> Duration {
    let Some(value) = conf.get(KEY) else { return LEAST };
    let given = value.as_str().and_then(parsed).filter(|given| *given <= MOST);
    if given.is_none() {
        let shown = brief(&text(value));
        log::warn!("{KEY} '{shown}' is no duration of at most an hour, such as 2m30s: 2m is used instead");
    }
    given.unwrap_or_default().max(LEAST)
}

/// A duration as Go writes it, such as `2m30s` or `1.5h`.
fn parsed(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanoseconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let (unit, size) = UNITS.iter().find(|(unit, _)| tail.starts_with(unit))?;
        nanoseconds += number.parse::<f64>().ok()? * size;
        rest = tail.strip_prefix(unit)?;
    }
    Duration::try_from_secs_f64(nanoseconds / 1e9).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, seconds) in [
            ("2m30s", 150.0),
            ("180s", 180.0),
            ("1.5h", 5400.0),
            ("+1h0m0.5s", 3600.5),
            ("1500ms", 1.5),
            ("2s3us", 2.000_003),
            ("1µs", 1e-6),
            ("0", 0.0),
            (".5m", 30.0),
        ] {
            let read = parsed(text).map(|read| read.as_secs_f64());
            assert!(read.is_some_and(|read| (read - seconds).abs() < 1e-9), "{text}: {read:?}");
        }
        for text in ["", "+", "-1m", "2", "2x", "m", "2m ", "1.2.3s", "2m30", "1d", "9".repeat(400).as_str()]
        {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn is_never_less_than_the_servers_own() {
        let of = |value: serde_json::Value| {
            let conf = serde_json::json!({"cniVersion": "1.1.0", "name": "n", "cniRequestTimeout": value});
            of(&NetConf::parse(conf.to_string().as_bytes()).unwrap()).as_secs()
        };
        assert_eq!(of("5m".into()), 300);
        for least in ["30s", "", "ten minutes", "2h", "-5m"] {
            assert_eq!(of(least.into()), 120, "{least}");
        }
        assert_eq!(of(300.into()), 120);
    }
}
