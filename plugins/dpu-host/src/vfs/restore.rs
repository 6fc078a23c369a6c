//! `dpu-host vfs --restore`: every pod of the node gets the VFs back that it has lost, as after a reset of the card.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use cni::Error;
use serde::Serialize;

use super::options::Restore;
use super::show;
use crate::device::DeviceId;
use crate::node::Node;
use crate::pod::witness::Witnesses;
use crate::record::attachment::{Held, Record};
use crate::record::restore::{self, Advice, Outcome, Wait};
use crate::verbs::del::BUDGET;

/// How long the card's lease is waited for.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long the card may take to connect what was restored. It needs no time, and drivers look every two seconds.
const CONNECTING: Duration = Duration::from_secs(3);
/// How long until it is looked again: the first time, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(400));

/// Exit status when a VF is lost that nothing gives back.
const CANNOT: u8 = 1;
/// Exit status when one is lost that will be given back once something else has come.
const WAITS: u8 = 3;

/// A pod and one of its VFs.
type Key = (String, String);

/// What was seen of all VFs.
#[derive(Default)]
struct Seen {
    /// When they were last looked at.
    last: BTreeMap<Key, Outcome>,
    /// Those that were given back since the first look.
    restored: BTreeSet<Key>,
}

/// What has come of one VF of a pod.
#[derive(Serialize)]
struct Line {
    device: String,
    pod: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Gives all that can be given back, and says what has come of each, and with which exit status that is to end.
pub(super) fn run(nodes: &[Node], what: &Restore) -> Result<(String, u8), Error> {
    let deadline = Instant::now() + PATIENCE;
    let mut connected_by = Instant::now();
    let mut pause = PAUSES.0;
    let mut seen = Seen::default();
    loop {
        let news = seen.look(nodes)?;
        let now = Instant::now();
        // A function that has come meanwhile has perhaps not been seen.
        if news && now < deadline {
            connected_by = now + CONNECTING;
            continue;
        }
        let is_awaited = |(key, outcome): (&Key, &Outcome)| match outcome {
            Outcome::Waits(Wait::Lease(_) | Wait::Kubelet(_) | Wait::Call) => what.wait && now < deadline,
            Outcome::WithoutCarrier => seen.restored.contains(key) && now < connected_by,
            _ => false,
        };
        if !seen.last.iter().any(is_awaited) {
            break;
        }
        thread::sleep(pause);
        pause = PAUSES.1.min(pause * 2);
    }
    let (lines, status) = (seen.lines(), seen.status());
    for line in &lines {
        line.complain();
    }
    Ok((
        if what.json { serde_json::to_string_pretty(&lines).unwrap_or_default() } else { table(&lines) },
        status,
    ))
}

impl Seen {
    /// Looks at all of them, and gives back what can be; whether one was that had not been before: one that is lost again
    /// and again keeps nobody here.
    fn look(&mut self, nodes: &[Node]) -> Result<bool, Error> {
        let mut news = false;
        // A pod may have been deleted since.
        self.last.clear();
        for node in nodes {
            pass(node, |record, device, outcome| {
                news |= self.note(record.pod.to_string(), device.to_string(), outcome);
            })?;
        }
        Ok(news)
    }

    fn note(&mut self, pod: String, device: String, outcome: Outcome) -> bool {
        let key = (pod, device);
        let mut news = false;
        if let Outcome::Restored(remark) = &outcome {
            eprintln!("dpu-host: pod {} has VF {} back, which it had lost ({remark})", key.0, key.1);
            news = self.restored.insert(key.clone());
        }
        self.last.insert(key, outcome);
        news
    }

    fn lines(&self) -> Vec<Line> {
        let line = |(key, outcome): (&Key, &Outcome)| {
            let restored = self.restored.contains(key);
            let (outcome, note) = match outcome {
                Outcome::There if !restored => ("there", None),
                Outcome::There | Outcome::Restored(_) => ("restored", None),
                Outcome::WithoutCarrier => {
                    let since = if restored { " since it was restored" } else { "" };
                    ("waits", Some(format!("for its card, which has not connected it{since}")))
                }
                Outcome::Waits(wait) => ("waits", Some(format!("for {wait}"))),
                Outcome::Cannot(why) => ("cannot", Some(why.clone())),
            };
            let (pod, device) = key.clone();
            Line { device, pod, outcome, note }
        };
        self.last.iter().map(line).collect()
    }

    fn status(&self) -> u8 {
        let of = |outcome: &Outcome| match outcome {
            Outcome::There | Outcome::Restored(_) => 0,
            Outcome::WithoutCarrier | Outcome::Waits(_) => WAITS,
            Outcome::Cannot(_) => CANNOT,
        };
        let all: BTreeSet<u8> = self.last.values().map(of).collect();
        // What somebody has to do something about goes before what passes.
        [CANNOT, WAITS].into_iter().find(|status| all.contains(status)).unwrap_or(0)
    }
}

impl Line {
    /// For the journal, if the pod does not have it.
    fn complain(&self) {
        let Line { device, pod, outcome, note } = self;
        if let Some(note) = note {
            eprintln!("dpu-host: VF {device} of pod {pod} {outcome}: {note}");
        }
    }
}

/// Does what can be done for every attachment, and tells of each VF what has come of it.
fn pass(node: &Node, mut tell: impl FnMut(&Record, DeviceId, Outcome)) -> Result<(), Error> {
    let Some(store) = node.existing_store()? else { return Ok(()) };
    let witnesses = Witnesses::new(node, Instant::now() + BUDGET);
    let advice = Advice::new(node, &witnesses, Instant::now() + BUDGET);
    let mut records: Vec<(PathBuf, Record)> = store
        .files()
        .into_iter()
        .filter_map(|file| Some((file.clone(), store.read_or_warn(&file)?)))
        .collect();
    // The routes of a later interface of a pod lead over the earlier ones of its network, too.
    records.sort_by_key(|(_, record)| record.began);
    for (file, record) in records {
        let all = |why: String| -> Vec<(DeviceId, Outcome)> {
            let cannot = |held: &Held| (held.id.clone(), Outcome::Cannot(why.clone()));
            record.devices.iter().map(cannot).collect()
        };
        let outcomes = if restore::is_due(node, &record) && witnesses.miss(store, &record) {
            all("its pod is gone, and its sandbox is left: dpu-host vfs --release".to_owned())
        } else {
            let done = restore::run(&advice, &record, &file, Instant::now() + BUDGET);
            done.unwrap_or_else(|error| all(error.to_string()))
        };
        for (id, outcome) in outcomes {
            tell(&record, id, outcome);
        }
    }
    Ok(())
}

fn table(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "no pod has a VF of this node".to_owned();
    }
    let row = |line: &Line| {
        [
            line.device.clone(),
            line.pod.clone(),
            line.outcome.to_owned(),
            line.note.clone().unwrap_or_default(),
        ]
    };
    let head = ["VF", "POD", "STATE", "NOTE"].map(str::to_owned);
    let mut text = String::new();
    for line in show::aligned(std::iter::once(head).chain(lines.iter().map(row)).collect()) {
        let _ = writeln!(text, "{line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a VF in the end that was seen so, look by look, and the exit status.
    fn said(outcomes: &[Outcome]) -> (&'static str, String, u8) {
        let mut seen = Seen::default();
        for outcome in outcomes {
            seen.note("web/web-0".to_owned(), "0000:03:00.2".to_owned(), outcome.clone());
        }
        let Line { outcome, note, .. } = seen.lines().remove(0);
        (outcome, note.unwrap_or_default(), seen.status())
    }

    #[test]
    fn what_was_restored_is_said_whatever_is_seen_later() {
        use Outcome::{There, Waits, WithoutCarrier};
        let restored = || Outcome::Restored(String::new());
        let nothing = String::new;
        assert_eq!(said(&[There]), ("there", nothing(), 0));
        assert_eq!(said(&[Waits(Wait::Function), There]), ("there", nothing(), 0));
        assert_eq!(said(&[restored(), There]), ("restored", nothing(), 0));
        assert_eq!(said(&[restored(), WithoutCarrier, There]), ("restored", nothing(), 0));
        let (word, note, status) = said(&[restored(), WithoutCarrier]);
        assert!(word == "waits" && note.ends_with("since it was restored") && status == 3, "{word} {note}");
        let (word, note, status) = said(&[WithoutCarrier]);
        assert!(word == "waits" && note.ends_with("has not connected it") && status == 3, "{word} {note}");
    }

    #[test]
    fn what_nothing_mends_goes_before_what_passes() {
        let mut seen = Seen::default();
        assert_eq!((seen.status(), table(&seen.lines())), (0, "no pod has a VF of this node".to_owned()));
        let outcomes = [Outcome::There, Outcome::Waits(Wait::Call), Outcome::Cannot("why".to_owned())];
        for (at, (outcome, status)) in outcomes.into_iter().zip([0, WAITS, CANNOT]).enumerate() {
            seen.note("web/web-0".to_owned(), at.to_string(), outcome);
            assert_eq!(seen.status(), status);
        }
    }

    #[test]
    fn one_that_is_lost_again_and_again_is_news_once() {
        let mut seen = Seen::default();
        let restored = || Outcome::Restored(String::new());
        let mut note = |outcome| seen.note("web/web-0".to_owned(), "0000:03:00.2".to_owned(), outcome);
        assert!(note(restored()));
        assert!(!note(Outcome::WithoutCarrier) && !note(restored()));
    }
}
