//! The node's daemons: starting, killing and waiting for them.

use std::io::Read;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ovnkube::Metrics;

use super::received::Received;
use super::server::Server;
use super::{Node, kubelet};

/// A bound on waiting for what the node does by itself.
const PATIENCE: Duration = Duration::from_secs(60);

impl Node {
    /// What the server has received, in order.
    pub fn received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// The commands that the server has received, in order.
    pub fn commands(&self) -> Vec<String> {
        self.received().into_iter().map(|received| received.command).collect()
    }

    /// What was reported to `/metrics`, in order.
    pub fn metrics(&self) -> Vec<Metrics> {
        self.shared.state().metrics.clone()
    }

    /// Kills the server: connections break, work is dropped where it waits, the socket stays behind.
    pub fn stop_server(&self) {
        let server = self.server().take();
        if let Some(server) = server {
            server.stop(&self.shared);
        }
    }

    /// Removes the server's socket, as between a start of ovnkube-node and its listening.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove_socket(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.server_socket())?)
    }

    /// Starts the server, killing the one that runs. Pods and annotations are as they were.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start_server(&self) -> Result<()> {
        self.stop_server();
        let server = Server::start(&self.shared, &self.server_socket())?;
        *self.server() = Some(server);
        Ok(())
    }

    /// Waits until the server works on nothing: also not for a client that has hung up.
    ///
    /// # Errors
    /// When it does not come to rest within a minute.
    pub fn idle(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        // A client that was killed may have left a request which the server has not taken up yet. Connections are
        // taken up in order: once an empty one has been answered, all before it are counted.
        if let Ok(mut last) = UnixStream::connect(self.server_socket()) {
            last.shutdown(Shutdown::Write)?;
            last.read_to_end(&mut Vec::new())?;
        }
        self.shared.wait(deadline, |state| (state.busy == 0).then_some(())).context("the server stays busy")
    }

    /// Waits until the server has received `count` requests.
    ///
    /// # Errors
    /// When they do not come within a minute.
    pub fn wait_received(&self, count: usize) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        self.shared
            .wait(deadline, |state| (state.received.len() >= count).then_some(()))
            .with_context(|| format!("the server has not received {count} requests"))
    }

    /// Stops the kubelet and removes its socket.
    pub fn stop_kubelet(&self) {
        self.kubelet.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Starts the kubelet. What it knows is as it was.
    ///
    /// # Errors
    /// When it cannot listen, or runs already.
    pub fn start_kubelet(&self) -> Result<()> {
        let server = kubelet::Server::start(self.shared.clone(), self.kubelet_socket())?;
        *self.kubelet.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
