//! What the tests share.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cluster::{Cluster, DevicePlugin, Role};
use node::LinkState;
use serde_json::Value;
use testkit::binaries;

static ONE: Mutex<()> = Mutex::new(());

/// A node that nobody else's runs beside.
pub(crate) struct Alone {
    pub(crate) plugin: Option<DevicePlugin>,
    pub(crate) cluster: Cluster,
    home: Vec<Option<LinkState>>,
    _one: MutexGuard<'static, ()>,
}

impl std::ops::Deref for Alone {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

/// A DPU host whose VFs are to be had.
pub(crate) fn host(vfs: u32) -> Alone {
    let mut alone = start(Role::Host { vfs });
    alone.plugin = Some(alone.device_plugin().unwrap());
    alone.until_node_ready("True").unwrap();
    alone.until_allocatable(vfs as usize).unwrap();
    alone
}

/// A node of this kind.
pub(crate) fn start(role: Role) -> Alone {
    let one = alone();
    let cluster = Cluster::start(role).unwrap();
    Alone { home: vfs(&cluster), cluster, plugin: None, _one: one }
}

/// As long as this lives, no other test has a node.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Alone {
    /// Waits until every VF is at home as it was at the start, and nothing is recorded of any.
    pub(crate) fn until_all_home(&self) {
        self.until("all VFs are at home, without a record", || {
            (vfs(&self.cluster) == self.home && self.records().is_empty()).then_some(())
        })
        .unwrap_or_else(|error| panic!("{:#?}\n{:?}\n{error:#}", vfs(&self.cluster), self.records()));
    }

    /// Waits until these pods, and no other, have a VF that is in them as recorded, and all other ones are at home: as
    /// the plugin's own inventory says. One that `waits` there is to be had: its record is kept for as long as a server
    /// whose answer never came may still move it.
    pub(crate) fn until_settled(&self, pods: &[&str]) {
        let wanted: BTreeSet<String> =
            pods.iter().map(|pod| format!("default/{pod} used pod true")).collect();
        let mut rows = Vec::new();
        let settled = self.until(&format!("the VFs of {pods:?} are in them, and no other"), || {
            let (_, json) = self.inventory(&["--json"]);
            rows =
                serde_json::from_str::<Vec<Value>>(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
            let in_use = rows.iter().filter(|row| !is_at_home(row)).map(|row| {
                let text = |key: &str| row[key].as_str().unwrap_or("-").to_owned();
                format!("{} {} {} {}", text("pod"), text("state"), text("place"), row["asRecorded"])
            });
            (in_use.collect::<BTreeSet<String>>() == wanted).then_some(())
        });
        settled.unwrap_or_else(|error| panic!("{rows:#?}\n{error:#}"));
        let (drained, said) = self.inventory(&["--drained"]);
        assert_eq!(drained, pods.is_empty(), "{said}");
    }

    /// The sandbox in which a pod has a VF, as the plugin's inventory says.
    pub(crate) fn sandbox_of(&self, pod: &str) -> Option<String> {
        self.recorded(pod, "container")
    }

    /// The device of the VF that a pod has.
    pub(crate) fn vf_of(&self, pod: &str) -> Option<String> {
        self.recorded(pod, "device")
    }

    fn recorded(&self, pod: &str, key: &str) -> Option<String> {
        let (_, json) = self.inventory(&["--json"]);
        let rows = serde_json::from_str::<Vec<Value>>(&json).ok()?;
        let row = rows.iter().find(|row| row["pod"] == format!("default/{pod}") && row["state"] == "used")?;
        row[key].as_str().map(str::to_owned)
    }

    /// What events say of pods that got no sandbox.
    pub(crate) fn refused(&self) -> Vec<String> {
        let path = "/api/v1/namespaces/default/events?fieldSelector=reason=FailedCreatePodSandBox";
        let events = self.api().list(path).unwrap();
        events.iter().map(|event| event["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Whether `dpu-host vfs` with these options succeeds, and what it prints.
    fn inventory(&self, options: &[&str]) -> (bool, String) {
        let mut command = Command::new(binaries::plugin("dpu-host").unwrap());
        command.arg("vfs").args(options).env("DPU_CNI_ROOT", self.node().root());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let done = self.place().spawn(&mut command).unwrap().wait_with_output().unwrap();
        let text = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    /// What the plugin keeps of attachments. Locks stay for good.
    pub(crate) fn records(&self) -> Vec<String> {
        let dirs =
            ["attachments", "devices", "untold"].map(|dir| self.node().root().join("run/dpu-cni").join(dir));
        let entries = dirs.iter().flat_map(|dir| fs::read_dir(dir).into_iter().flatten().flatten());
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| !name.ends_with(".lock")).collect()
    }
}

/// The VFs as they are on the host: nothing for one that is away.
pub(crate) fn vfs(cluster: &Cluster) -> Vec<Option<LinkState>> {
    let node = cluster.node();
    node.vfs().iter().map(|vf| node.host_link(&vf.name).unwrap()).collect()
}

fn is_at_home(row: &Value) -> bool {
    row["place"] == "host" && (row["state"] == "free" || row["state"] == "waiting")
}

/// Deletes pods, without waiting until they are gone.
pub(crate) fn delete(cluster: &Cluster, arguments: &[&str]) {
    cluster.kubectl(&[&["delete", "pod", "--wait=false"], arguments].concat()).unwrap();
}
