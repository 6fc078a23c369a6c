//! The client: one request, one answer, one deadline.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use crate::answer;
use crate::http::{self, Answer, Broken};
use crate::transport::{Connection, Open};
use crate::{Failure, Health, Metrics, Request, Response};

/// A client of ovnkube-node's CNI server. It holds no connection: the server closes each after its answer.
#[derive(Clone, Debug)]
pub struct Client {
    path: PathBuf,
    open: Option<Open>,
    /// Who must have started the listener.
    owner: u32,
}

impl Client {
    /// A client of the server on the unix socket at `path`, which must be root's.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Client { path: path.into(), open: None, owner: 0 }
    }

    /// The same where the path is not to be trusted: `open` opens it anew for each request.
    #[must_use]
    pub fn opened_by(self, open: Open) -> Self {
        Client { open: Some(open), ..self }
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
        let response = answer::response(&self.post("/", request, deadline)?)?;
        if response.result.is_none() && response.pod.is_none() {
            return Err(Failure::Garbage(String::from("neither a result nor an interface to configure")));
        }
        Ok(response)
    }

    /// Asks for the card's health and waits for the answer until `deadline`.
    ///
    /// # Errors
    /// When the server cannot be reached or answers something else; see [`Failure`].
    pub fn status(&self, deadline: Instant) -> Result<Health, Failure> {
        let env = [(String::from("CNI_COMMAND"), String::from("STATUS"))].into();
        let request = Request { env, ..Request::default() };
        answer::health(&self.post("/", &request, deadline)?)
    }

    /// Tells the server how long a call took, for its histogram. What it answers does not matter.
    ///
    /// # Errors
    /// When it could not be told; see [`Failure`].
    pub fn report(&self, metrics: &Metrics, deadline: Instant) -> Result<(), Failure> {
        self.post("/metrics", metrics, deadline).map(drop)
    }

    fn post(&self, path: &str, body: &impl Serialize, deadline: Instant) -> Result<Answer, Failure> {
        // What we serialize are strings, numbers and values that came from JSON: it cannot fail.
        let body =
            serde_json::to_vec(body).map_err(|e| Failure::Refused(format!("unsendable request: {e}")))?;
        let mut connection = Connection::open(&self.path, self.open, self.owner, deadline)?;
        connection.send(&http::post(path, &body))?;
        http::answer(&mut connection).map_err(|broken| match broken {
            Broken::Io(error) => connection.failure(error),
            Broken::Nonsense(text) => Failure::Garbage(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::time::Duration;

    use super::*;

    /// The listener is ours; who must have started it is somebody else.
    #[test]
    fn a_listener_of_another_user_is_told_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("s");
        let listener = UnixListener::bind(&path).expect("a socket");
        let own = nix::sys::socket::getsockopt(
            &std::os::unix::net::UnixStream::connect(&path).expect("a connection"),
            nix::sys::socket::sockopt::PeerCredentials,
        );
        let own = own.expect("credentials").uid();
        let client = Client { owner: own + 1, ..Client::new(&path) };
        let failure = client.status(Instant::now() + Duration::from_secs(30)).expect_err("a refusal");
        assert!(matches!(&failure, Failure::NotRoot { uid, .. } if *uid == own), "{failure:?}");
        assert!(!failure.may_have_acted());
        drop(listener);
    }
}
