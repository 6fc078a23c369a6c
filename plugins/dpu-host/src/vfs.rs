//! `dpu-host vfs`, run by hand: every VF of the node, where it is and whose, and whether that is as recorded.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use cni::{Error, paths};
use linux::{Link, Mac};
use serde::Serialize;

use crate::attachment::{Held, Record, Stage};
use crate::device::DeviceId;
use crate::drift::is_drifted;
use crate::node::{Node, Sandbox};
use crate::store::{age, now};
use crate::vf;
use crate::vfio;

/// What a person is told who asks for something else.
pub(crate) const USAGE: &str =
    "usage: dpu-host vfs [--json | --prometheus | --drained] [--state-dir DIR], as root";
/// Exit status when the question cannot be answered; 1 is the answer that the node is not drained.
pub(crate) const UNKNOWN: u8 = 2;

/// What a VF is to the node.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// At home, nobody's.
    Free,
    /// A living pod's.
    Used,
    /// A living pod's, and not in it: the card was reset, or somebody took it.
    Lost,
    /// Neither at home nor a living pod's, or at home with the marks of a pod on it.
    Leaked,
    /// At home, under another name, while another link has its own.
    Waiting,
}

/// One VF.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    device: String,
    pf: Option<String>,
    name: Option<String>,
    mac: Option<Mac>,
    /// `host`, `pod`, `vfio` or `unknown`.
    place: &'static str,
    state: State,
    pod: Option<String>,
    container: Option<String>,
    netns: Option<String>,
    /// Seconds since 1970.
    since: Option<u64>,
    as_recorded: bool,
    /// What is wrong, if anything is.
    note: Option<String>,
}

/// Prints the inventory.
pub(crate) fn main(args: &[String]) -> ExitCode {
    let mut format: fn(&[Row]) -> Result<String, String> = table;
    let mut state_dir = None;
    let mut rest = args;
    while let Some((arg, others)) = rest.split_first() {
        rest = others;
        match (arg.as_str(), others.split_first()) {
            ("--json", _) => format = json,
            ("--prometheus", _) => format = prometheus,
            ("--drained", _) => format = drained,
            ("--state-dir", Some((dir, others))) => {
                state_dir = Some(dir);
                rest = others;
            }
            ("--help" | "-h", _) => return say(USAGE),
            _ => return complain(USAGE, UNKNOWN),
        }
    }
    match look(state_dir.map(String::as_str)) {
        Ok(rows) => format(&rows).map_or_else(|text| complain(&text, 1), |text| say(text.trim_end())),
        Err(text) => complain(&text, UNKNOWN),
    }
}

/// The inventory. That of a directory which was named needs that directory.
fn look(state_dir: Option<&str>) -> Result<Vec<Row>, String> {
    let dir = paths::rooted(Path::new(state_dir.unwrap_or(crate::config::STATE_DIR)));
    if state_dir.is_some() && !dir.is_dir() {
        return Err(format!("{} is no directory", dir.display()));
    }
    if !nix::unistd::geteuid().is_root() {
        return Err("only root can see whose VFs are: run this as root".to_owned());
    }
    Node::by_hand(&dir).and_then(|node| inventory(&node)).map_err(|error| error.to_string())
}

fn say(text: &str) -> ExitCode {
    match writeln!(io::stdout().lock(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

pub(crate) fn complain(text: &str, status: u8) -> ExitCode {
    eprintln!("dpu-host: {text}");
    ExitCode::from(status)
}

/// Every VF that sysfs or a record knows, by device.
fn inventory(node: &Node) -> Result<Vec<Row>, Error> {
    let in_sysfs = node.sysfs.vfs().unwrap_or_default().into_iter().map(DeviceId::Pci);
    let mut ids: BTreeSet<DeviceId> = in_sysfs.collect();
    if let Some(store) = node.existing_store()? {
        let records = store.files().into_iter().filter_map(|file| store.read_or_warn(&file));
        ids.extend(records.flat_map(|record| record.devices).map(|held| held.id));
    }
    ids.into_iter().map(|id| row(node, id)).collect()
}

fn row(node: &Node, id: DeviceId) -> Result<Row, Error> {
    let store = node.existing_store()?;
    let record = store.and_then(|store| store.holder(&id));
    let held = record.as_ref().and_then(|record| record.devices.iter().find(|held| held.id == id));
    let inside = match (&record, held) {
        (Some(record), Some(held)) => seen_in_pod(record, held),
        _ => None,
    };
    let vfio = vfio::is_vfio(node, &id);
    let link = match inside.clone() {
        Some(link) => Some(link),
        None => match held {
            Some(held) => vf::at_home(node, held)?,
            None => vf::on_host(node, &id)?,
        },
    };
    let place = match (&inside, &link) {
        (Some(_), _) => "pod",
        (None, Some(_)) => "host",
        (None, None) if vfio => "vfio",
        (None, None) => "unknown",
    };
    let unreadable = store.filter(|_| record.is_none()).and_then(|store| store.unreadable(&id));
    let (state, note) = match unreadable {
        // Away, or not to be seen, and nobody knows whose: not nobody's.
        Some(error) if place != "host" => (State::Used, Some(error.to_string())),
        _ => judge(record.as_ref(), held, place, link.as_ref()),
    };
    Ok(Row {
        pf: match &id {
            DeviceId::Pci(address) => node.sysfs.pf(address).map(|pf| pf.to_string()),
            DeviceId::Sf(_) | DeviceId::Netdev(_) => None,
        },
        device: id.to_string(),
        name: link.as_ref().map(|link| link.name.clone()),
        mac: link.as_ref().and_then(|link| link.mac),
        place,
        state,
        pod: record.as_ref().map(|record| record.pod.to_string()),
        container: record.as_ref().map(|record| record.attachment.container.clone()),
        netns: record.as_ref().map(|record| record.netns.to_string_lossy().into_owned()),
        since: record.as_ref().map(|record| record.since),
        as_recorded: note.is_none(),
        note,
    })
}

fn seen_in_pod(record: &Record, held: &Held) -> Option<Link> {
    let sandbox = record.namespace_lives().then(|| Sandbox::open(&record.netns).ok()).flatten()?;
    vf::in_pod(&sandbox, held).ok().flatten()
}

/// What a VF is, and what is wrong with it.
fn judge(
    record: Option<&Record>,
    held: Option<&Held>,
    place: &str,
    link: Option<&Link>,
) -> (State, Option<String>) {
    let (Some(record), Some(held)) = (record, held) else {
        return match (place, link) {
            ("unknown", _) => (State::Leaked, Some("it is not on the host, and no record says where".into())),
            (_, Some(link)) if is_drifted(&link.name) => {
                (State::Leaked, Some(format!("{} is no name of the host's", link.name)))
            }
            _ => (State::Free, None),
        };
    };
    if record.stage == Stage::Released {
        let waits = place == "host";
        let note = if waits { "it waits for its name" } else { "its pod is gone, and it has not come home" };
        return (if waits { State::Waiting } else { State::Leaked }, Some(note.into()));
    }
    if !record.namespace_lives() {
        return (State::Leaked, Some("its pod is gone".into()));
    }
    match (record.stage, held.inside, link) {
        (Stage::Attached, Some(inside), Some(link)) if place == "pod" => {
            let found = [
                (link.mac != inside.mac, "its MAC is not the one it was given"),
                (link.mtu != inside.mtu, "its MTU is not the one it was given"),
                (!link.up, "it is down"),
                (!link.carrier, "it has no carrier: the card has not connected it"),
            ];
            let note = found.into_iter().find_map(|(differs, what)| differs.then_some(what));
            (State::Used, note.map(str::to_owned))
        }
        (Stage::Attached, Some(_), _) => (State::Lost, Some("it is not in its pod: delete that".into())),
        _ => (State::Used, None),
    }
}

/// Whether the card may be rebooted now: what pods would lose is an error. A VF that is away without a record is some
/// pod's too, which another plugin attached.
fn drained(rows: &[Row]) -> Result<String, String> {
    let away =
        rows.iter().filter(|row| row.state == State::Used || row.place == "unknown" && row.pod.is_none());
    let names: Vec<String> = away
        .map(|row| format!("{} ({})", row.device, row.pod.as_deref().unwrap_or("whose is not known")))
        .collect();
    if names.is_empty() {
        Ok("no pod has a VF of this node".to_owned())
    } else {
        Err(format!("pods have VFs of this node: {}", names.join(", ")))
    }
}

fn table(rows: &[Row]) -> Result<String, String> {
    let head = ["VF", "PF", "NAME", "MAC", "WHERE", "STATE", "POD", "SINCE", "NOTE"].map(str::to_owned);
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let lines: Vec<[String; 9]> = std::iter::once(head)
        .chain(rows.iter().map(|row| {
            [
                row.device.clone(),
                dash(row.pf.clone()),
                dash(row.name.clone()),
                dash(row.mac.map(|mac| mac.to_string())),
                row.place.to_owned(),
                state(row.state).to_owned(),
                dash(row.pod.clone()),
                dash(row.since.map(age)),
                row.note.clone().unwrap_or_default(),
            ]
        }))
        .collect();
    let widths: Vec<usize> =
        (0..9).map(|at| lines.iter().map(|line| line[at].len()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "{}", padded.join("  ").trim_end());
    }
    Ok(text)
}

fn json(rows: &[Row]) -> Result<String, String> {
    serde_json::to_string_pretty(rows).map_err(|error| error.to_string())
}

/// For the node exporter's textfile collector.
fn prometheus(rows: &[Row]) -> Result<String, String> {
    let mut text = String::from(
        "# HELP dpu_cni_vfs Virtual functions of this node by state.\n# TYPE dpu_cni_vfs gauge\n",
    );
    for wanted in [State::Free, State::Used, State::Lost, State::Leaked, State::Waiting] {
        let count = rows.iter().filter(|row| row.state == wanted).count();
        let _ = writeln!(text, "dpu_cni_vfs{{state=\"{}\"}} {count}", state(wanted));
    }
    text.push_str("# HELP dpu_cni_vf_attached_seconds How long a pod has had the VF.\n# TYPE dpu_cni_vf_attached_seconds gauge\n");
    for row in rows {
        if let (State::Used, Some(since), Some(pod)) = (row.state, row.since, &row.pod) {
            let _ = writeln!(
                text,
                "dpu_cni_vf_attached_seconds{{device=\"{}\",pod=\"{}\"}} {}",
                row.device,
                label(pod),
                now().saturating_sub(since)
            );
        }
    }
    text.push_str("# HELP dpu_cni_vf_as_recorded Whether the VF is as its record says.\n# TYPE dpu_cni_vf_as_recorded gauge\n");
    for row in rows {
        let _ = writeln!(
            text,
            "dpu_cni_vf_as_recorded{{device=\"{}\"}} {}",
            row.device,
            u8::from(row.as_recorded)
        );
    }
    Ok(text)
}

/// A label's value in the exposition format: one bad line and the collector drops the whole file.
fn label(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}

fn state(state: State) -> &'static str {
    match state {
        State::Free => "free",
        State::Used => "used",
        State::Lost => "lost",
        State::Leaked => "leaked",
        State::Waiting => "waiting",
    }
}
