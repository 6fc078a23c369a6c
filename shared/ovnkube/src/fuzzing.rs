//! The parsers of answers as the fuzz targets (conformance/fuzz) call them. In no other build.

use std::io::Read;

use crate::answer;
use crate::http::{self, Answer, Broken};
use crate::{Failure, Health, Response};

/// Reads an answer off a connection: its status and body; `None` when it is none.
pub fn http(from: &mut dyn Read) -> Option<(u16, Vec<u8>)> {
    match http::answer(from) {
        Ok(Answer { status, body }) => {
            assert!(body.len() <= http::MAX_BODY, "a body is bounded");
            Some((status, body))
        }
        Err(Broken::Io(_) | Broken::Nonsense(_)) => None,
    }
}

/// Reads it as the answer to ADD or DEL.
///
/// # Errors
/// When it is a refusal or none.
pub fn response(status: u16, body: Vec<u8>) -> Result<Response, Failure> {
    answer::response(&Answer { status, body })
}

/// Reads it as the answer to STATUS.
///
/// # Errors
/// When it is none.
pub fn health(status: u16, body: Vec<u8>) -> Result<Health, Failure> {
    answer::health(&Answer { status, body })
}
