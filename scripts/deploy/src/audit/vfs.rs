//! Virtual functions against records: free, in use, leaked, misnamed.
//!
//! On the node itself `dpu-host vfs` knows best. In a copy of its files there is less to see: where sysfs has a VF's
//! network device, the VF is at home; which name it should have there, its record knows.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use super::finding::Findings;
use crate::known::STATE;
use crate::tree::Tree;

/// A row of `dpu-host vfs --json`, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) device: String,
    #[serde(default)]
    name: Option<String>,
    /// `free`, `used`, `lost`, `leaked`, `waiting`, `orphaned` or `foreign`.
    pub(crate) state: String,
    #[serde(default)]
    pod: Option<String>,
    #[serde(default)]
    note: Option<String>,
}

impl Row {
    /// `namespace/name` of the pod that it is recorded for.
    pub(crate) fn pod(&self) -> &str {
        self.pod.as_deref().unwrap_or("that nobody knows")
    }

    /// A pod's, living or gone: nothing brings it home by itself.
    pub(crate) fn is_held(&self) -> bool {
        ["used", "lost", "orphaned"].contains(&self.state.as_str())
    }

    /// Nobody's, or none of our business.
    pub(crate) fn is_at_home(&self) -> bool {
        ["free", "foreign"].contains(&self.state.as_str())
    }
}

const PCI_DEVICES: &str = "/sys/bus/pci/devices";
const HOME: &str = "it comes home with the next pod that is made or deleted on the node; at once with \
                    CNI_COMMAND=GC CNI_PATH=/ dpu-host <<<'{\"cniVersion\":\"1.1.0\",\"name\":\"ovn-kubernetes\",\"type\":\"dpu-host\"}'";

/// Looks at the VFs of a DPU host.
pub(crate) fn check(tree: &Tree, saved: Option<&Path>, binary: Option<&str>, findings: &mut Findings) {
    let rows = match (saved, binary) {
        (Some(path), _) => std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))
            .and_then(|text| parse(&text)),
        (None, Some(binary)) if tree.live() => ask(tree, binary),
        (None, _) if !tree.exists(PCI_DEVICES) => {
            let remedy = "run `dpu-host vfs --json > FILE` there, and name that with --vfs";
            return findings.warning("vfs", "the VFs are not in this copy", remedy);
        }
        _ => Ok(from_files(tree)),
    };
    match rows {
        Ok(rows) => report(&rows, findings),
        Err(error) => {
            findings.error(
                "vfs",
                format!("no list of the VFs ({error})"),
                "run dpu-host vfs as root and see",
            );
        }
    }
}

/// What the node's own plugin says.
///
/// # Errors
/// With its words.
pub(crate) fn ask(tree: &Tree, binary: &str) -> Result<Vec<Row>, String> {
    let output = plugin(tree, binary).args(["vfs", "--json"]).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// The node's own plugin, which sees the node below the same root as we do.
pub(crate) fn plugin(tree: &Tree, binary: &str) -> Command {
    let mut command = Command::new(tree.at(binary));
    if !tree.live() {
        command.env("DPU_CNI_ROOT", tree.at("/"));
    }
    command
}

fn parse(text: &str) -> Result<Vec<Row>, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn report(rows: &[Row], findings: &mut Findings) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.state.as_str()).or_default() += 1;
        let Row { device, name, state, pod, note } = row;
        let name = name.as_deref().unwrap_or("no device");
        let note = note.as_deref().map_or(String::new(), |note| format!(" ({note})"));
        let whose = pod.as_deref().map_or(String::new(), |pod| format!(", last of {pod}"));
        match state.as_str() {
            "leaked" => findings.error("vfs", format!("{device} ({name}{whose}) is leaked{note}"), HOME),
            "orphaned" => findings.error(
                "vfs",
                format!("{device} ({name}) is held by a sandbox of {}, a pod that is gone", row.pod()),
                format!("dpu-host vfs --release {device}"),
            ),
            "lost" => findings.error(
                "vfs",
                format!("{} has lost its VF {device}{note}", pod.as_deref().unwrap_or("a pod")),
                "`dpu-host vfs --restore` there gives it back, or says what it waits for; delete that pod if nothing gives it back",
            ),
            "waiting" => findings.warning(
                "vfs",
                format!("{device} is at home as {name}, and its record is kept{note}"),
                "if another link has its name, free that: it takes it back at the next pod; else this passes within minutes",
            ),
            _ => {}
        }
    }
    if rows.is_empty() {
        let remedy = "see the SriovNetworkNodePolicy and its sriovnetworknodestate";
        return findings.error("vfs", "this node has no virtual functions", remedy);
    }
    let parts: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    findings.ok("vfs", format!("{} virtual functions: {}", rows.len(), parts.join(", ")));
}

/// sysfs and records of a copy.
fn from_files(tree: &Tree) -> Vec<Row> {
    let records = records(tree);
    let vfs = tree
        .names(PCI_DEVICES)
        .into_iter()
        .filter(|device| tree.exists(&format!("{PCI_DEVICES}/{device}/physfn")));
    let mut seen: BTreeMap<String, Row> = BTreeMap::new();
    for device in vfs.chain(records.keys().cloned()) {
        let name = tree.names(&format!("{PCI_DEVICES}/{device}/net")).into_iter().next();
        let record = records.get(&device);
        let living = record.is_some_and(|record| tree.exists(&record.netns));
        let misnamed =
            record.is_some_and(|record| record.home.is_some() && name.is_some() && record.home != name);
        let state = match (record.is_some(), name.is_some()) {
            (false, _) => "free",
            (true, true) if misnamed || record.is_some_and(|record| record.released) => "waiting",
            (true, false) if living => "used",
            (true, _) => "leaked",
        };
        let note = record
            .filter(|_| misnamed)
            .and_then(|record| Some(format!("its name is {}", record.home.as_ref()?)));
        let pod = record.map(|record| record.pod.clone());
        seen.insert(device.clone(), Row { device, name, state: state.to_owned(), pod, note });
    }
    seen.into_values().collect()
}

/// What a record says of one device.
struct Record {
    pod: String,
    netns: String,
    /// Its name at home.
    home: Option<String>,
    /// Whether the pod is done with it.
    released: bool,
}

fn records(tree: &Tree) -> BTreeMap<String, Record> {
    let mut records = BTreeMap::new();
    let directory = format!("{STATE}/attachments");
    for file in tree.names(&directory) {
        let text = tree.read(&format!("{directory}/{file}")).unwrap_or_default();
        let Ok(record) = serde_json::from_str::<Value>(&text) else { continue };
        let pod = |key: &str| record["pod"][key].as_str().unwrap_or("?");
        for device in record["devices"].as_array().into_iter().flatten() {
            let Some(id) = device["id"].as_str() else { continue };
            let entry = Record {
                pod: format!("{}/{}", pod("namespace"), pod("name")),
                netns: record["netns"].as_str().unwrap_or_default().to_owned(),
                home: device["home"]["name"].as_str().map(str::to_owned),
                released: record["stage"] == "released",
            };
            records.insert(id.to_owned(), entry);
        }
    }
    records
}
