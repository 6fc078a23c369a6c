//! A pod's sandbox: a network namespace and the names that a runtime gives it.

use std::net::IpAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use serde_json::Value;
use testkit::ip;
use testkit::namespace::Namespace;

use super::link::{self, LinkState};
use super::xdp::{self, Attached, Xdp};

static MADE: AtomicU64 = AtomicU64::new(1);
/// How long a pod's process lives if nobody ends it, in seconds: none outlives a test by much.
const LIFETIME: &str = "600";

/// One sandbox of a pod. Dropping it removes its namespace, and with it every veth end inside.
#[derive(Debug)]
pub struct Pod {
    /// The pod's namespace in the cluster.
    pub namespace: String,
    /// The pod's name.
    pub name: String,
    /// The pod's UID.
    pub uid: String,
    /// The container ID: 64 hexadecimal digits, as CRI-O makes them.
    pub container: String,
    /// The interface's name in the pod, `eth0`.
    pub ifname: String,
    netns: Namespace,
}

/// A process in a pod. Dropping it ends it.
#[derive(Debug)]
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Pod {
    pub(super) fn new(namespace: &str, name: &str, uid: &str, netns: Namespace) -> Self {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        Pod {
            namespace: namespace.into(),
            name: name.into(),
            uid: uid.into(),
            container: format!("{number:016x}{:048x}", std::process::id()),
            ifname: String::from("eth0"),
            netns,
        }
    }

    /// Its network namespace.
    pub fn netns(&self) -> &Namespace {
        &self.netns
    }

    /// Starts a process in it that does nothing, as the pod's containers are.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_process(&self) -> Result<Process> {
        let mut sleep = Command::new("sleep");
        sleep.arg(LIFETIME).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Process(self.netns.netns().run(|| sleep.spawn())?.context("running sleep")?))
    }

    /// `CNI_ARGS` as CRI-O and Multus pass them.
    pub fn args(&self) -> String {
        format!(
            "IgnoreUnknown=1;K8S_POD_NAMESPACE={};K8S_POD_NAME={};K8S_POD_INFRA_CONTAINER_ID={};K8S_POD_UID={}",
            self.namespace, self.name, self.container, self.uid
        )
    }

    /// The link `name` in it.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn link(&self, name: &str) -> Result<Option<LinkState>> {
        link::link(self.netns.netns(), name)
    }

    /// All links in it but `lo`.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn links(&self) -> Result<Vec<LinkState>> {
        link::links(self.netns.netns())
    }

    /// What `ip -j ARGS` prints in it.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn ip(&self, args: &[&str]) -> Result<Value> {
        ip::json(self.netns.netns(), args)
    }

    /// Runs lines of `ip -batch` in it, to disturb what a plugin has made.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn change(&self, script: &str) -> Result<()> {
        ip::batch(self.netns.netns(), script)
    }

    /// Switches offload features of one of its interfaces: `ethtool -K IFNAME ARGS`.
    ///
    /// # Errors
    /// When `ethtool` fails.
    pub fn switch(&self, ifname: &str, args: &[&str]) -> Result<()> {
        link::switch(self.netns.netns(), ifname, args)
    }

    /// Puts an XDP program on one of its interfaces that drops every packet.
    ///
    /// # Errors
    /// When there is no `python3`, or the kernel refuses.
    pub fn attach_xdp(&self, ifname: &str, how: Xdp) -> Result<Attached> {
        xdp::attach(self.netns.netns(), ifname, how)
    }

    /// Whether `to` answers a ping from it, within a few seconds.
    ///
    /// # Errors
    /// When there is no `ping`.
    pub fn ping(&self, to: IpAddr) -> Result<bool> {
        let to = to.to_string();
        let mut ping = Command::new("ping");
        ping.args(["-n", "-q", "-c", "1", "-w", "5", &to]);
        let done = self.netns.netns().run(|| ping.output())?.context("running ping")?;
        Ok(done.status.success())
    }
}
