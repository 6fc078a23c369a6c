//! A client of CRI, the interface that kubelet speaks to runtimes. What it hears is what kubelet would.

pub(super) mod messages;
mod rpc;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use prost::Message;

pub use messages::RuntimeCondition;
pub use rpc::{Refusal, ask, receive};

use super::image;
use super::pod::Pod;
use messages::{
    Capabilities, ContainerConfig, ContainerId, ContainerMetadata, ContainerSecurityContext,
    ContainerStatusResponse, CreateContainerRequest, ExecSyncRequest, ExecSyncResponse, ImageSpec,
    ImageStatusRequest, ImageStatusResponse, LinuxContainerConfig, Listed, Nothing, PodSandboxStatusResponse,
    RUNNING, RunPodSandboxRequest, SandboxId, StatusResponse,
};

/// Kubelet's own limit is four minutes; nothing here takes more than seconds.
const WITHIN: Duration = Duration::from_secs(60);
/// How long a command in a container may take, in seconds.
const EXEC_SECONDS: i64 = 20;

/// A runtime's CRI service.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// Of the runtime that listens here, or will.
    pub fn new(socket: &Path) -> Client {
        Client { socket: socket.to_owned() }
    }

    /// The condition `NetworkReady`: whether the node becomes Ready, and what it says if not.
    ///
    /// # Errors
    /// When the runtime does not answer.
    pub fn network(&self) -> Result<RuntimeCondition> {
        let answer: StatusResponse = self.call("Status", &Nothing {})?;
        let conditions = answer.status.context("a status without conditions")?.conditions;
        conditions
            .into_iter()
            .find(|condition| condition.kind == "NetworkReady")
            .context("no condition NetworkReady")
    }

    /// Whether pods can use this image: containerd's CRI hears of an import a little later.
    ///
    /// # Errors
    /// When the runtime does not answer.
    pub fn has_image(&self, name: &str) -> Result<bool> {
        let request = ImageStatusRequest { image: Some(spec(name)) };
        let answer: ImageStatusResponse =
            rpc::call(&self.socket, "/runtime.v1.ImageService/ImageStatus", &request, WITHIN)?;
        Ok(answer.image.is_some())
    }

    /// Makes a pod's sandbox, which calls the plugins unless the pod uses the node's network, and returns its
    /// identifier.
    ///
    /// # Errors
    /// A [`Refusal`] with the text of the pod's event.
    pub fn run_sandbox(&self, pod: &Pod) -> Result<String> {
        let made: SandboxId =
            self.call("RunPodSandbox", &RunPodSandboxRequest { config: Some(pod.config()) })?;
        Ok(made.id)
    }

    /// The sandbox's first address.
    ///
    /// # Errors
    /// When there is no such sandbox.
    pub fn address(&self, sandbox: &str) -> Result<String> {
        let answer: PodSandboxStatusResponse = self.call("PodSandboxStatus", &id(sandbox))?;
        let network = answer.status.and_then(|status| status.network);
        Ok(network.context("a sandbox without network status")?.ip)
    }

    /// Stops a sandbox and removes it, as kubelet does when the pod is deleted.
    ///
    /// # Errors
    /// When the runtime cannot: the pod would stay Terminating.
    pub fn remove_sandbox(&self, sandbox: &str) -> Result<()> {
        let Nothing {} = self.call("StopPodSandbox", &id(sandbox))?;
        let Nothing {} = self.call("RemovePodSandbox", &id(sandbox))?;
        Ok(())
    }

    /// The sandboxes that the runtime knows, running or not.
    ///
    /// # Errors
    /// When the runtime does not answer.
    pub fn sandboxes(&self) -> Result<Vec<String>> {
        self.list("ListPodSandbox")
    }

    /// The containers that the runtime knows, running or not.
    ///
    /// # Errors
    /// When the runtime does not answer.
    pub fn containers(&self) -> Result<Vec<String>> {
        self.list("ListContainers")
    }

    /// Starts a container that sleeps in the sandbox of `pod`, and returns its identifier.
    ///
    /// # Errors
    /// When it does not come to run.
    pub fn run_container(&self, sandbox: &str, pod: &Pod) -> Result<String> {
        let security_context = ContainerSecurityContext {
            // CRI-O's usual ones do not include it, and ping needs it.
            capabilities: Some(Capabilities { add: vec!["NET_RAW".to_owned()] }),
            namespace_options: Some(pod.namespaces()),
        };
        let config = ContainerConfig {
            metadata: Some(ContainerMetadata { name: "main".to_owned() }),
            image: Some(spec(image::NAME)),
            log_path: "main.log".to_owned(),
            linux: Some(LinuxContainerConfig { security_context: Some(security_context) }),
        };
        let request = CreateContainerRequest {
            sandbox: sandbox.to_owned(),
            config: Some(config),
            pod: Some(pod.config()),
        };
        let made: ContainerId = self.call("CreateContainer", &request)?;
        let Nothing {} = self.call("StartContainer", &made)?;
        let answer: ContainerStatusResponse = self.call("ContainerStatus", &made)?;
        let state = answer.status.context("a container without status")?.state;
        ensure!(state == RUNNING, "a container was started and is in state {state}");
        Ok(made.id)
    }

    /// Runs a command in a container and returns what it printed.
    ///
    /// # Errors
    /// When it does not end with 0; with what it printed.
    pub fn exec(&self, container: &str, command: &[&str]) -> Result<String> {
        let request = ExecSyncRequest {
            container: container.to_owned(),
            command: command.iter().map(|&word| word.to_owned()).collect(),
            timeout: EXEC_SECONDS,
        };
        let done: ExecSyncResponse = self.call("ExecSync", &request)?;
        let (stdout, stderr) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        ensure!(done.exit_code == 0, "{} ended with {}: {stdout}{stderr}", command.join(" "), done.exit_code);
        Ok(stdout.into_owned())
    }

    fn list(&self, method: &str) -> Result<Vec<String>> {
        let listed: Listed = self.call(method, &Nothing {})?;
        Ok(listed.items.into_iter().map(|item| item.id).collect())
    }

    fn call<A: Message + Default>(&self, method: &str, request: &impl Message) -> Result<A> {
        rpc::call(&self.socket, &format!("/runtime.v1.RuntimeService/{method}"), request, WITHIN)
    }
}

fn spec(image: &str) -> ImageSpec {
    ImageSpec { image: image.to_owned(), user_specified_image: image.to_owned() }
}

fn id(sandbox: &str) -> SandboxId {
    SandboxId { id: sandbox.to_owned() }
}
