//! HTTP/1.1 as Go's `net/http` serves it, as far as a CNI client can tell.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

/// Up to here Go knows the length of a body before it sends the head (`net/http/server.go: bufferBeforeChunkingSize`).
const BUFFERED: usize = 2048;
/// The largest request that is read.
const MAX_REQUEST: u64 = 16 << 20;

/// A request.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// Reads one request, or nothing when there is none to read.
pub(super) fn read(stream: &UnixStream) -> io::Result<Option<Request>> {
    let mut input = BufReader::new(stream.take(MAX_REQUEST));
    let first = line(&mut input)?;
    let mut words = first.split(' ').map(String::from);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let mut length = 0;
    loop {
        let header = line(&mut input)?;
        let Some((name, value)) = header.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = Vec::new();
    input.take(length).read_to_end(&mut body)?;
    if (body.len() as u64) < length {
        return Ok(None);
    }
    Ok(Some(Request { method, path, body }))
}

fn line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(line.trim_end().into())
}

/// An answer, ready to be sent.
pub(super) fn answer(status: u16, content_type: &str, body: &[u8]) -> Vec<u8> {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        _ => "Method Not Allowed",
    };
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
    if !content_type.is_empty() {
        head += &format!("Content-Type: {content_type}\r\n");
    }
    if content_type.starts_with("text/plain") {
        head += "X-Content-Type-Options: nosniff\r\n";
    }
    head += "Date: Fri, 21 Aug 2026 10:00:00 GMT\r\nConnection: close\r\n";
    if body.len() <= BUFFERED {
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        return [head.as_bytes(), body].concat();
    }
    head += "Transfer-Encoding: chunked\r\n\r\n";
    let mut bytes = head.into_bytes();
    for piece in body.chunks(BUFFERED) {
        bytes.extend_from_slice(&chunk(piece));
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// A body that goes on for as long as somebody listens.
pub(super) fn endless(mut to: &UnixStream) -> io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    to.write_all(&chunk(b"{\"Result\":{\"x\":\""))?;
    let piece = chunk(&vec![b'x'; 64 << 10]);
    loop {
        to.write_all(&piece)?;
    }
}

fn chunk(piece: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
}
