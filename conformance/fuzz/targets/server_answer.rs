//! Answers of ovnkube-node's CNI server as they come over the socket. The first byte says in what pieces.
#![no_main]

use std::io::{self, Read};

use fuzz::is_one_line;
use libfuzzer_sys::fuzz_target;
use ovnkube::{Failure, fuzzing};

/// A connection that gives so many bytes at a time.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(into.len()).min(self.0.len());
        let (piece, rest) = self.0.split_at(count);
        into[..count].copy_from_slice(piece);
        self.0 = rest;
        Ok(count)
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((size, bytes)) = data.split_first() else { return };
    let whole = fuzzing::http(&mut &*bytes);
    let pieces = fuzzing::http(&mut Pieces(bytes, usize::from(*size) + 1));
    assert_eq!(whole, pieces, "how an answer is cut makes no difference");
    let Some((status, body)) = whole else { return };
    if let Ok(health) = fuzzing::health(status, body.clone()) {
        let _ = health.lease_expired();
    }
    if let Err(failure) = fuzzing::response(status, body) {
        assert!(!matches!(failure, Failure::Cni { code: 0, .. }));
        assert!(is_one_line(&failure.to_string()), "{failure}");
        let explained = dpu_host::fuzzing::explained(&failure).to_string();
        assert!(is_one_line(&explained) && explained.len() < 1000, "{explained}");
    }
});
