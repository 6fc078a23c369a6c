//! `dpu-host vfs --restore`: every pod of the node gets the VFs back that it has lost, as after a reset of the card.

use std::collections::BTreeMap;
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
/// How long until ovnkube-node is asked again: the first time, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(400));

/// What has come of one VF of a pod.
#[derive(Serialize)]
struct Line {
    device: String,
    pod: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Gives all that can be given back, and says what has come of each.
pub(super) fn run(nodes: &[Node], what: &Restore) -> Result<String, Error> {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = PAUSES.0;
    let mut lines: BTreeMap<(String, String), Line> = BTreeMap::new();
    loop {
        let (mut restored, mut waits) = (false, false);
        for node in nodes {
            pass(node, |record, device, outcome| {
                // One that is lost again and again keeps nobody here.
                restored |= note(&mut lines, &record.pod.to_string(), &device.to_string(), outcome);
                waits |= matches!(outcome, Outcome::Waits(Wait::Lease(_) | Wait::Kubelet(_) | Wait::Call));
            })?;
        }
        // A function that has come meanwhile has perhaps not been seen.
        if restored && Instant::now() < deadline {
            continue;
        }
        if !(waits && what.wait && Instant::now() < deadline) {
            break;
        }
        thread::sleep(pause);
        pause = PAUSES.1.min(pause * 2);
    }
    let lines: Vec<&Line> = lines.values().collect();
    if what.json {
        return Ok(serde_json::to_string_pretty(&lines).unwrap_or_default());
    }
    Ok(if lines.is_empty() { "no pod has a VF of this node".to_owned() } else { table(&lines) })
}

/// Does what can be done for every attachment, and tells of each VF what has come of it.
fn pass(node: &Node, mut tell: impl FnMut(&Record, &DeviceId, &Outcome)) -> Result<(), Error> {
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
        for (id, outcome) in &outcomes {
            tell(&record, id, outcome);
        }
    }
    Ok(())
}

/// Keeps what there is to say of a VF: of one that was restored in this run and is found in its pod later, that it was.
/// Whether that was not known yet.
fn note(lines: &mut BTreeMap<(String, String), Line>, pod: &str, device: &str, outcome: &Outcome) -> bool {
    let (word, note) = match outcome {
        Outcome::There => ("there", None),
        Outcome::Restored(_) => ("restored", None),
        Outcome::WithoutCarrier => ("waits", Some("for its card, which has not connected it".to_owned())),
        Outcome::Waits(wait) => ("waits", Some(format!("for {wait}"))),
        Outcome::Cannot(why) => ("cannot", Some(why.clone())),
    };
    if let Outcome::Restored(remark) = outcome {
        eprintln!("dpu-host: pod {pod} has VF {device} back, which it had lost ({remark})");
    }
    let key = (pod.to_owned(), device.to_owned());
    let before = lines.get(&key).map(|line| line.outcome);
    let word = if word == "there" && before == Some("restored") { "restored" } else { word };
    let (device, pod) = (device.to_owned(), pod.to_owned());
    lines.insert(key, Line { device, pod, outcome: word, note });
    word == "restored" && before != Some("restored")
}

fn table(lines: &[&Line]) -> String {
    let row = |line: &&Line| {
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
