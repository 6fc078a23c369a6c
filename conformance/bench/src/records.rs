//! A node with many records: one real one, and copies of it for other containers. That is what a GC reads, without
//! a thousand VFs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::call::{IFNAME, Pod};
use super::curve::Point;
use super::peak;
use super::process::{Cost, Invocation};
use super::site::Site;
use super::subject::Field;

/// Records in a state directory of their own, and the calls that meet them.
pub(super) struct Records {
    /// How many.
    pub(super) count: usize,
    /// In the order of [`Records::VERBS`].
    calls: [Invocation; 3],
    costs: [Vec<Cost>; 3],
    /// Undoes the last of the calls.
    del: Invocation,
    /// Undoes the ADD that the records are copies of.
    end: Invocation,
}

impl Records {
    /// The verbs that are measured. The ADD is that of one pod more.
    pub(super) const VERBS: [&'static str; 3] = ["GC", "CHECK", "ADD"];

    /// With two VFs and pods: one for the original, one for the ADD.
    ///
    /// # Errors
    /// When the original cannot be made, or its record is not found.
    pub(super) fn new(
        field: &Field,
        site: &Site,
        pairs: &[(&node::Vf, &node::Pod)],
        count: usize,
    ) -> Result<Self> {
        let [(vf, pod), (next_vf, next_pod)] = pairs else {
            anyhow::bail!("{count} records need two VFs and pods")
        };
        let plugin = &field.dpu_host.path;
        let state = format!("/run/dpu-cni-{count}");
        let with_state = |mut conf: Value| {
            conf["stateDir"] = json!(state);
            conf
        };
        let (conf, pod) = (with_state(site.node.conf_for(vf)), Pod::from(*pod));
        let result: Value = serde_json::from_slice(&site.of_pod(plugin, "ADD", &pod, &conf).output()?)?;
        let containers =
            multiply(&site.node.root().join(&state[1..]).join("attachments"), &pod.container, count)?;
        let mut gc = with_state(site.node.conf());
        gc["cni.dev/valid-attachments"] = containers
            .iter()
            .map(|container| json!({ "containerID": container, "ifname": IFNAME }))
            .collect();
        let mut check = conf.clone();
        check["prevResult"] = result;
        let (next, next_pod) = (with_state(site.node.conf_for(next_vf)), Pod::from(*next_pod));
        Ok(Records {
            count,
            calls: [
                site.of_network(plugin, "GC", &gc),
                site.of_pod(plugin, "CHECK", &pod, &check),
                site.of_pod(plugin, "ADD", &next_pod, &next),
            ],
            costs: Default::default(),
            del: site.of_pod(plugin, "DEL", &next_pod, &next),
            end: site.of_pod(plugin, "DEL", &pod, &conf),
        })
    }

    /// Measures each call once.
    ///
    /// # Errors
    /// When one does not end as it has to.
    pub(super) fn round(&mut self) -> Result<()> {
        for (costs, call) in self.costs.iter_mut().zip(&self.calls) {
            costs.push(call.measure()?);
        }
        self.del.measure().map(|_| ())
    }

    /// Measures memory, and takes the original's VF home.
    ///
    /// # Errors
    /// When a call does not end as it has to.
    pub(super) fn finish(self) -> Result<Vec<Point>> {
        let point = |(costs, call): (&Vec<Cost>, _)| Ok(Point::new(self.count, costs, peak::kib(call)?));
        let points = self.costs.iter().zip(&self.calls).map(point).collect();
        self.del.measure()?;
        self.end.measure()?;
        points
    }
}

/// Copies the only record in `dir` until there are `count`; the containers of all.
///
/// # Errors
/// When there is none, or the disk refuses.
pub(super) fn multiply(dir: &Path, container: &str, count: usize) -> Result<Vec<String>> {
    let records = fs::read_dir(dir).with_context(|| format!("looking for records in {}", dir.display()))?;
    let visible = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let original = records.flatten().map(|entry| entry.path()).find(visible);
    let original = original.with_context(|| format!("no record in {}", dir.display()))?;
    let mut record: Value = serde_json::from_slice(&fs::read(&original)?)?;
    let mut containers = vec![container.to_owned()];
    while containers.len() < count {
        let container = format!("{:064x}", containers.len());
        record["attachment"]["container"] = json!(container);
        fs::write(dir.join(format!("{container}-{IFNAME}.json")), record.to_string())?;
        containers.push(container);
    }
    Ok(containers)
}
