//! The VFs of a node, by its own plugin: who still holds one, and how each comes home.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::audit::vfs::{self, Row};
use crate::fault::{Fault, Faults};
use crate::known::STATE;
use crate::tree::Tree;

const AGAIN: &str = "run `dpu-host vfs`, mend what it names, and run this again";

/// Every VF, as the plugin sees it.
///
/// # Errors
/// When it does not say.
pub(super) fn of(tree: &Tree, binary: &str) -> Result<Vec<Row>, Fault> {
    vfs::ask(tree, binary).map_err(|error| {
        Fault::new(format!("no list of the VFs ({error})"), "run `dpu-host vfs` as root and see")
    })
}

/// Refuses to take a VF from a pod.
pub(super) fn refuse(rows: &[Row], faults: &mut Faults) {
    for row in rows.iter().filter(|row| row.is_held()) {
        let (pod, device) = (row.pod(), &row.device);
        faults.push(if row.state == "orphaned" {
            Fault::new(
                format!("pod {pod} is gone, and a sandbox of it still holds VF {device}"),
                format!("free it with `dpu-host vfs --release {device}`, or say --detach-pods"),
            )
        } else {
            Fault::new(format!("pod {pod} still has its VF {device}"), "drain the node, or say --detach-pods")
        });
    }
}

/// A directory of records and a network of some of them.
type Swept = (String, String);

/// How many records there are, and of which networks.
pub(super) struct Records {
    pub(super) count: usize,
    networks: BTreeSet<Swept>,
}

/// Where records are: the usual directory, and those of configurations that name another (`stateDir`).
pub(super) fn directories(tree: &Tree) -> Vec<String> {
    let others = tree.names("/run").into_iter().filter(|name| name.starts_with("dpu-cni-"));
    let all = std::iter::once(STATE.to_owned()).chain(others.map(|name| format!("/run/{name}")));
    all.filter(|directory| tree.exists(directory)).collect()
}

/// Those of the node.
pub(super) fn records(tree: &Tree) -> Records {
    let mut records = Records { count: 0, networks: BTreeSet::new() };
    for state in directories(tree) {
        let names = tree.names(&format!("{state}/attachments"));
        for file in names.into_iter().filter(|name| name.ends_with(".json")) {
            let text = tree.read(&format!("{state}/attachments/{file}")).unwrap_or_default();
            let record: Value = serde_json::from_str(&text).unwrap_or_default();
            let network = record["attachment"]["network"].as_str();
            records.count += 1;
            records.networks.extend(network.map(|network| (state.clone(), network.to_owned())));
        }
    }
    records
}

/// Has the plugin bring every VF home: by a CNI GC of each network with an empty list of attachments to keep, and, where
/// a process of a pod keeps one from that, one by one.
///
/// # Errors
/// With the plugin's own words, and while a VF is away: no binary goes before.
pub(super) fn bring_home(tree: &Tree, binary: &str, detach_pods: bool) -> Result<usize, Fault> {
    let before = records(tree);
    for (state, network) in &before.networks {
        gc(tree, binary, state, network).map_err(|error| {
            Fault::new(
                format!("VFs of network {network} could not be brought home ({error})"),
                "mend that and run this again",
            )
        })?;
    }
    if detach_pods {
        of(tree, binary)?
            .iter()
            .filter(|row| row.is_held())
            .try_for_each(|row| release(tree, binary, row))?;
    }
    let astray: Vec<String> = of(tree, binary)?
        .iter()
        .filter(|row| !row.is_at_home())
        .map(|row| format!("{} ({})", row.device, row.state))
        .collect();
    if !astray.is_empty() {
        return Err(Fault::new(format!("not at home: {}", astray.join(", ")), AGAIN));
    }
    match records(tree).count {
        0 => Ok(before.count),
        left => {
            Err(Fault::new(format!("{left} records are left in {}", directories(tree).join(", ")), AGAIN))
        }
    }
}

fn release(tree: &Tree, binary: &str, row: &Row) -> Result<(), Fault> {
    let device = row.device.as_str();
    let mut command = vfs::plugin(tree, binary);
    let words = match command.args(["vfs", "--release", device, "--yes", "--force"]).output() {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().replace('\n', " "),
        Err(error) => error.to_string(),
    };
    Err(Fault::new(format!("VF {device} of pod {} stays there ({words})", row.pod()), AGAIN))
}

fn gc(tree: &Tree, binary: &str, state: &str, network: &str) -> Result<(), String> {
    let conf = json!({
        "cniVersion": "1.1.0", "name": network, "type": "dpu-host", "stateDir": state,
        "cni.dev/valid-attachments": [],
    });
    let mut command = vfs::plugin(tree, binary);
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
