use std::io::{self, Cursor, Read};

use proptest::prelude::*;

use super::*;

fn read(text: &[u8]) -> Result<Answer, Broken> {
    answer(&mut Cursor::new(text))
}

fn body(text: &[u8]) -> Vec<u8> {
    read(text).expect("a complete answer").body
}

fn nonsense_of(text: &[u8]) -> String {
    match read(text) {
        Err(Broken::Nonsense(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// Gives one byte at a time, as a slow peer does.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
        into[0] = *first;
        self.0 = rest;
        Ok(1)
    }
}

#[test]
fn reads_the_three_framings() {
    assert_eq!(body(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"), b"abc");
    assert_eq!(body(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), b"");
    assert_eq!(body(b"HTTP/1.0 200 OK\r\n\r\nto the end"), b"to the end");
    assert_eq!(
        body(b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: t\r\n\r\n"),
        b"abc0123456789"
    );
}

#[test]
fn skips_interim_answers() {
    let text = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno";
    assert_eq!(read(text).expect("an answer"), Answer { status: 400, body: b"no".to_vec() });
}

#[test]
fn refuses_what_is_too_large_before_reading_it() {
    assert!(nonsense_of(b"HTTP/1.1 200 OK\r\nContent-Length: 4194305\r\n\r\n").contains("4194305"));
    assert!(
        nonsense_of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400001\r\n").contains("more than")
    );
    assert!(
        nonsense_of(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n")
            .contains("no length")
    );
    let endless = answer(&mut b"HTTP/1.1 200 OK\r\n\r\n".chain(io::repeat(b'x')));
    assert!(matches!(endless, Err(Broken::Nonsense(text)) if text.contains("more than")));
    let headers = answer(&mut b"HTTP/1.1 200 OK\r\nA: ".chain(io::repeat(b'x')));
    assert!(matches!(headers, Err(Broken::Nonsense(text)) if text.contains("headers")));
    let size = answer(&mut b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".chain(io::repeat(b'0')));
    assert!(matches!(size, Err(Broken::Nonsense(text)) if text.contains("size")));
    let trailers = &mut b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        .chain(Cursor::new(b"T: t\r\n".repeat(20_000)));
    assert!(matches!(answer(trailers), Err(Broken::Nonsense(text)) if text.contains("trailers")));
}

#[test]
fn refuses_what_is_not_http() {
    for text in [
        &b"hello\n"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00\x01\x02\x03",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nabx\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffffff\r\n",
    ] {
        nonsense_of(text);
    }
}

#[test]
fn a_cut_answer_is_no_answer() {
    let whole: [&[u8]; 2] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ];
    for text in whole {
        assert_eq!(body(text), b"abc");
        for length in 0..text.len() {
            assert!(matches!(read(&text[..length]), Err(Broken::Io(_))), "cut at {length}");
        }
    }
}

#[test]
fn a_request_tells_its_length_and_end() {
    let text = String::from_utf8(post("/metrics", b"{}")).expect("ASCII");
    assert!(text.starts_with("POST /metrics HTTP/1.1\r\nHost: dummy\r\n"), "{text}");
    assert!(text.contains("\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"), "{text}");
}

fn chunked(pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        text.extend(format!("{:x}\r\n", piece.len()).bytes());
        text.extend(piece);
        text.extend(b"\r\n");
    }
    text.extend(b"0\r\n\r\n");
    text
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_an_error(text: Vec<u8>) {
        let _ = read(&text);
    }

    #[test]
    fn any_bytes_behind_a_head_are_handled(text: Vec<u8>, chunked: bool, length in 0usize..64) {
        let framing =
            if chunked { String::from("Transfer-Encoding: chunked") } else { format!("Content-Length: {length}") };
        let _ = read(&[format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").as_bytes(), &text].concat());
    }

    #[test]
    fn chunks_come_together_however_they_arrive(pieces: Vec<Vec<u8>>) {
        let text = chunked(&pieces);
        prop_assert_eq!(body(&text), pieces.concat());
        prop_assert_eq!(answer(&mut Trickle(&text)).expect("a complete answer").body, pieces.concat());
    }
}
