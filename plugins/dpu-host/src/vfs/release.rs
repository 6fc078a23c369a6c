//! `dpu-host vfs --release`: a person says that a pod is gone.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use super::options::Release;
use crate::error::short;
use crate::node::Node;
use crate::pod::witness::Witnesses;
use crate::record::attachment::{Held, Record};
use crate::record::release::reclaim;
use crate::time::age;
use crate::verbs::del::BUDGET;

/// An attachment to be ended.
struct Found<'a> {
    node: &'a Node,
    file: PathBuf,
    record: Record,
}

/// Frees what is asked for, after a question; an error is why it is not.
pub(super) fn run(nodes: &[Node], what: &Release) -> Result<String, String> {
    let found = find(nodes, &what.target)?;
    if found.is_empty() {
        return forget(nodes, what);
    }
    let mut done = Vec::new();
    for one in &found {
        let (devices, pod) = (devices(&one.record), &one.record.pod);
        one.may_be_freed(what.force)?;
        if !what.yes && !asked(&one.statement())? {
            return Err(format!("{devices} of pod {pod}: nothing was done"));
        }
        reclaim(one.node, &one.record, &one.file, Instant::now() + BUDGET)
            .map_err(|error| error.to_string())?;
        done.push(format!("VF {devices} of pod {pod} is free: {}", one.outcome()?));
    }
    Ok(done.join("\n"))
}

/// The attachments that hold this device, or are this pod's.
fn find<'a>(nodes: &'a [Node], target: &str) -> Result<Vec<Found<'a>>, String> {
    let mut found = Vec::new();
    for node in nodes {
        let Some(store) = node.existing_store().map_err(|error| error.to_string())? else { continue };
        for file in store.files() {
            let Some(record) = store.read_or_warn(&file) else { continue };
            let holds = |held: &Held| store.owns(&record, &held.id);
            let named = |held: &Held| held.id.to_string() == target && holds(held);
            if record.devices.iter().any(named)
                || record.pod.to_string() == target && record.devices.iter().any(holds)
            {
                found.push(Found { node, file, record });
            }
        }
    }
    Ok(found)
}

/// Gives up the claim of a record that cannot be read.
fn forget(nodes: &[Node], what: &Release) -> Result<String, String> {
    let target = &what.target;
    for (node, id) in nodes.iter().filter_map(|node| Some((node, target.parse().ok()?))) {
        let Some(store) = node.existing_store().map_err(|error| error.to_string())? else { continue };
        let Some(wreck) = store.wreck_claiming(&id) else { continue };
        let statement =
            format!("The record of VF {id} cannot be read: it is moved away, and the VF is nobody's then.");
        if !what.yes && !asked(&statement)? {
            return Err(format!("VF {id}: nothing was done"));
        }
        store.set_aside(&wreck, Instant::now() + BUDGET).map_err(|error| error.to_string())?;
        return Ok(format!("VF {id} is nobody's"));
    }
    Err(format!("no record holds a VF {target}, nor one of a pod {target}"))
}

fn devices(record: &Record) -> String {
    record.devices.iter().map(|held| held.id.to_string()).collect::<Vec<_>>().join(" and ")
}

impl Found<'_> {
    /// Refuses what would take the network from whoever runs.
    fn may_be_freed(&self, force: bool) -> Result<(), String> {
        let Record { pod, netns, .. } = &self.record;
        if force || !self.record.namespace_lives() {
            return Ok(());
        }
        match self.witnesses().is_inhabited(&self.record.netns_id) {
            Some(false) => Ok(()),
            Some(true) => Err(format!(
                "processes run in {}, the network namespace of pod {pod}: --force takes the VF from them",
                netns.display()
            )),
            None => Err(format!("whether processes run in {} cannot be seen; see --force", netns.display())),
        }
    }

    /// What is about to be done, and what speaks against it.
    fn statement(&self) -> String {
        let Record { pod, attachment, since, .. } = &self.record;
        let word = match self.witnesses().lists(&self.record) {
            None => "cannot be asked about it",
            Some(true) => "still lists it",
            Some(false) => "does not list it",
        };
        format!(
            "VF {} of pod {pod}, sandbox {}, attached {} ago: it is brought home and ovnkube-node told that the pod is \
             gone. The kubelet {word}.",
            devices(&self.record),
            short(&attachment.container),
            age(*since)
        )
    }

    /// What is left to do for it.
    fn outcome(&self) -> Result<&'static str, String> {
        let store = self.node.store().map_err(|error| error.to_string())?;
        let waits = self.record.devices.iter().any(|held| store.owns(&self.record, &held.id));
        Ok(if waits { "its record waits, see dpu-host vfs" } else { "it is at home" })
    }

    fn witnesses(&self) -> Witnesses<'_> {
        Witnesses::new(self.node, Instant::now() + BUDGET)
    }
}

/// Says it and waits for a yes.
fn asked(statement: &str) -> Result<bool, String> {
    let mut answer = String::new();
    let mut out = io::stdout().lock();
    write!(out, "{statement}\nGo on? [y/N] ")
        .and_then(|()| out.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer))
        .map_err(|error| error.to_string())?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
