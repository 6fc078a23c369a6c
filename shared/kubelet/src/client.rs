//! One unary call over HTTP/2 (gRPC's `PROTOCOL-HTTP2.md`).

use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use h2::client::{self, ResponseFuture};
use http::{HeaderMap, Request};
use tokio::net::UnixStream;
use tokio::runtime;
use tokio::time::{sleep, timeout_at};

use crate::message::unframe;
use crate::wire::{self, GetPodResourcesRequest};
use crate::{Failure, Socket};

/// The largest answer, as in the kubelet's own client (`defaultPodResourcesMaxSize`).
const MAX_ANSWER: usize = 16 << 20;
/// How much the kubelet may send before we have to say more: most answers are smaller.
const WINDOW: u32 = 1 << 20;
/// The largest head or trailers.
const MAX_HEADERS: u32 = 64 << 10;
/// The gRPC status `RESOURCE_EXHAUSTED`.
const EXHAUSTED: u32 = 8;
/// How long that is put up with: in five seconds the kubelet answers 500 calls, two for each pod of a full node.
const PATIENCE: Duration = Duration::from_secs(5);
/// The first pause after it, doubled each time.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(160);
/// The longest text of another's that enters an error of ours, in characters.
const MAX_TEXT: usize = 1024;

/// What the kubelet says, and who it is.
pub(crate) struct Answer {
    pub(crate) message: Bytes,
    /// Its process, where that is one of this process' own PID namespace.
    pub(crate) pid: Option<i32>,
}

/// What is asked: the method's path, and its message as gRPC frames it.
pub(crate) struct Question {
    path: &'static str,
    message: Bytes,
}

impl Question {
    /// Of all pods.
    pub(crate) fn list() -> Self {
        // Its message has no fields: there is nothing but the prefix.
        Question { path: wire::LIST, message: Bytes::from_static(&[0; wire::PREFIX]) }
    }

    /// Of one.
    pub(crate) fn get(namespace: &str, name: &str) -> Self {
        let message = GetPodResourcesRequest { pod_name: name.into(), pod_namespace: namespace.into() };
        Question { path: wire::GET, message: wire::frame(&message).into() }
    }
}

/// What the kubelet on `socket` answers.
pub(crate) fn call(socket: Socket<'_>, question: &Question, deadline: Instant) -> Result<Answer, Failure> {
    let started = Instant::now();
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::Unreachable { path: socket.path.into(), source })?;
    let patience = deadline.min(started + PATIENCE);
    let asking = async { timeout_at(deadline.into(), patiently(socket, question, patience)).await };
    let timeout = || Failure::Timeout { path: socket.path.into(), waited: started.elapsed() };
    runtime.block_on(asking).unwrap_or_else(|_| Err(timeout()))
}

/// The kubelet serves 10 calls at once and then 100 a second, and refuses the rest (since 1.28): when a node's pods
/// all start together, some of us have to wait for their turn. What it refuses for another reason it goes on refusing,
/// and its words say why.
async fn patiently(socket: Socket<'_>, question: &Question, until: Instant) -> Result<Answer, Failure> {
    let mut pause = PAUSE;
    loop {
        let answer = ask(socket, question).await;
        let exhausted = matches!(answer, Err(Failure::Refused { status: EXHAUSTED, .. }));
        if !exhausted || Instant::now() + pause >= until {
            return answer;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn ask(Socket { path, open }: Socket<'_>, question: &Question) -> Result<Answer, Failure> {
    let unreachable = |source| Failure::Unreachable { path: path.into(), source };
    let found = open(path).map_err(unreachable)?;
    // The link in /proc leads to what was opened, whatever its path leads to by now (proc(5)).
    let link = format!("/proc/self/fd/{}", found.as_raw_fd());
    let stream = UnixStream::connect(link).await.map_err(unreachable)?;
    let peer = stream.peer_cred().map_err(unreachable)?;
    if peer.uid() != 0 {
        return Err(Failure::NotRoot { path: path.into(), uid: peer.uid() });
    }
    let handshake = client::Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_header_list_size(MAX_HEADERS)
        .enable_push(false)
        .handshake::<_, Bytes>(stream);
    let (client, connection) = handshake.await.map_err(broken)?;
    // It ends with the runtime.
    tokio::spawn(connection);
    let request = Request::post(format!("http://localhost{}", question.path))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .map_err(|error| Failure::Garbage(error.to_string()))?;
    let mut client = client.ready().await.map_err(broken)?;
    let (response, mut body) = client.send_request(request, false).map_err(broken)?;
    body.send_data(question.message.clone(), true).map_err(broken)?;
    // The process of another PID namespace is 0 (unix(7)).
    Ok(Answer { message: read(response).await?, pid: peer.pid().filter(|pid| *pid > 0) })
}

async fn read(response: ResponseFuture) -> Result<Bytes, Failure> {
    let (head, mut body) = response.await.map_err(broken)?.into_parts();
    if head.status != 200 {
        return Err(Failure::Garbage(format!("HTTP status {}", head.status.as_u16())));
    }
    // An error may come without a body and trailers of its own.
    status(&head.headers).unwrap_or(Ok(()))?;
    let mut bytes = BytesMut::new();
    while let Some(piece) = body.data().await {
        let piece = piece.map_err(broken)?;
        if bytes.len() + piece.len() > MAX_ANSWER {
            return Err(Failure::TooLarge { limit: MAX_ANSWER });
        }
        body.flow_control().release_capacity(piece.len()).map_err(broken)?;
        bytes.extend_from_slice(&piece);
    }
    let trailers = body.trailers().await.map_err(broken)?.unwrap_or_default();
    let absent = || Err(Failure::Garbage(String::from("no gRPC status")));
    status(&trailers).or_else(|| status(&head.headers)).unwrap_or_else(absent)?;
    unframe(bytes.freeze())
}

/// The gRPC status, if there is one here.
fn status(headers: &HeaderMap) -> Option<Result<(), Failure>> {
    let text =
        |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let code = text("grpc-status")?;
    Some(match code.parse() {
        Ok(0) => Ok(()),
        Ok(status) => {
            Err(Failure::Refused { status, message: shorten(&text("grpc-message").unwrap_or_default()) })
        }
        Err(_) => Err(Failure::Garbage(String::from("a gRPC status that is no number"))),
    })
}

fn broken(error: h2::Error) -> Failure {
    let text = shorten(&error.to_string());
    // A kubelet that ends in order says so first.
    if error.is_io() || error.is_remote() { Failure::Lost(text) } else { Failure::Garbage(text) }
}

fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}
