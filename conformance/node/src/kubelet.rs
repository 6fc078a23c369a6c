//! The kubelet's PodResources API, version 1: `List` and `Get`, over HTTP/2 on a unix socket.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Response, header};
use kubelet::wire::{
    self, ClaimResource, ContainerResources, DynamicResource, GetPodResourcesRequest,
    GetPodResourcesResponse, ListPodResourcesResponse, PodResources,
};
use prost::Message;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

use super::behaviour::{Get, Kubelet};
use super::state::{PodKey, Shared};

/// A running kubelet. Dropping it stops it and removes its socket.
pub(super) struct Server {
    path: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it.
    pub(super) fn start(shared: Arc<Shared>, path: PathBuf) -> Result<Server> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener =
            runtime.block_on(async { UnixListener::bind(&path) }).context("binding the kubelet's socket")?;
        let (stop, stopped) = oneshot::channel();
        let serving = thread::Builder::new().name(String::from("kubelet")).spawn(move || {
            runtime.block_on(async {
                tokio::spawn(async move {
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(serve(shared.clone(), stream));
                    }
                });
                // Whatever still runs ends with the runtime.
                let _ = stopped.await;
            });
        })?;
        Ok(Server { path, stop: Some(stop), serving: Some(serving) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
        let _ = fs::remove_file(&self.path);
    }
}

/// A client that hangs up ends this; nobody else cares.
async fn serve(shared: Arc<Shared>, stream: UnixStream) {
    let behaviour = shared.state().behaviour.kubelet.clone();
    if behaviour == Kubelet::Garbage {
        let _ = stream.try_write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        // Closed at once, with the client's words unread, it would look like a reset.
        return std::future::pending().await;
    }
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let behaviour = take_behaviour(&shared);
        if behaviour != Kubelet::Hangs {
            let (shared, path) = (shared.clone(), request.uri().path().to_owned());
            // The connection is to be served meanwhile, or the request's message never comes.
            tokio::spawn(async move {
                let Some(Ok(message)) = request.into_body().data().await else { return };
                let said = said(&shared, &behaviour, &path, &message);
                let _ = answer(&behaviour, said, &mut respond);
                // Dropped, the stream would be reset.
                let _ = std::future::poll_fn(|context| respond.poll_reset(context)).await;
            });
            continue;
        }
        // Dropped, the stream would be reset.
        tokio::spawn(async move { std::future::poll_fn(|context| respond.poll_reset(context)).await });
    }
}

/// A pod of a file on the node, for which no API server is asked.
fn static_pod() -> PodKey {
    ("kube-system".into(), "kube-rbac-proxy-crio-node".into())
}

/// How this call is answered; a rate limit ends with the calls that it refuses.
fn take_behaviour(shared: &Shared) -> Kubelet {
    shared.change(|state| {
        let behaviour = state.behaviour.kubelet.clone();
        if let Kubelet::RateLimited(left) = &mut state.behaviour.kubelet {
            *left = left.saturating_sub(1);
        }
        if behaviour == Kubelet::RateLimited(0) { Kubelet::Healthy } else { behaviour }
    })
}

/// The answer's message, or the status and text of a refusal.
fn said(
    shared: &Shared,
    behaviour: &Kubelet,
    path: &str,
    message: &[u8],
) -> Result<Vec<u8>, (u32, &'static str)> {
    let is_get = path == wire::GET;
    let state = shared.state();
    match (behaviour, state.behaviour.get) {
        _ if !is_get && path != wire::LIST => return Err((12, "unknown method")),
        (Kubelet::RateLimited(_), _) => return Err((8, "rejected by rate limit")),
        (_, Get::Missing) if is_get => {
            return Err((12, "unknown method Get for service v1.PodResourcesLister"));
        }
        (_, Get::Off) if is_get => return Err((2, "PodResources API Get method disabled")),
        (Kubelet::Refuses, _) => return Err((2, "error getting pods")),
        _ => {}
    }
    let listed = match behaviour {
        Kubelet::Restarted => BTreeMap::from([(static_pod(), Vec::new())]),
        _ => state.listed.clone(),
    };
    if is_get {
        let asked = message.get(wire::PREFIX..).and_then(|asked| GetPodResourcesRequest::decode(asked).ok());
        let key = asked.map(|asked| (asked.pod_namespace, asked.pod_name)).unwrap_or_default();
        let found = listed.get_key_value(&key).ok_or((2, "pod not found"))?;
        let pod_resources = Some(pod((found.0.clone(), found.1.clone())));
        return Ok(wire::frame(&GetPodResourcesResponse { pod_resources }));
    }
    let mut pod_resources: Vec<PodResources> = listed.into_iter().map(pod).collect();
    pod_resources.extend((state.behaviour.list_padding > 0).then(|| stuck(state.behaviour.list_padding)));
    Ok(wire::frame(&ListPodResourcesResponse { pod_resources }))
}

fn pod(((namespace, name), containers): (PodKey, Vec<ContainerResources>)) -> PodResources {
    PodResources { name, namespace, containers: containers.into_iter().map(in_any_order).collect() }
}

/// The devices of a container as they come out of a Go map: in another order each time.
fn in_any_order(mut container: ContainerResources) -> ContainerResources {
    let devices: HashMap<usize, _> = container.devices.into_iter().enumerate().collect();
    container.devices = devices.into_values().collect();
    container
}

/// A pod whose claim has the same device many times, so that it makes up that many bytes. Real ones have short names and
/// tens of thousands of them, which takes a simulation too long to write down.
fn stuck(bytes: usize) -> PodResources {
    let device = ClaimResource {
        driver_name: "gpu.example.com".into(),
        pool_name: "node-1".repeat(10_000),
        device_name: "gpu-0".into(),
        ..ClaimResource::default()
    };
    // With some to spare for keys and lengths.
    let count = bytes.div_ceil(device.encoded_len());
    let claim = DynamicResource {
        claim_name: "gpu".into(),
        claim_namespace: "batch".into(),
        claim_resources: vec![device; count],
    };
    let container = ContainerResources { dynamic_resources: vec![claim], ..ContainerResources::default() };
    PodResources { name: "stuck".into(), namespace: "batch".into(), containers: vec![container] }
}

fn answer(
    behaviour: &Kubelet,
    said: Result<Vec<u8>, (u32, &'static str)>,
    respond: &mut SendResponse<Bytes>,
) -> Result<()> {
    let head = Response::builder().header(header::CONTENT_TYPE, "application/grpc");
    let mut bytes = match said {
        Ok(bytes) => bytes,
        Err((status, message)) => {
            // Trailers without a body before them.
            let head = head.header("grpc-status", status).header("grpc-message", message).body(())?;
            respond.send_response(head, true)?;
            return Ok(());
        }
    };
    let mut body = respond.send_response(head.body(())?, false)?;
    if *behaviour == Kubelet::Truncated {
        bytes.truncate(bytes.len() / 2);
    }
    body.send_data(bytes.into(), false)?;
    if *behaviour == Kubelet::Unfinished {
        body.send_reset(h2::Reason::INTERNAL_ERROR);
        return Ok(());
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    body.send_trailers(trailers)?;
    Ok(())
}
