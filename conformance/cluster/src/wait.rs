//! Waiting for what Kubernetes does in its own time.

use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use super::cluster::Cluster;
use super::daemon::{Daemon, end_of};
use super::parts::NODE;
use super::role::RESOURCE;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

impl Cluster {
    /// Waits until `look` finds something.
    ///
    /// # Errors
    /// When it does not within two minutes, or a program of the node ends; with the ends of the logs.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return Ok(found);
            }
            if let Some(ended) = self.parts.all().into_iter().find_map(Daemon::ended) {
                bail!("{ended}, before: {what}\n{}", self.logs());
            }
            if self.stop.load(Ordering::Relaxed) {
                bail!("interrupted, before: {what}");
            }
            if Instant::now() > deadline {
                bail!("not within {} s: {what}\n{}", PATIENCE.as_secs(), self.logs());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits until the pod of this name in `default` is as `look` wants it.
    ///
    /// # Errors
    /// As [`Cluster::until`], with the pod as it is.
    pub fn until_pod<T>(&self, name: &str, what: &str, look: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let path = format!("/api/v1/namespaces/default/pods/{name}");
        let found = self.until(&format!("pod {name}: {what}"), || look(&self.api.find(&path).ok()??));
        found.map_err(|error| error.context(self.kubectl(&["describe", "pod", name]).unwrap_or_default()))
    }

    /// Waits until a pod runs.
    ///
    /// # Errors
    /// As [`Cluster::until_pod`].
    pub fn until_runs(&self, name: &str) -> Result<Value> {
        self.until_pod(name, "runs", |pod| (pod["status"]["phase"] == "Running").then(|| pod.clone()))
    }

    /// Waits until no pod of this name is there.
    ///
    /// # Errors
    /// As [`Cluster::until`].
    pub fn until_gone(&self, name: &str) -> Result<()> {
        let path = format!("/api/v1/namespaces/default/pods/{name}");
        self.until(&format!("pod {name} is gone"), || self.api.find(&path).ok()?.is_none().then_some(()))
    }

    /// Waits for an event of the pod with this reason, and returns what it says.
    ///
    /// # Errors
    /// As [`Cluster::until_pod`].
    pub fn until_event(&self, pod: &str, reason: &str) -> Result<String> {
        let path = format!(
            "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name={pod},reason={reason}"
        );
        let message = || self.api.list(&path).ok()?.first()?["message"].as_str().map(str::to_owned);
        self.until(&format!("an event {reason} of pod {pod}"), message)
    }

    /// Waits until the node's condition Ready is `status`, and returns what it says.
    ///
    /// # Errors
    /// As [`Cluster::until`].
    pub fn until_node_ready(&self, status: &str) -> Result<String> {
        self.until(&format!("the node's condition Ready is {status}"), || {
            let node = self.api.find(&format!("/api/v1/nodes/{NODE}")).ok()??;
            let conditions = node["status"]["conditions"].as_array()?.clone();
            let ready = conditions.into_iter().find(|condition| condition["type"] == "Ready")?;
            (ready["status"] == status).then(|| ready["message"].as_str().unwrap_or_default().to_owned())
        })
    }

    /// Waits until the node has this many VFs to give.
    ///
    /// # Errors
    /// As [`Cluster::until`].
    pub fn until_allocatable(&self, vfs: usize) -> Result<()> {
        let vfs = vfs.to_string();
        self.until(&format!("the node offers {vfs} VFs"), || {
            let node = self.api.find(&format!("/api/v1/nodes/{NODE}")).ok()??;
            (node["status"]["allocatable"][RESOURCE] == *vfs).then_some(())
        })
    }

    /// The ends of all logs.
    fn logs(&self) -> String {
        let plugin = end_of(&self.node().root().join("var/log/dpu-host.log"));
        let mut text = format!("--- dpu-host:\n{plugin}\n");
        for part in self.parts.all() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "--- {}:\n{}", part.name(), part.log());
        }
        text
    }
}
