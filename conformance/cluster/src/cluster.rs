//! The node as a whole: brought up, asked, restarted.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, ensure};
use node::Node;
use runtimes::cgroup::Cgroup;
use runtimes::{Place, Setup, containerd, place};
use serde_json::Value;

use super::api::Api;
use super::caretaker::Caretaker;
use super::claim_driver::ClaimDriver;
use super::device_plugin::DevicePlugin;
use super::parts::{self, ADDRESS, Parts};
use super::programs::program;
use super::role::{RESOURCE, Role};

/// Where the kubelet and its device plugins meet; a constant of Kubernetes.
const DEVICE_PLUGINS: &str = "/var/lib/kubelet/device-plugins";

/// Unmounts and removes what a runtime keeps below `/run`.
const FORGET: &str = r#"
cut -d' ' -f2 /proc/mounts | grep -E "^($STATE|/run/netns|/run/containerd)/" | tac | while read -r point; do
  umount -l "$point"
done
rm -rf "$STATE" /run/netns/* /run/containerd"#;

/// A running node. Dropping it ends it.
pub struct Cluster {
    pub(super) api: Api,
    pub(super) stop: Arc<AtomicBool>,
    // Fields are dropped in this order: who works with the kubelet, processes, their control groups, their files.
    pub(super) parts: Parts,
    place: Place,
    cgroup: Cgroup,
    setup: Setup,
    node: Node,
    _caretaker: Caretaker,
}

impl Cluster {
    /// Starts a node with this plugin as its network, and waits until its API server serves: not until its kubelet has
    /// registered it, or it is Ready.
    ///
    /// # Errors
    /// When a program is missing or ends; with the end of its log.
    pub fn start(role: Role) -> Result<Cluster> {
        Self::start_unless(role, Arc::default())
    }

    /// The same; whatever it waits for, it gives up once it is told to `stop`.
    ///
    /// # Errors
    /// Then too.
    pub(super) fn start_unless(role: Role, stop: Arc<AtomicBool>) -> Result<Cluster> {
        let node = Node::builder().vfs(role.vfs()).start()?;
        // The real one listens there.
        node.stop_kubelet();
        node.change_host(&format!("address add {ADDRESS}/32 dev lo"))?;
        let setup = role.install(Setup::new()?)?;
        let place = Place::new(Some(node.host().netns()))?;
        let cgroup = Cgroup::unique()?;
        let parts = Parts::new(&setup, &cgroup, node.root())?;
        let api = Api::new(&setup.path("api.sock"));
        // The last of what may fail: these would be dropped in the opposite order.
        let caretaker = Caretaker::start(&node, &setup, &cgroup)?;
        let cluster = Cluster { api, stop, parts, place, cgroup, setup, node, _caretaker: caretaker };
        cluster.cgroup.make()?;
        cluster.bring_up()?;
        Ok(cluster)
    }

    fn bring_up(&self) -> Result<()> {
        let Parts { etcd, api_server, proxy, controller_manager, scheduler, kubelet, containerd } =
            &self.parts;
        std::fs::create_dir_all(self.place.path(DEVICE_PLUGINS))?;
        for part in [etcd, api_server, proxy, containerd] {
            part.start(&self.place)?;
        }
        self.until_runtime_answers()?;
        containerd::import(&self.setup, &self.place)?;
        self.until("the API server serves", || self.api.ready().then_some(()))?;
        for part in [kubelet, controller_manager, scheduler] {
            part.start(&self.place)?;
        }
        let api = self.api.clone();
        self.node.look_up_pods(move |namespace, name| api.pod_uid(namespace, name));
        self.node.behave(|behaviour| behaviour.runtime_root = self.place.path("/"));
        Ok(())
    }

    /// Sends a signal, `KILL`, to every process of this name, wherever it was started from; there need be none.
    ///
    /// # Errors
    /// When the processes cannot be seen.
    pub fn signal_all(&self, name: &str, signal: &str) -> Result<()> {
        for (id, _) in self.place.running()?.into_iter().filter(|(_, running)| running == name) {
            // One that ends meanwhile cannot hear it.
            let _ = place::run(&self.place, Command::new("kill").args(["-s", signal, &id.to_string()]));
        }
        Ok(())
    }

    /// Restarts the machine as far as it is the node: kubelet, runtime and every pod's processes end at once, VFs are
    /// on the host, and what was below `/run` is gone. What is on disk stays: the kubelet's checkpoints and the
    /// runtime's images.
    ///
    /// # Errors
    /// When something of it cannot be done.
    pub fn reboot(&self) -> Result<()> {
        for part in [&self.parts.kubelet, &self.parts.containerd] {
            part.kill()?;
        }
        for process in ["dpu-host", "containerd-shim", "sleep"] {
            self.signal_all(process, "KILL")?;
        }
        self.until("all of the pods' processes are gone", || {
            let running = self.place.running().ok()?;
            (!running.iter().any(|(_, name)| name.starts_with("containerd-shim") || name == "sleep"))
                .then_some(())
        })?;
        // Functions are new after it, and pods' namespaces gone with those that were in them.
        self.node.card_goes_down()?;
        self.node.card_comes_up()?;
        place::run(
            &self.place,
            Command::new("sh").args(["-c", FORGET]).env("STATE", self.setup.path("state")),
        )?;
        std::fs::remove_dir_all(self.node.root().join("run/dpu-cni"))?;
        self.parts.containerd.start(&self.place)?;
        // A kubelet that finds none ends, and nobody starts it again here.
        self.until_runtime_answers()?;
        self.parts.kubelet.start(&self.place)
    }

    /// Its socket alone says nothing: an earlier one has left it.
    fn until_runtime_answers(&self) -> Result<()> {
        let socket = self.setup.path("cri.sock");
        self.until("containerd answers", || UnixStream::connect(&socket).is_ok().then_some(()))
    }

    /// A device plugin that hands its VFs to its kubelet.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn device_plugin(&self) -> Result<DevicePlugin> {
        let devices: Vec<String> = self.node.vfs().iter().map(|vf| vf.device_id().to_owned()).collect();
        DevicePlugin::start(self.place.path(DEVICE_PLUGINS), RESOURCE, &devices)
    }

    /// A driver of resource claims that gives them its VFs.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn claim_driver(&self) -> Result<ClaimDriver> {
        ClaimDriver::start(self.api.clone(), &self.node)
    }

    /// The simulated part: VFs, card, ovnkube-node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The real parts.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Where they run.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What its runtime was given.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Its API server.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Where pods have their control groups.
    pub fn cgroup(&self) -> &Cgroup {
        &self.cgroup
    }

    /// How kubectl reaches its API server, inside of the host's network namespace.
    pub fn kubeconfig(&self) -> PathBuf {
        PathBuf::from(parts::kubeconfig(&self.setup))
    }

    /// What kubectl prints with these arguments.
    ///
    /// # Errors
    /// When it fails; with what it says.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        place::run(&self.place, self.command()?.args(arguments))
    }

    /// `kubectl apply` of these objects.
    ///
    /// # Errors
    /// When it fails; with what it says.
    pub fn apply(&self, objects: &[Value]) -> Result<()> {
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let mut command = self.command()?;
        command.args(["apply", "--server-side", "-f", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut kubectl = self.place.spawn(&mut command)?;
        let mut input = kubectl.stdin.take().context("kubectl without a standard input")?;
        input.write_all(list.to_string().as_bytes())?;
        drop(input);
        let done = kubectl.wait_with_output()?;
        ensure!(done.status.success(), "kubectl apply: {}", String::from_utf8_lossy(&done.stderr).trim());
        Ok(())
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(program("kubectl")?);
        command.arg("--kubeconfig").arg(self.kubeconfig());
        // It keeps what it has heard of the API below the home directory otherwise.
        command.arg("--cache-dir").arg(self.setup.path("kubectl"));
        Ok(command)
    }
}
