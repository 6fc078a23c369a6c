//! ovnkube-node's CNI server in `dpu-host` mode (`go-controller/pkg/cni/cniserver.go`).

mod add;
mod addresses;
mod arguments;
mod context;
mod del;
mod http;
mod plumb;
mod reply;
mod verbs;

use std::fs;
use std::net::Shutdown;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};

use super::state::Shared;
pub use reply::TOKEN;

/// One run of the server, from its start to its stop.
pub(super) struct Server {
    listener: UnixListener,
    accepting: Option<JoinHandle<()>>,
    connections: Arc<Connections>,
}

/// The connections of a run. A killed process loses all of them at once.
#[derive(Default)]
struct Connections(Mutex<Vec<(UnixStream, JoinHandle<()>)>>);

impl Server {
    /// Starts it: the directory is made anew with mode 0700, the socket in it has 0600.
    pub(super) fn start(shared: &Arc<Shared>, path: &Path) -> Result<Server> {
        let dir = path.parent().context("a socket has a directory")?;
        if dir.exists() {
            fs::remove_dir_all(dir).context("removing the server's directory")?;
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .context("making the server's directory")?;
        let listener = UnixListener::bind(path).context("binding the server's socket")?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        let connections = Arc::<Connections>::default();
        let accepting = thread::Builder::new().name(String::from("cni-server")).spawn({
            let (listener, shared, connections) =
                (listener.try_clone()?, shared.clone(), connections.clone());
            let run = shared.state().run;
            // Shutting a listening socket down ends this.
            move || {
                while let Ok((stream, _)) = listener.accept() {
                    connections.serve(&shared, stream, run);
                }
            }
        })?;
        Ok(Server { listener, accepting: Some(accepting), connections })
    }

    /// Stops it as a kill does: connections break, work is dropped where it waits, and the socket stays behind with
    /// nobody listening.
    pub(super) fn stop(mut self, shared: &Shared) {
        shared.change(|state| state.run += 1);
        let listener = std::os::fd::AsRawFd::as_raw_fd(&self.listener);
        let _ = nix::sys::socket::shutdown(listener, nix::sys::socket::Shutdown::Both);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        let connections =
            std::mem::take(&mut *self.connections.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (stream, _) in &connections {
            let _ = stream.shutdown(Shutdown::Both);
        }
        for (_, serving) in connections {
            let _ = serving.join();
        }
    }
}

impl Connections {
    fn serve(&self, shared: &Arc<Shared>, stream: UnixStream, run: u64) {
        let Ok(handle) = stream.try_clone() else { return };
        // Before the next one is accepted, so that nobody finds the server idle who came after this one.
        shared.change(|state| state.busy += 1);
        let shared = shared.clone();
        let serving = thread::Builder::new().name(String::from("cni-request")).spawn(move || {
            verbs::serve(&shared, &stream, run);
            shared.change(|state| state.busy -= 1);
            // The clone in the list keeps the connection open otherwise.
            let _ = stream.shutdown(Shutdown::Both);
        });
        if let Ok(serving) = serving {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|(_, serving)| !serving.is_finished());
            all.push((handle, serving));
        }
    }
}
