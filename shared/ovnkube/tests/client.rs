//! The client against servers that follow a script.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, UnixAddr};
use ovnkube::{Client, Failure, Health, Metrics, Request, Response};
use serde_json::json;
use tempfile::TempDir;

/// More than any answer here takes.
const SOON: Duration = Duration::from_secs(30);
/// Enough for a request to be sent, less than anybody wants to wait.
const BRIEFLY: Duration = Duration::from_millis(300);

/// A server that treats each connection as its script says.
struct Server {
    dir: TempDir,
    _serving: JoinHandle<()>,
}

impl Server {
    fn start(script: impl Fn(UnixStream) + Send + 'static) -> Server {
        let dir = tempfile::tempdir().expect("a directory");
        let listener = UnixListener::bind(dir.path().join("s")).expect("a socket");
        let serving = thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(&script));
        Server { dir, _serving: serving }
    }

    /// One that reads the request and answers with these bytes.
    fn answering(answer: impl Into<Vec<u8>>) -> Server {
        let answer = answer.into();
        Server::start(move |mut stream| {
            read_request(&mut stream);
            let _ = stream.write_all(&answer);
        })
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    fn call(&self) -> Result<Response, Failure> {
        Client::new(self.path()).call(&request(), Instant::now() + SOON)
    }

    fn status(&self) -> Result<Health, Failure> {
        Client::new(self.path()).status(Instant::now() + SOON)
    }
}

fn request() -> Request {
    Request { env: [("CNI_COMMAND".into(), "ADD".into())].into(), ..Request::default() }
}

fn read_request(stream: &mut UnixStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    let length = |head: &str| {
        head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse::<usize>().ok())
    };
    while stream.read(&mut byte).is_ok_and(|n| n == 1) {
        text.push(byte[0]);
        if let Some((head, body)) = String::from_utf8_lossy(&text).split_once("\r\n\r\n")
            && Some(body.len()) == length(head)
        {
            break;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn http(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

#[test]
fn a_chunked_answer_in_many_pieces() {
    let body = json!({"Result": {"cniVersion": "x".repeat(5000)}, "PodIFInfo": null}).to_string();
    let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for piece in body.as_bytes().chunks(700) {
        answer.extend(format!("{:x}\r\n", piece.len()).bytes());
        answer.extend(piece);
        answer.extend(b"\r\n");
    }
    answer.extend(b"0\r\n\r\n");
    let server = Server::start(move |mut stream| {
        read_request(&mut stream);
        answer.chunks(333).for_each(|piece| stream.write_all(piece).expect("a listener"));
    });
    assert!(server.call().expect("an answer").result.is_some());
}

#[test]
fn what_is_posted() {
    let (tell, told) = std::sync::mpsc::channel();
    let server = Server::start(move |mut stream| {
        tell.send(read_request(&mut stream)).expect("somebody listens");
        let _ = stream.write_all(&http(200, ""));
    });
    assert_eq!(server.status().expect("health"), Health::Ready);
    let status = told.recv().expect("a request");
    assert!(
        status.starts_with("POST / HTTP/1.1\r\n")
            && status.ends_with("\r\n\r\n{\"env\":{\"CNI_COMMAND\":\"STATUS\"}}")
    );
    let metrics = Metrics { command: "ADD".into(), elapsed: 1.25, failed: false };
    Client::new(server.path()).report(&metrics, Instant::now() + SOON).expect("an answer");
    let report = told.recv().expect("a request");
    assert!(report.starts_with("POST /metrics HTTP/1.1\r\n"), "{report}");
    assert!(report.ends_with("{\"command\":\"ADD\",\"elapsedTime\":1.25,\"hasErr\":false}"), "{report}");
}

#[test]
fn what_servers_say_of_the_card() {
    let not_ready = |code, reason: &str| Health::NotReady { code, reason: reason.into() };
    let expired = "DPU Not Ready: DPU node lease expired at 2026-08-21T10:00:00Z";
    for (status, body, health) in [
        (200, String::new(), Health::Ready),
        (400, json!({"code": 50, "msg": expired}).to_string() + "\n", not_ready(50, expired)),
        (400, format!("{expired}\n"), not_ready(50, expired)),
        (400, "missing CNI_CONTAINERID\n".into(), Health::Alive),
        (400, "invalid CNI_ARG ''\n".into(), Health::Alive),
    ] {
        let told = Server::answering(http(status, &body)).status().expect("health");
        assert_eq!(told.lease_expired(), body.contains("expired"));
        assert_eq!(told, health);
    }
    let other = Server::answering(http(400, "broken\n")).status().expect_err("no health");
    assert!(matches!(&other, Failure::Refused(text) if text == "broken"));
}

#[test]
fn refusals_are_one_line_and_quote_no_json() {
    let long = "word ".repeat(1000);
    for (status, body, text) in [
        (400, "broken stdin args\n", "broken stdin args"),
        (400, "two\nlines\x1b[31m\n", "two lines [31m"),
        (400, "", "HTTP status 400 without a word"),
        (404, "404 page not found\n", "HTTP status 404: 404 page not found"),
        (500, "{\"KubeAuth\":{\"kube-api-token\":\"secret\"}", "HTTP status 500: JSON that is no CNI error"),
        (400, "{\"code\":0,\"msg\":\"secret\"}", "JSON that is no CNI error"),
        (400, "\u{fffd}", "\u{fffd}"),
    ] {
        let failure = Server::answering(http(status, body)).call().expect_err("a refusal");
        assert!(matches!(&failure, Failure::Refused(said) if said == text), "{failure:?}");
        assert!(!failure.may_have_acted());
    }
    let failure = Server::answering(http(400, &long)).call().expect_err("a refusal").to_string();
    assert!(failure.len() < 1100 && failure.ends_with('…'), "{failure}");
    let cni = r#"{"code":11,"msg":"try\nagain","details":"later","cniVersion":"1.0.0"}"#;
    let failure = Server::answering(http(400, cni)).call().expect_err("a refusal");
    assert!(
        matches!(&failure, Failure::Cni { code: 11, msg, details } if msg == "try again" && details == "later")
    );
}

#[test]
fn nonsense_never_quotes_much() {
    let huge = json!({"PodIFInfo": {"mtu": "x".repeat(100_000)}}).to_string();
    for body in [&huge, "", "{", "null", "[]", "\"text\"", "{\"Result\":null}{}", "{\"Result\":null}"] {
        let failure = Server::answering(http(200, body)).call().expect_err("nonsense");
        assert!(matches!(failure, Failure::Garbage(_)) && failure.may_have_acted(), "{failure:?}");
        assert!(failure.to_string().len() < 1200, "{failure}");
    }
}

#[test]
fn a_deadline_holds_wherever_the_server_stops() {
    let soon = || Instant::now() + BRIEFLY;
    let sent = |failure: Result<Response, Failure>| match failure {
        Err(Failure::Timeout { sent, .. }) => sent,
        other => panic!("{other:?}"),
    };
    // It reads and says nothing.
    let silent = Server::start(|mut stream| {
        read_request(&mut stream);
        let _ = stream.read(&mut [0]);
    });
    assert!(sent(Client::new(silent.path()).call(&request(), soon())));
    // It says a little, and a little more, for ever.
    let slow = Server::start(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            thread::park_timeout(Duration::from_millis(5));
        }
    });
    assert!(sent(Client::new(slow.path()).call(&request(), soon())));
    // It does not read: the request does not fit into the socket's buffer.
    let deaf = Server::start(|mut stream| {
        thread::spawn(move || {
            thread::park_timeout(SOON);
            let _ = stream.flush();
        });
    });
    let large = Request { config: vec![0; 8 << 20], ..request() };
    assert!(!sent(Client::new(deaf.path()).call(&large, soon())));
    // Its queue of connections is full.
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("s");
    let listener = socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)
        .expect("a socket");
    socket::bind(listener.as_raw_fd(), &UnixAddr::new(&path).expect("an address")).expect("a name");
    socket::listen(&listener, Backlog::new(0).expect("a length")).expect("a listener");
    let _first = UnixStream::connect(&path).expect("a place in the queue");
    assert!(!sent(Client::new(&path).call(&request(), soon())));
    // It has passed before anything is done.
    assert!(!sent(Client::new(silent.path()).call(&request(), Instant::now())));
}

#[test]
fn connections_that_break() {
    let deaf = Server::start(drop);
    assert!(matches!(deaf.call(), Err(Failure::Lost(_))));
    let cut = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Result\":");
    let failure = cut.call().expect_err("half an answer");
    assert!(matches!(&failure, Failure::Lost(error) if error.kind() == ErrorKind::UnexpectedEof));
    assert!(failure.may_have_acted());
}

#[test]
fn an_answer_before_the_request_was_read_counts() {
    let hasty = Server::start(|mut stream| {
        let _ = stream.write_all(&http(400, "too large\n"));
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    let large = Request { config: vec![0; 8 << 20], ..request() };
    let failure = Client::new(hasty.path()).call(&large, Instant::now() + SOON);
    assert!(matches!(&failure, Err(Failure::Refused(text)) if text == "too large"), "{failure:?}");
}

#[test]
fn nobody_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let kind = |path: PathBuf| match Client::new(path).status(Instant::now() + SOON) {
        Err(Failure::Unreachable { source, .. }) => source.kind(),
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(dir.path().join("absent")), ErrorKind::NotFound);
    std::fs::write(dir.path().join("file"), "").expect("a file");
    assert_eq!(kind(dir.path().join("file")), ErrorKind::ConnectionRefused);
    drop(UnixListener::bind(dir.path().join("left")).expect("a socket"));
    assert_eq!(kind(dir.path().join("left")), ErrorKind::ConnectionRefused);
    kind(dir.path().join("long".repeat(100)));
}
