//! The kubelet's PodResources API, version 1: `List`, over HTTP/2 on a unix socket.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use kubelet::wire::{self, ContainerResources, ListPodResourcesResponse, PodResources};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

use super::behaviour::Kubelet;
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
            let _ = answer(&shared, &behaviour, &request, &mut respond);
        }
        // Dropped, the stream would be reset.
        tokio::spawn(async move { std::future::poll_fn(|context| respond.poll_reset(context)).await });
    }
}

fn pod(((namespace, name), containers): (PodKey, Vec<ContainerResources>)) -> PodResources {
    PodResources { name, namespace, containers }
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

fn answer<B>(
    shared: &Shared,
    behaviour: &Kubelet,
    request: &Request<B>,
    respond: &mut SendResponse<Bytes>,
) -> Result<()> {
    let (status, message) = match behaviour {
        _ if request.uri().path() != wire::LIST => (12, "unknown method"),
        Kubelet::RateLimited(_) => (8, "rejected by rate limit"),
        Kubelet::Refuses => (2, "error getting pods"),
        _ => (0, ""),
    };
    let head = Response::builder().header(header::CONTENT_TYPE, "application/grpc");
    if status != 0 {
        // Trailers without a body before them.
        let head = head.header("grpc-status", status).header("grpc-message", message).body(())?;
        respond.send_response(head, true)?;
        return Ok(());
    }
    let mut body = respond.send_response(head.body(())?, false)?;
    let listed = match behaviour {
        Kubelet::Restarted => BTreeMap::from([(static_pod(), Vec::new())]),
        _ => shared.state().listed.clone(),
    };
    let mut bytes =
        wire::frame(&ListPodResourcesResponse { pod_resources: listed.into_iter().map(pod).collect() });
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
