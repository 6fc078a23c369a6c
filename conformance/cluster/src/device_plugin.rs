//! A device plugin that hands VFs to the kubelet, version v1beta1 of its interface
//! (`k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1/api.proto`).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use kubelet::wire::{PREFIX, frame};
use prost::Message;
use runtimes::cri;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

/// Where it listens, beside the kubelet.
const SOCKET: &str = "dpu-cni-vfs.sock";
/// Between two looks whether a kubelet is there that has not heard of it.
const PAUSE: Duration = Duration::from_millis(100);
/// For the kubelet's answer to a registration.
const WITHIN: Duration = Duration::from_secs(10);

/// A running device plugin. Dropping it ends it, as a kill of its pod does.
#[derive(Debug)]
pub struct DevicePlugin {
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

#[derive(Clone, PartialEq, Message)]
struct Nothing {}

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

#[derive(Clone, PartialEq, Message)]
struct AllocateRequest {
    #[prost(message, repeated, tag = "1")]
    containers: Vec<Nothing>,
}

#[derive(Clone, PartialEq, Message)]
struct AllocateResponse {
    #[prost(message, repeated, tag = "1")]
    containers: Vec<Nothing>,
}

impl DevicePlugin {
    /// Starts one for the kubelet whose plugins' directory this is, now or later.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(dir: PathBuf, resource: &str, devices: &[String]) -> Result<DevicePlugin> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let resource = resource.to_owned();
        let healthy = |id: &String| Device { id: id.clone(), health: String::from("Healthy") };
        let devices = Arc::new(ListAndWatchResponse { devices: devices.iter().map(healthy).collect() });
        let serving = thread::Builder::new().name(String::from("device-plugin")).spawn(move || {
            runtime.block_on(async {
                tokio::spawn(keep_registered(dir, resource, devices));
                // Whatever still runs ends with the runtime.
                let _ = stopped.await;
            });
        })?;
        Ok(DevicePlugin { stop: Some(stop), serving: Some(serving) })
    }
}

impl Drop for DevicePlugin {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
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
    let socket = dir.join(SOCKET);
    let _ = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).context("binding the device plugin's socket")?;
    let devices = devices.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, devices.clone()));
        }
    });
    let request = RegisterRequest {
        version: String::from("v1beta1"),
        endpoint: SOCKET.into(),
        resource_name: resource.into(),
    };
    let _: Nothing =
        cri::ask(&dir.join("kubelet.sock"), "/v1beta1.Registration/Register", &request, WITHIN).await?;
    Ok(())
}

/// A kubelet that hangs up ends this; nobody else cares.
async fn serve(stream: UnixStream, devices: Arc<ListAndWatchResponse>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond, devices.clone()));
    }
}

async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    devices: Arc<ListAndWatchResponse>,
) -> Result<()> {
    let head = Response::builder().header("content-type", "application/grpc");
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let message = match method.as_str() {
        "ListAndWatch" => {
            let mut body = respond.send_response(head.body(())?, false)?;
            body.send_data(frame(&*devices).into(), false)?;
            // It lasts until the kubelet goes: nothing changes.
            std::future::poll_fn(|context| body.poll_reset(context)).await?;
            return Ok(());
        }
        "Allocate" => {
            let request = cri::receive(&mut request.into_body()).await?;
            let request = AllocateRequest::decode(request.get(PREFIX..).unwrap_or_default())?;
            frame(&AllocateResponse { containers: request.containers })
        }
        // The plugin has no options, and nothing to do before a container starts.
        _ => frame(&Nothing {}),
    };
    let mut body = respond.send_response(head.body(())?, false)?;
    body.send_data(message.into(), false)?;
    body.send_trailers(HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]))?;
    Ok(())
}
