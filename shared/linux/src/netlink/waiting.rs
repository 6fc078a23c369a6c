//! A netlink socket for [`Connection`](rtnetlink::proto::Connection) that is waited at in the kernel, not in a runtime's
//! reactor: an answer is there when its request has been taken, so that a system call each way is all.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::BufMut;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::MsgFlags;
use rtnetlink::sys::{AsyncSocket, Socket, SocketAddr};

/// More than any that the kernel sends.
const DATAGRAM: usize = 64 << 10;

/// A socket that receives when it has been told to: a connection reads before it has asked anything, and until there is
/// nothing more.
pub(super) struct Waiting {
    socket: Socket,
    state: Cell<State>,
}

/// What it does when it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Idle,
    /// It waits for one datagram, until then.
    Listening(Instant),
    /// Nothing: none has come in time.
    Silent,
}

/// A socket that can be told to wait.
pub(super) trait Listen: AsyncSocket {
    /// Where that is noted.
    fn state(&self) -> &Cell<State>;
}

impl Listen for Waiting {
    fn state(&self) -> &Cell<State> {
        &self.state
    }
}

impl Waiting {
    fn receive<B: BufMut>(&self, buf: &mut B) -> Poll<io::Result<SocketAddr>> {
        let State::Listening(deadline) = self.state.replace(State::Idle) else { return Poll::Pending };
        loop {
            let received = self.socket.recv_from(buf, MsgFlags::MSG_DONTWAIT.bits());
            match received.map(|(_, from)| from) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => match self.is_readable_by(deadline) {
                    Ok(true) => {}
                    Ok(false) => {
                        self.state.set(State::Silent);
                        return Poll::Pending;
                    }
                    Err(error) => return Poll::Ready(Err(error)),
                },
                done => return Poll::Ready(done),
            }
        }
    }

    fn is_readable_by(&self, deadline: Instant) -> io::Result<bool> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            // Whether its time has run out is looked at above.
            Ok(_) | Err(Errno::EINTR) => Ok(true),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsyncSocket for Waiting {
    fn socket_ref(&self) -> &Socket {
        &self.socket
    }

    fn socket_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }

    fn new(protocol: isize) -> io::Result<Self> {
        Ok(Waiting { socket: Socket::new(protocol)?, state: Cell::new(State::Idle) })
    }

    fn poll_send(&self, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.socket.send(buf, 0))
    }

    fn poll_send_to(&self, _: &mut Context<'_>, buf: &[u8], addr: &SocketAddr) -> Poll<io::Result<usize>> {
        Poll::Ready(self.socket.send_to(buf, addr, 0))
    }

    fn poll_recv<B: BufMut>(&self, _: &mut Context<'_>, buf: &mut B) -> Poll<io::Result<()>> {
        self.receive(buf).map_ok(|_| ())
    }

    fn poll_recv_from<B: BufMut>(&self, _: &mut Context<'_>, buf: &mut B) -> Poll<io::Result<SocketAddr>> {
        self.receive(buf)
    }

    fn poll_recv_from_full(&self, _: &mut Context<'_>) -> Poll<io::Result<(Vec<u8>, SocketAddr)>> {
        let mut bytes = Vec::with_capacity(DATAGRAM);
        self.receive(&mut bytes).map_ok(|from| (bytes, from))
    }
}
