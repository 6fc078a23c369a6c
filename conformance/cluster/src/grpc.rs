//! What the kubelet's plugins need: a thread of their own, and a gRPC server on a unix socket.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use kubelet::wire::{PREFIX, frame};
use prost::Message;
use runtimes::cri;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// gRPC's status of a method that the server does not have.
const UNIMPLEMENTED: &str = "12";
/// That of one that has failed.
const UNKNOWN: &str = "2";

/// A message without fields.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Nothing {}

/// A plugin's thread. Dropping it ends all that runs there.
#[derive(Debug)]
pub(super) struct Background {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What is called.
pub(super) trait Service: Send + Sync + 'static {
    /// The answer to a call of the method of this name with this message; `None` where there is no such method.
    fn answer(&self, method: &str, request: &[u8]) -> Result<Option<Answer>>;
}

/// A message, framed.
pub(super) struct Answer {
    message: Vec<u8>,
    /// Whether that is all.
    is_whole: bool,
}

impl Background {
    /// Starts it with this to do.
    pub(super) fn start(name: &str, work: impl Future<Output = ()> + Send + 'static) -> Result<Background> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name(String::from(name)).spawn(move || {
            runtime.block_on(async {
                tokio::spawn(work);
                // Whatever still runs ends with the runtime.
                let _ = stopped.await;
            });
        })?;
        Ok(Background { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Answer {
    /// The answer of a call.
    pub(super) fn only(message: &impl Message) -> Answer {
        Answer { message: frame(message), is_whole: true }
    }

    /// The first of a stream that lasts until the caller goes, and the last.
    pub(super) fn first(message: &impl Message) -> Answer {
        Answer { message: frame(message), is_whole: false }
    }
}

/// Serves a socket from now on, which may have been another's before, until that is aborted.
pub(super) fn listen(socket: &Path, service: Arc<impl Service>) -> Result<AbortHandle> {
    let _ = fs::remove_file(socket);
    let listener = UnixListener::bind(socket).with_context(|| format!("binding {}", socket.display()))?;
    let listening = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, service.clone()));
        }
    });
    Ok(listening.abort_handle())
}

/// A kubelet that hangs up ends this; nobody else cares.
async fn serve(stream: UnixStream, service: Arc<impl Service>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond, service.clone()));
    }
}

async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    service: Arc<impl Service>,
) -> Result<()> {
    let head = Response::builder().header("content-type", "application/grpc");
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let request = cri::receive(&mut request.into_body()).await?;
    let (status, text) = match service.answer(&method, request.get(PREFIX..).unwrap_or_default()) {
        Ok(Some(answer)) => {
            let mut body = respond.send_response(head.body(())?, false)?;
            body.send_data(answer.message.into(), false)?;
            if !answer.is_whole {
                std::future::poll_fn(|context| body.poll_reset(context)).await?;
                return Ok(());
            }
            let status = (http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
            body.send_trailers(HeaderMap::from_iter([status]))?;
            return Ok(());
        }
        Ok(None) => (UNIMPLEMENTED, String::from("unknown method")),
        Err(error) => (UNKNOWN, format!("{error:#}")),
    };
    let head = head.header("grpc-status", status).header("grpc-message", text.replace(char::is_control, " "));
    respond.send_response(head.body(())?, true)?;
    Ok(())
}
