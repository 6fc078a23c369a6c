//! The surroundings of `dpu-host`: a simulated DPU host node, with its VFs and its server, for each trial alone.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use linux::Netns;
use nix::fcntl::{Flock, FlockArg};
use nix::sched::{CloneFlags, setns};
use nix::unistd::gettid;
use node::{Answer, Node, Vf};
use serde_json::json;
use suite::fixture::{Fault, Fixture, Overlay, Place, Surroundings, Tenant};
use suite::{files, look_here};
use testkit::ip;

/// The node's VFs more than the containers of a trial: one that is being brought home is not given out again.
const SPARE: usize = 2;

/// `--setup simulated-node`. A node that a trial has left as it found it is used again by the next one.
#[derive(Default)]
pub(crate) struct SimulatedNode {
    nodes: Arc<Mutex<Nodes>>,
}

/// Those of no trial.
#[derive(Default)]
struct Nodes {
    /// As good as new.
    idle: Vec<Node>,
    /// Kept until the suite ends: the trial that used one may see its files as read-only, and could not remove them.
    spent: Vec<Node>,
}

struct Made {
    /// There until it is dropped.
    node: Option<Node>,
    nodes: Arc<Mutex<Nodes>>,
    /// The VF that was given out last.
    last: usize,
    stuck: Option<Flock<File>>,
}

impl Fixture for SimulatedNode {
    fn prepare(&self, place: Place<'_>) -> Result<Box<dyn Surroundings>> {
        let vfs = place.containers + SPARE;
        let used = {
            let idle = &mut self.nodes.lock().unwrap_or_else(PoisonError::into_inner).idle;
            // One whose files were made in another trial's /run, as temporary ones may be, is of no use here.
            let fits = |node: &Node| node.vfs().len() == vfs && node.root().is_dir();
            idle.iter().position(fits).map(|index| idle.swap_remove(index))
        };
        let node = match used {
            Some(node) => node,
            None => start(vfs)?,
        };
        // From here on this thread, and every plugin that it starts, is on the node's host.
        setns(node.host().netns(), CloneFlags::CLONE_NEWNET).context("entering the node's host")?;
        Ok(Box::new(Made { node: Some(node), nodes: Arc::clone(&self.nodes), last: 0, stuck: None }))
    }
}

fn start(vfs: usize) -> Result<Node> {
    // The names of its namespaces are in the trial's /run: nothing is left of them, however the suite ends.
    Node::builder().vfs(u32::try_from(vfs).context("too many containers")?).start()
}

impl Made {
    fn node(&self) -> Result<&Node> {
        self.node.as_ref().context("the node is gone")
    }

    fn device(&self) -> Result<&Vf> {
        Ok(&self.node()?.vfs()[self.last])
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        self.stuck = None;
        let Some(node) = self.node.take() else { return };
        let renewed = renewed(&node);
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if renewed { nodes.idle.push(node) } else { nodes.spent.push(node) }
    }
}

/// Makes the node behave again, and starts its server anew. Whether nothing tells now that it has been used: every VF
/// at home, the plugin without state.
fn renewed(node: &Node) -> bool {
    let home = |vf: &Vf| {
        let link = node.host_link(&vf.name).ok().flatten();
        link.is_some_and(|link| link.mac == vf.mac && link.mtu == vf.mtu && !link.up && link.index == vf.link)
    };
    let links = node.host_links().map_or(0, |links| links.len());
    let state = files(&node.root().join("run/dpu-cni")).unwrap_or_default();
    node.behave(|behaviour| behaviour.add = Answer::Proper);
    // The PF is a link too.
    links == node.vfs().len() + 1
        && state.is_empty()
        && node.vfs().iter().all(home)
        && node.start_server().is_ok()
}

impl Surroundings for Made {
    fn overlay(&self) -> Overlay {
        let root = self.node.as_ref().map(|node| node.root().to_string_lossy().into_owned());
        let env = root.map(|root| ("DPU_CNI_ROOT".to_owned(), root)).into_iter().collect();
        Overlay { env, ..Overlay::default() }
    }

    fn attach(&mut self, _tenant: Tenant<'_>) -> Result<Overlay> {
        let vfs = self.node()?.vfs();
        let home: Vec<String> = look_here()?.into_iter().map(|link| link.name).collect();
        let next = (1..=vfs.len()).map(|step| (self.last + step) % vfs.len());
        let free =
            next.into_iter().find(|&index| home.contains(&vfs[index].name)).context("no VF is left")?;
        self.last = free;
        let vf = self.device()?;
        let mut config = serde_json::Map::from_iter([("deviceID".to_owned(), json!(vf.device_id()))]);
        if let Some(pci) = &vf.pci {
            config.insert("pciBusID".to_owned(), json!(pci));
        }
        Ok(Overlay { config, device: Some(vf.name.clone()), ..Overlay::default() })
    }

    fn cause(&mut self, fault: Fault) -> Result<bool> {
        let (node, vf) = (self.node()?, self.device()?);
        match fault {
            Fault::DependencyDown => {
                node.stop_server();
                node.remove_socket()?;
            }
            // The server has moved the VF when it dies.
            Fault::HalfWay => node.behave(|behaviour| behaviour.add = Answer::Lost),
            Fault::DeviceGone => {
                node.card().netns().run(|| ip::here(&["link", "del", &vf.representor]))??;
            }
            Fault::Stuck => {
                let lock = format!("run/dpu-cni/devices/{}.lock", vf.device_id());
                let file = File::open(node.root().join(lock)).context("opening the VF's lock")?;
                let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock);
                self.stuck = Some(lock.map_err(|(_, errno)| errno).context("taking the VF's lock")?);
            }
        }
        Ok(true)
    }

    fn mend(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::DependencyDown => self.node()?.start_server()?,
            Fault::HalfWay => self.node()?.behave(|behaviour| behaviour.add = Answer::Proper),
            Fault::DeviceGone => {}
            Fault::Stuck => self.stuck = None,
        }
        Ok(())
    }

    fn rest(&mut self) -> Result<()> {
        self.node()?.idle()
    }

    /// What the kernel does with a VF whose namespace dies: it is back on the host, down, under the name it had in the
    /// container, or under another if that is taken. (It would destroy the veth end that plays it here.)
    fn lose(&mut self, netns: &Path, ifname: &str) -> Result<()> {
        // The host is the namespace of this thread; the name it was made with may be another trial's.
        let host = format!("/proc/{}/task/{}/ns/net", std::process::id(), gettid());
        let taken = look_here()?;
        let push = || -> Result<()> {
            let Some(link) = look_here()?.into_iter().find(|link| link.name == ifname) else { return Ok(()) };
            ip::here(&["link", "set", ifname, "down"])?;
            let mut name = ifname.to_owned();
            if taken.iter().any(|other| other.name == link.name) {
                name = format!("dev{}", link.index);
                ip::here(&["link", "set", ifname, "name", &name])?;
            }
            ip::here(&["link", "set", &name, "netns", &host]).map(drop)
        };
        Netns::open(netns)?.run(push)?
    }

    fn state(&self) -> Option<PathBuf> {
        self.node.as_ref().map(|node| node.root().join("run"))
    }
}
