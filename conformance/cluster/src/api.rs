//! The API server, asked over plain HTTP through `kubectl proxy` on a unix socket: any namespace reaches that, and
//! nothing here has to speak TLS.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use httparse::Status;
use serde_json::Value;

/// For one request; the API server is on the same machine.
const WITHIN: Duration = Duration::from_secs(10);

/// A client of the API server.
#[derive(Clone, Debug)]
pub struct Api {
    socket: PathBuf,
}

impl Api {
    pub(super) fn new(socket: &Path) -> Api {
        Api { socket: socket.to_owned() }
    }

    /// The object or list at this path, `None` where there is none.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub fn find(&self, path: &str) -> Result<Option<Value>> {
        let (status, body) = self.exchange("GET", path, "")?;
        match status {
            200 => Ok(Some(serde_json::from_slice(&body).with_context(|| format!("reading {path}"))?)),
            404 => Ok(None),
            _ => bail!("{path}: status {status}: {}", String::from_utf8_lossy(&body).trim()),
        }
    }

    /// The items of the list at this path.
    ///
    /// # Errors
    /// When there is none.
    pub fn list(&self, path: &str) -> Result<Vec<Value>> {
        let mut list = self.find(path)?.with_context(|| format!("{path} is not there"))?;
        Ok(list["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// The UID of a pod, as an informer of the pods of this node would tell it.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub fn pod_uid(&self, namespace: &str, name: &str) -> Result<Option<String>> {
        let pod = self.find(&format!("/api/v1/namespaces/{namespace}/pods/{name}"))?;
        Ok(pod.and_then(|pod| pod["metadata"]["uid"].as_str().map(str::to_owned)))
    }

    /// Makes an object of those at this path.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses: an object of the name may be there already.
    pub(super) fn create(&self, path: &str, object: &Value) -> Result<()> {
        let (status, body) = self.exchange("POST", path, &object.to_string())?;
        ensure!(status == 201, "{path}: status {status}: {}", String::from_utf8_lossy(&body).trim());
        Ok(())
    }

    /// Whether it says that it can serve.
    pub(super) fn ready(&self) -> bool {
        self.exchange("GET", "/readyz", "").is_ok_and(|(status, _)| status == 200)
    }

    /// One request of HTTP 1.0, whose answer ends with the connection.
    fn exchange(&self, method: &str, path: &str, body: &str) -> Result<(u16, Vec<u8>)> {
        let mut stream = UnixStream::connect(&self.socket).context("connecting to kubectl proxy")?;
        stream.set_read_timeout(Some(WITHIN))?;
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).with_context(|| format!("asking for {path}"))?;
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(&answer).map_err(|error| anyhow!("the answer about {path}: {error}"))?;
        let Status::Complete(head) = parsed else { bail!("the answer about {path} breaks off") };
        let status = response.code.context("an answer without a status")?;
        Ok((status, answer.split_off(head)))
    }
}
