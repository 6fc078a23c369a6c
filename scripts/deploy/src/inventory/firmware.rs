//! What `mstconfig -e -d <function> q` prints: a key a line, with its default, its value now and its value after the next
//! power cycle. Which keys make a mode, and that only their words count, is the SR-IOV operator's
//! (`pkg/vendors/mellanox/mellanox.go`).

use std::collections::BTreeMap;

use super::document::{Firmware, Mode};

/// Key, word in DPU mode, word in NIC mode. A BlueField-3 needs the first only.
const KEYS: [(&str, &str, &str); 5] = [
    ("INTERNAL_CPU_OFFLOAD_ENGINE", "ENABLED", "DISABLED"),
    ("INTERNAL_CPU_MODEL", "EMBEDDED_CPU", "EMBEDDED_CPU"),
    ("INTERNAL_CPU_PAGE_SUPPLIER", "ECPF", "EXT_HOST_PF"),
    ("INTERNAL_CPU_ESWITCH_MANAGER", "ECPF", "EXT_HOST_PF"),
    ("INTERNAL_CPU_IB_VPORT0", "ECPF", "EXT_HOST_PF"),
];

/// A key's values.
struct Row<'a> {
    current: &'a str,
    next: &'a str,
}

/// Reads the answer; none when it is not one.
pub(super) fn parse(text: &str, device: &str) -> Option<Firmware> {
    let rows: BTreeMap<&str, Row<'_>> = text.lines().filter_map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let wanted = if device == "a2dc" { &KEYS[..1] } else { &KEYS[..] };
    let mode = |value: fn(&Row<'_>) -> String| {
        let all = |pick: fn(&(&str, &'static str, &'static str)) -> &'static str| {
            wanted.iter().all(|key| rows.get(key.0).is_some_and(|row| value(row) == pick(key)))
        };
        match (all(|key| key.1), all(|key| key.2)) {
            (true, _) => Mode::Dpu,
            (_, true) => Mode::Nic,
            _ => Mode::Unknown,
        }
    };
    let changed = rows.iter().filter(|(_, row)| row.current != row.next);
    Some(Firmware {
        mode: mode(|row| word(row.current)),
        next_mode: mode(|row| word(row.next)),
        num_of_vfs: rows.get("NUM_OF_VFS").and_then(|row| row.current.parse().ok()),
        pending: changed.map(|(key, _)| (*key).to_owned()).collect(),
    })
}

/// `*   KEY   default   current   next`: the star is where something else than the default is set.
fn row(line: &str) -> Option<(&str, Row<'_>)> {
    let mut words = line.split_whitespace().skip_while(|word| *word == "*");
    let key = words
        .next()
        .filter(|key| key.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))?;
    let (_, current, next) = (words.next()?, words.next()?, words.next()?);
    words.next().is_none().then_some((key, Row { current, next }))
}

/// `ENABLED(0)`: the number counts down from there, so that only the word says something.
fn word(value: &str) -> String {
    value.split('(').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(now: [&str; 5], next: &str) -> String {
        let [engine, model, pages, switch, port] = now;
        format!(
            "Device #1:\n----------\n\nDevice type:        BlueField2\nDevice:             0000:03:00.0\n\n\
             Configurations:                          Default          Current          Next Boot\n\
             \x20       INTERNAL_CPU_MODEL              EMBEDDED_CPU(1)  {model}(1)       {model}(1)\n\
             \x20       INTERNAL_CPU_PAGE_SUPPLIER      ECPF(0)          {pages}(0)       {pages}(0)\n\
             \x20       INTERNAL_CPU_ESWITCH_MANAGER    ECPF(0)          {switch}(0)      {switch}(0)\n\
             \x20       INTERNAL_CPU_IB_VPORT0          ECPF(0)          {port}(0)        {port}(0)\n\
             *       INTERNAL_CPU_OFFLOAD_ENGINE     ENABLED(0)       {engine}(0)      {next}(1)\n\
             *       NUM_OF_VFS                      16               46               46\n\
             The '*' shows parameters with next value different from default/current value.\n"
        )
    }

    const DPU: [&str; 5] = ["ENABLED", "EMBEDDED_CPU", "ECPF", "ECPF", "ECPF"];
    const NIC: [&str; 5] = ["DISABLED", "EMBEDDED_CPU", "EXT_HOST_PF", "EXT_HOST_PF", "EXT_HOST_PF"];

    #[test]
    fn the_words_of_all_keys_make_a_mode() {
        let firmware = parse(&text(DPU, "ENABLED"), "a2d6").expect("an answer");
        assert_eq!((firmware.mode, firmware.num_of_vfs), (Mode::Dpu, Some(46)));
        assert_eq!(firmware.pending, ["INTERNAL_CPU_OFFLOAD_ENGINE"], "the number changes");
        assert_eq!(parse(&text(NIC, "DISABLED"), "a2d6").expect("an answer").mode, Mode::Nic);
        let separated = ["ENABLED", "SEPARATED_HOST", "ECPF", "ECPF", "ECPF"];
        assert_eq!(parse(&text(separated, "ENABLED"), "a2d6").expect("an answer").mode, Mode::Unknown);
    }

    #[test]
    fn a_bluefield_3_needs_one_key_only() {
        let firmware = parse(&text(DPU, "DISABLED"), "a2dc").expect("an answer");
        assert_eq!((firmware.mode, firmware.next_mode), (Mode::Dpu, Mode::Nic));
        let firmware = parse(&text(DPU, "DISABLED"), "a2d6").expect("an answer");
        assert_eq!(firmware.next_mode, Mode::Unknown, "the other four say something else");
    }

    #[test]
    fn what_is_no_answer_is_none() {
        assert_eq!(parse("", "a2d6"), None);
        assert_eq!(parse("-E- Failed to open the device\n", "a2d6"), None);
    }
}
