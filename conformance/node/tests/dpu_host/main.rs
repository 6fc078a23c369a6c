//! `dpu-host` through its binary, on the simulated node: the kernel's links, a server that behaves like
//! ovnkube-node's, and every way in which either can fail.

mod add;
mod answers;
mod capabilities;
mod card_reboot;
mod check;
mod claim;
mod clocks;
mod crio;
mod del;
mod drivers;
mod foreign;
mod gc;
mod hostile;
mod kinds_of_device;
mod known;
mod kubelet;
mod mistakes;
mod naming;
mod new_sandbox;
mod other_links;
mod pending;
mod privileged_ipv6;
mod release_by_hand;
mod reports;
mod resource_claims;
mod restore;
mod reused_namespaces;
mod rivals;
mod running;
mod skew;
mod status;
mod take_back;
mod traces;
mod udn;
mod undo;
mod unreadable;
mod versions;
mod vfs;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use node::{Call, LinkState, Node, Output, Pod, Verb, Vf};
use serde_json::Value;

const PLUGIN: &str = "dpu-host";
/// The device plugin's pool.
const RESOURCE: &str = "openshift.io/dpuvf";

/// A VF as its owner would find it changed.
fn home(node: &Node, vf: &Vf) -> Result<LinkState> {
    node.host_link(&vf.name)?
        .with_context(|| format!("{} is not on the host: {:?}", vf.name, node.host_links()))
}

/// All of them.
fn homes(node: &Node) -> Result<Vec<LinkState>> {
    node.vfs().iter().map(|vf| home(node, vf)).collect()
}

/// A pod that an unprivileged server has attached, and what CHECK is given of it.
fn checkable() -> Result<(Node, Pod, Value)> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let conf = node.conf_for(&node.vfs()[0]);
    let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    Ok((node, pod, after(conf, result)))
}

/// Gives a pod the first two VFs, the second for a primary user-defined network, of which only the kubelet tells: its
/// configuration.
fn with_two_vfs(node: &Node, pod: &Pod) -> Result<Value> {
    let [first, second] = [&node.vfs()[0], &node.vfs()[1]];
    node.give_udn(pod, second)?;
    node.allocate(pod, RESOURCE, &[first.device_id(), second.device_id()]);
    let mut conf = node.conf();
    conf["resourceName"] = RESOURCE.into();
    Ok(conf)
}

fn add(node: &Node, pod: &Pod, vf: &Vf) -> Result<Output> {
    node.run(PLUGIN, Verb::Add, pod, &node.conf_for(vf))
}

fn del(node: &Node, pod: &Pod, vf: &Vf) -> Result<Output> {
    node.run(PLUGIN, Verb::Del, pod, &node.conf_for(vf))
}

/// A node, a pod attached to its first VF, and that VF as it was before.
fn attached(privileged: bool) -> Result<(Node, Pod, LinkState)> {
    let node = Node::builder().privileged(privileged).start()?;
    let before = home(&node, &node.vfs()[0])?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    Ok((node, pod, before))
}

/// GC of what is not in this list, if there is one.
fn gc(node: &Node, valid: Option<Value>) -> Result<()> {
    let mut conf = node.conf();
    if let Some(valid) = valid {
        conf["cni.dev/valid-attachments"] = valid;
    }
    node.call(PLUGIN, Verb::Gc)?.conf(&conf).run()?.ok()?;
    Ok(())
}

trait With {
    /// The call by a process that has these capabilities only, and can get no others.
    fn with(self, capabilities: &str) -> Self;
}

impl With for Call<'_> {
    fn with(self, capabilities: &str) -> Self {
        let bounds = format!("--bounding-set=-all,{capabilities}");
        self.through("setpriv", &["--inh-caps=-all", "--no-new-privs", bounds.trim_end_matches(',')])
    }
}

/// The configuration of CHECK and DEL, which carries the result of ADD.
fn after(conf: Value, result: Value) -> Value {
    let mut conf = conf;
    conf["prevResult"] = result;
    conf
}

/// What is left in the state directory of attachments and claims.
fn left(node: &Node) -> Result<Vec<String>> {
    let state = node.root().join("run/dpu-cni");
    let mut left = Vec::new();
    for dir in ["attachments", "devices", "untold"] {
        for entry in std::fs::read_dir(state.join(dir)).into_iter().flatten() {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.ends_with(".lock") {
                left.push(format!("{dir}/{name}"));
            }
        }
    }
    Ok(left)
}

/// What `dpu-host vfs` prints, run by hand on the host.
fn vfs_as(node: &Node, args: &[&str]) -> Result<String> {
    let output = vfs_ended(node, args)?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The same, however it ends.
fn vfs_ended(node: &Node, args: &[&str]) -> Result<std::process::Output> {
    let program = testkit::binaries::plugin(PLUGIN)?;
    let mut command = Command::new(program);
    command.arg("vfs").args(args).env("DPU_CNI_ROOT", node.root());
    Ok(node.host().netns().run(|| command.output())??)
}

/// `dpu-host vfs --json`.
fn vfs(node: &Node) -> Result<Vec<Value>> {
    Ok(serde_json::from_str(&vfs_as(node, &["--json"])?)?)
}

/// Its row for this device.
fn row(node: &Node, device: &str) -> Result<Value> {
    vfs(node)?.into_iter().find(|row| row["device"] == device).context("no row")
}

/// The only record, and its file.
fn record(node: &Node) -> Result<(PathBuf, Value)> {
    let mut files = fs::read_dir(node.root().join("run/dpu-cni/attachments"))?;
    let path = files.next().context("no record")??.path();
    let text = fs::read_to_string(&path)?;
    Ok((path, serde_json::from_str(&text)?))
}

/// Changes what is in it.
fn rewrite(node: &Node, change: impl FnOnce(&mut Value)) -> Result<()> {
    let (path, mut record) = record(node)?;
    change(&mut record);
    Ok(fs::write(path, record.to_string())?)
}

/// Waits until the plugin has claimed a VF: from then on only the server is awaited.
fn wait_claimed(node: &Node) -> Result<()> {
    wait_until(|| Ok(left(node)?.iter().any(|file| file.starts_with("devices/"))))
}

/// Waits until something holds.
fn wait_until(holds: impl Fn() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds()? {
        ensure!(Instant::now() < deadline, "it has not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
