//! A device plugin that hands VFs to the kubelet, version v1beta1 of its interface
//! (`k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1/api.proto`).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use prost::Message;
use runtimes::cri;

use super::grpc::{Answer, Background, Nothing, Service, listen};

/// Where it listens, beside the kubelet.
const SOCKET: &str = "dpu-cni-vfs.sock";
/// Between two looks whether a kubelet is there that has not heard of it.
const PAUSE: Duration = Duration::from_millis(100);
/// For the kubelet's answer to a registration.
const WITHIN: Duration = Duration::from_secs(10);

/// A running device plugin. Dropping it ends it, as a kill of its pod does.
#[derive(Debug)]
pub struct DevicePlugin {
    _background: Background,
}

#[derive(Clone, PartialEq, Message)]
struct RegisterRequest {
    #[prost(string, tag = "1")]
    version: String,
    #[prost(string, tag = "2")]
    endpoint: String,
    #[prost(string, tag = "3")]
    resource_name: String,
}

#[derive(Clone, PartialEq, Message)]
struct ListAndWatchResponse {
    #[prost(message, repeated, tag = "1")]
    devices: Vec<Device>,
}

#[derive(Clone, PartialEq, Message)]
struct Device {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    health: String,
}

/// Request and response of `Allocate`: the containers get nothing else.
#[derive(Clone, PartialEq, Message)]
struct Allocated {
    #[prost(message, repeated, tag = "1")]
    containers: Vec<Nothing>,
}

impl DevicePlugin {
    /// Starts one for the kubelet whose plugins' directory this is, now or later.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(dir: PathBuf, resource: &str, devices: &[String]) -> Result<DevicePlugin> {
        let resource = resource.to_owned();
        let healthy = |id: &String| Device { id: id.clone(), health: String::from("Healthy") };
        let devices = Arc::new(ListAndWatchResponse { devices: devices.iter().map(healthy).collect() });
        let background = Background::start("device-plugin", keep_registered(dir, resource, devices))?;
        Ok(DevicePlugin { _background: background })
    }
}

/// Registers with every new kubelet: one that starts removes the sockets of all plugins.
async fn keep_registered(dir: PathBuf, resource: String, devices: Arc<ListAndWatchResponse>) {
    let mut known = None;
    loop {
        let kubelet = fs::metadata(dir.join("kubelet.sock")).map(|socket| socket.ino()).ok();
        if kubelet.is_some() && kubelet != known && register(&dir, &resource, &devices).await.is_ok() {
            known = kubelet;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn register(dir: &Path, resource: &str, devices: &Arc<ListAndWatchResponse>) -> Result<()> {
    let listening = listen(&dir.join(SOCKET), devices.clone())?;
    let request = RegisterRequest {
        version: String::from("v1beta1"),
        endpoint: SOCKET.into(),
        resource_name: resource.into(),
    };
    let asked: Result<Nothing> =
        cri::ask(&dir.join("kubelet.sock"), "/v1beta1.Registration/Register", &request, WITHIN).await;
    // The next try listens anew.
    asked.map(drop).inspect_err(|_| listening.abort())
}

impl Service for ListAndWatchResponse {
    fn answer(&self, method: &str, request: &[u8]) -> Result<Option<Answer>> {
        Ok(Some(match method {
            // It lasts until the kubelet goes: nothing changes.
            "ListAndWatch" => Answer::first(self),
            "Allocate" => Answer::only(&Allocated::decode(request)?),
            // The plugin has no options, and nothing to do before a container starts.
            _ => Answer::only(&Nothing {}),
        }))
    }
}
