//! `dpu-host`'s records: who still holds a VF, and how it is given back.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::fault::Fault;
use crate::known::STATE;
use crate::tree::Tree;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    /// `namespace/name` of the pod.
    pub(super) pod: String,
    pub(super) network: String,
    /// Whether the pod is done with its VF.
    pub(super) released: bool,
}

/// All records of the node.
pub(super) fn all(tree: &Tree) -> Vec<Record> {
    let directory = format!("{STATE}/attachments");
    let files = tree.names(&directory).into_iter().filter(|name| name.ends_with(".json"));
    files.map(|file| record(&tree.read(&format!("{directory}/{file}")).unwrap_or_default())).collect()
}

/// A record that cannot be read counts as a pod's: better to stop than to lose a VF.
fn record(text: &str) -> Record {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    Record {
        pod: format!("{}/{}", text(&value["pod"]["namespace"]), text(&value["pod"]["name"])),
        network: text(&value["attachment"]["network"]),
        released: value["stage"] == "released" || namespace_is_gone(&value),
    }
}

/// A pod whose DEL never came. Namespaces are the machine's, whatever the root; a path is reused, a namespace is not.
fn namespace_is_gone(record: &Value) -> bool {
    let (Some(path), Some(inode)) = (record["netns"].as_str(), record["netns_id"]["inode"].as_u64()) else {
        return false;
    };
    !std::fs::metadata(path).is_ok_and(|found| found.ino() == inode)
}

/// Has the plugin bring every VF home, network by network: a CNI GC with an empty list of attachments to keep.
///
/// # Errors
/// With the plugin's own words.
pub(super) fn sweep(tree: &Tree, binary: &str, records: &[Record]) -> Result<(), Fault> {
    let networks: BTreeSet<&String> = records.iter().map(|record| &record.network).collect();
    networks.into_iter().try_for_each(|network| {
        gc(tree, binary, network).map_err(|error| {
            Fault::new(
                format!("VFs of network {network} could not be brought home ({error})"),
                "mend that and run this again",
            )
        })
    })
}

fn gc(tree: &Tree, binary: &str, network: &str) -> Result<(), String> {
    let conf = json!({
        "cniVersion": "1.1.0", "name": network, "type": "dpu-host", "cni.dev/valid-attachments": [],
    });
    let mut command = plugin(tree, binary);
    command.env("CNI_COMMAND", "GC").env("CNI_PATH", "/").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    if let Some(mut stdin) = child.stdin.take() {
        // A plugin that does not read ends for a reason, and its answer has it.
        let _ = stdin.write_all(conf.to_string().as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stdout).replace('\n', " "))
    }
}

/// Devices that are not where they belong, by the plugin's own inventory.
///
/// # Errors
/// When it has none.
pub(super) fn astray(tree: &Tree, binary: &str) -> Result<Vec<String>, Fault> {
    let failed =
        |error: String| Fault::new(format!("no list of the VFs ({error})"), "run `dpu-host vfs` and see");
    let output =
        plugin(tree, binary).args(["vfs", "--json"]).output().map_err(|error| failed(error.to_string()))?;
    let rows: Value = serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    let row = |row: &Value| {
        format!("{} ({})", row["device"].as_str().unwrap_or("?"), row["state"].as_str().unwrap_or("?"))
    };
    Ok(rows.as_array().into_iter().flatten().filter(|row| row["state"] != "free").map(row).collect())
}

/// The node's own plugin, which sees the node below the same root as we do.
fn plugin(tree: &Tree, binary: &str) -> Command {
    let mut command = Command::new(tree.at(binary));
    if !tree.live() {
        command.env("DPU_CNI_ROOT", tree.at("/"));
    }
    command
}
