//! One HTTP/1.1 exchange: the request as bytes, the answer from any reader.
//!
//! Go's server answers with `Content-Length` up to 2 KiB and chunked beyond (`net/http/server.go`), so a client that
//! speaks 1.1 must read both; an answer that ends with the connection is the third form that RFC 9112 6.3 allows.

use std::io::{self, ErrorKind, Read};

/// The largest body that is read. Real ones have a few KiB, or as much as a cluster's CA bundle.
pub(crate) const MAX_BODY: usize = 4 << 20;
/// The largest head.
const MAX_HEAD: usize = 64 << 10;
/// The longest chunk-size or trailer line.
const MAX_LINE: usize = 4 << 10;
const MAX_HEADERS: usize = 64;

/// An answer of any status.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Broken {
    /// Reading failed, or ended too early.
    Io(io::Error),
    /// What was read is not HTTP, or is too much.
    Nonsense(String),
}

/// A POST of the JSON document `body` to `path`.
pub(crate) fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: dummy\r\nUser-Agent: dpu-cni\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// Reads one answer to its end.
pub(crate) fn answer(from: &mut dyn Read) -> Result<Answer, Broken> {
    let mut input = Input { from, buffer: Vec::new(), used: 0 };
    let mut head = input.head()?;
    while head.status / 100 == 1 {
        head = input.head()?;
    }
    let body = match head.framing {
        Framing::Length(length) => input.exactly(length)?,
        Framing::Chunked => input.chunks()?,
        Framing::Eof => input.rest()?,
    };
    Ok(Answer { status: head.status, body })
}

struct Head {
    status: u16,
    framing: Framing,
}

/// How the end of the body is found.
enum Framing {
    Length(usize),
    Chunked,
    Eof,
}

/// What has been read.
struct Input<'a> {
    from: &'a mut dyn Read,
    buffer: Vec<u8>,
    /// How much of the buffer is done with. It goes when more is read: taking every chunk out by itself would cost
    /// the square of a body in tiny chunks.
    used: usize,
}

impl Input<'_> {
    fn unused(&self) -> &[u8] {
        self.buffer.get(self.used..).unwrap_or_default()
    }

    /// Takes the next `length` bytes, which have been read, out.
    fn take(&mut self, length: usize) -> Vec<u8> {
        let taken = self.unused().get(..length).unwrap_or_default().to_vec();
        self.used += length;
        taken
    }

    /// Reads some more; `false` at the end of the stream.
    fn more(&mut self) -> Result<bool, Broken> {
        self.buffer.drain(..self.used);
        self.used = 0;
        let mut piece = [0; 16 << 10];
        loop {
            match self.from.read(&mut piece) {
                Ok(n) => {
                    self.buffer.extend_from_slice(piece.get(..n).unwrap_or_default());
                    return Ok(n > 0);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Broken::Io(e)),
            }
        }
    }

    fn head(&mut self) -> Result<Head, Broken> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            match response.parse(self.buffer.get(self.used..).unwrap_or_default()) {
                Ok(httparse::Status::Complete(length)) => {
                    let framing = framing(response.headers)?;
                    let status = response.code.unwrap_or_default();
                    self.used += length;
                    return Ok(Head { status, framing });
                }
                Ok(httparse::Status::Partial) if self.unused().len() > MAX_HEAD => {
                    return Err(nonsense(format_args!("more than {MAX_HEAD} bytes of HTTP headers")));
                }
                Ok(httparse::Status::Partial) if self.more()? => {}
                Ok(httparse::Status::Partial) => return Err(eof("before the end of the HTTP headers")),
                Err(e) => return Err(nonsense(format_args!("not HTTP: {e}"))),
            }
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, Broken> {
        if length > MAX_BODY {
            return Err(nonsense(format_args!("{length} bytes, more than {MAX_BODY}")));
        }
        while self.unused().len() < length {
            if !self.more()? {
                return Err(eof(&format!("after {} of {length} bytes", self.unused().len())));
            }
        }
        Ok(self.take(length))
    }

    fn rest(&mut self) -> Result<Vec<u8>, Broken> {
        while self.unused().len() <= MAX_BODY {
            if !self.more()? {
                return Ok(self.take(self.unused().len()));
            }
        }
        Err(nonsense(format_args!("more than {MAX_BODY} bytes")))
    }

    /// RFC 9112 7.1.
    fn chunks(&mut self) -> Result<Vec<u8>, Broken> {
        let mut body = Vec::new();
        loop {
            let size = chunk_size(&self.line()?)?;
            if size == 0 {
                break;
            }
            if size > MAX_BODY.saturating_sub(body.len()) {
                return Err(nonsense(format_args!("more than {MAX_BODY} bytes")));
            }
            body.append(&mut self.exactly(size)?);
            if !self.line()?.is_empty() {
                return Err(nonsense(format_args!("a chunk is longer than it says")));
            }
        }
        // Trailers say nothing of interest, but an answer without its end is not complete.
        let mut trailers = 0;
        loop {
            let line = self.line()?;
            trailers += line.len();
            if line.is_empty() {
                return Ok(body);
            }
            if trailers > MAX_HEAD {
                return Err(nonsense(format_args!("more than {MAX_HEAD} bytes of HTTP trailers")));
            }
        }
    }

    /// The next line, without its end.
    fn line(&mut self) -> Result<Vec<u8>, Broken> {
        loop {
            if let Some(end) = self.unused().iter().take(MAX_LINE).position(|byte| *byte == b'\n') {
                let mut line = self.take(end + 1);
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            if self.unused().len() >= MAX_LINE {
                return Err(nonsense(format_args!("a chunk without its size")));
            }
            if !self.more()? {
                return Err(eof("between two chunks"));
            }
        }
    }
}

fn framing(headers: &[httparse::Header<'_>]) -> Result<Framing, Broken> {
    let named = |name: &str| headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value);
    if let Some(coding) = named("transfer-encoding") {
        return if coding.trim_ascii().eq_ignore_ascii_case(b"chunked") {
            Ok(Framing::Chunked)
        } else {
            Err(nonsense(format_args!("an unknown transfer encoding")))
        };
    }
    let Some(length) = named("content-length") else { return Ok(Framing::Eof) };
    let digits = length.trim_ascii();
    let length = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
    match length.and_then(|digits| digits.parse().ok()) {
        Some(length) => Ok(Framing::Length(length)),
        None => Err(nonsense(format_args!("a Content-Length that is no length"))),
    }
}

fn chunk_size(line: &[u8]) -> Result<usize, Broken> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let hex = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
    hex.and_then(|hex| usize::from_str_radix(hex, 16).ok())
        .ok_or_else(|| nonsense(format_args!("a chunk whose size is no number")))
}

fn nonsense(what: std::fmt::Arguments<'_>) -> Broken {
    Broken::Nonsense(what.to_string())
}

fn eof(place: &str) -> Broken {
    Broken::Io(io::Error::new(ErrorKind::UnexpectedEof, format!("the connection ended {place}")))
}

#[cfg(test)]
mod tests;
