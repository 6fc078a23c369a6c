//! One unary gRPC call over a unix socket, as <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>
//! describes it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::{Buf, Bytes, BytesMut};
use h2::RecvStream;
use http::{HeaderMap, Request};
use kubelet::wire::{PREFIX, frame};
use prost::Message;
use tokio::net::UnixStream;

/// What a runtime answers when it refuses: the text that kubelet shows in the pod's event.
#[derive(Debug)]
pub struct Refusal {
    /// A gRPC status code; runtimes know little but 2, "unknown".
    pub code: u32,
    /// Its message.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// Calls `method` ("/package.Service/Name") of the server at `socket`.
///
/// # Errors
/// A [`Refusal`] when the server answers with one; anything else is a broken or a missing server.
pub(super) fn call<A: Message + Default>(
    socket: &Path,
    method: &str,
    request: &impl Message,
    within: Duration,
) -> Result<A> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(ask(socket, method, request, within))
}

/// The same for who waits for other things too.
///
/// # Errors
/// As [`call`].
pub async fn ask<A: Message + Default>(
    socket: &Path,
    method: &str,
    request: &impl Message,
    within: Duration,
) -> Result<A> {
    let exchange = exchange(socket, method, frame(request).into());
    let answer = tokio::time::timeout(within, exchange)
        .await
        .with_context(|| format!("{method} got no answer within {} s", within.as_secs()))?
        .map_err(|error| if error.is::<Refusal>() { error } else { error.context(method.to_owned()) })?;
    A::decode(answer).context("decoding the answer")
}

async fn exchange(socket: &Path, method: &str, frame: Bytes) -> Result<Bytes> {
    let stream =
        UnixStream::connect(socket).await.with_context(|| format!("connecting to {}", socket.display()))?;
    let (client, connection) = h2::client::handshake(stream).await?;
    let connection = tokio::spawn(connection);
    let request = Request::post(format!("http://localhost{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())?;
    let (response, mut sending) = client.ready().await?.send_request(request, false)?;
    sending.send_data(frame, true)?;
    let (head, mut body) = response.await?.into_parts();
    let received = receive(&mut body).await?;
    // A refusal without a body carries its status in the only header block there is.
    let trailers = body.trailers().await?.unwrap_or(head.headers);
    connection.abort();
    status(&trailers)?;
    message(received)
}

/// All of a body, whichever side sent it.
///
/// # Errors
/// When it breaks off.
pub async fn receive(body: &mut RecvStream) -> Result<BytesMut> {
    let mut received = BytesMut::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        received.extend_from_slice(&chunk);
    }
    Ok(received)
}

fn status(trailers: &HeaderMap) -> Result<()> {
    let field = |name| trailers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let code: u32 = field("grpc-status").context("an answer without a gRPC status")?.parse()?;
    if code == 0 {
        return Ok(());
    }
    let message = field("grpc-message").map(|text| unescape(&text)).unwrap_or_default();
    Err(Refusal { code, message }.into())
}

fn message(mut received: BytesMut) -> Result<Bytes> {
    ensure!(received.len() >= PREFIX, "an answer of {} bytes holds no gRPC message", received.len());
    ensure!(received.get_u8() == 0, "a compressed answer, which nobody asked for");
    let length = received.get_u32() as usize;
    ensure!(received.len() == length, "a message of {length} bytes in {} bytes", received.len());
    Ok(received.freeze())
}

/// Undoes the percent-encoding of `grpc-message`.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn a_status_message_is_percent_encoded() {
        assert_eq!(unescape("plugin type=%22x%22 failed%3A 100%25"), "plugin type=\"x\" failed: 100%");
        assert_eq!(unescape("50% of %zz"), "50% of %zz");
    }
}
