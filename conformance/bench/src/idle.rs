//! What a call pays for looking whether pods have lost their VFs, where none has: the DEL of nothing, beside as many
//! attached pods as one call looks after, and beside the same of which nothing could be lost.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::call::Pod;
use super::group::{Entry, Group, Role};
use super::records::multiply;
use super::site::Site;
use super::subject::Field;
use node::Families;

/// Names, which the limits are stated in.
pub(super) const GROUP: &str = "DEL of nothing, beside attached pods";
pub(super) const LOOKED_AFTER: &str = "dpu-host, 8 pods looked after";
pub(super) const NOTHING_TO_LOSE: &str = "dpu-host, 8 pods that have nothing to lose";

/// As many as a call looks after (`housekeeping.rs`).
const PODS: usize = 8;

/// A node with two sets of records.
pub(super) struct Idle {
    site: Site,
    pods: Vec<node::Pod>,
}

impl Idle {
    /// Makes the node.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn new() -> Result<Self> {
        let site = Site::new(2, Families::V4)?;
        let pods = ["looked-after", "nothing-to-lose", "nobody"];
        let pods = pods.into_iter().map(|name| site.node.pod("bench", name)).collect::<Result<_>>()?;
        Ok(Idle { site, pods })
    }

    /// The call beside each set.
    ///
    /// # Errors
    /// When no pod can be attached.
    pub(super) fn group<'l>(&self, field: &Field) -> Result<Group<'l>> {
        let node = &self.site.node;
        let plugin = &field.dpu_host.path;
        let nobody = Pod::from(self.pods.last().context("a pod")?);
        let mut entries = Vec::new();
        let sets = [(LOOKED_AFTER, Role::Ours), (NOTHING_TO_LOSE, Role::Reference)];
        for (at, ((name, role), (pod, vf))) in
            sets.into_iter().zip(self.pods.iter().zip(node.vfs())).enumerate()
        {
            let state = format!("/run/dpu-cni-idle-{at}");
            let mut conf = node.conf_for(vf);
            conf["stateDir"] = json!(state);
            let pod = Pod::from(pod);
            self.site.of_pod(plugin, "ADD", &pod, &conf).output()?;
            let dir = node.root().join(&state[1..]).join("attachments");
            multiply(&dir, &pod.container, PODS)?;
            if role == Role::Reference {
                forget_links(&dir)?;
            }
            entries.push(Entry::new(name, role, [("DEL", self.site.of_pod(plugin, "DEL", &nobody, &conf))]));
        }
        Ok(Group { name: GROUP, entries })
    }
}

/// As if each had a device without a link, which a pod does not lose.
fn forget_links(dir: &Path) -> Result<()> {
    for file in fs::read_dir(dir)? {
        let path = file?.path();
        let mut record: Value = serde_json::from_slice(&fs::read(&path)?)?;
        record["devices"][0]["inside"] = Value::Null;
        fs::write(&path, record.to_string())?;
    }
    Ok(())
}
