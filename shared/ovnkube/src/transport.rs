//! A unix connection on which nothing lasts beyond one deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::Failure;

/// Opens a socket's path with `O_PATH`: done by whoever knows which symlinks on the way may be followed.
pub type Open = fn(&Path) -> io::Result<OwnedFd>;

/// A connection to a listener that `owner` started.
pub(crate) struct Connection {
    stream: UnixStream,
    path: PathBuf,
    started: Instant,
    deadline: Instant,
    /// Whether the peer has been given everything.
    sent: bool,
}

impl Connection {
    /// Connects to the listener at `path`, and refuses it when another user than `owner` started it: a directory
    /// with loose permissions must not make root configure what somebody else says.
    pub(crate) fn open(
        path: &Path,
        open: Option<Open>,
        owner: u32,
        deadline: Instant,
    ) -> Result<Connection, Failure> {
        let started = Instant::now();
        let unreachable = |source| Failure::Unreachable { path: path.to_path_buf(), source };
        let failed = |errno: Errno| match errno {
            Errno::EAGAIN => {
                Failure::Timeout { path: path.to_path_buf(), waited: started.elapsed(), sent: false }
            }
            errno => unreachable(errno.into()),
        };
        let stream = match open {
            None => connect(path, deadline),
            Some(open) => {
                let found: OwnedFd = open(path).map_err(unreachable)?;
                // The link in /proc leads to what was opened, whatever its path leads to by now (proc(5)).
                connect(Path::new(&format!("/proc/self/fd/{}", found.as_raw_fd())), deadline)
            }
        };
        let stream = stream.map_err(failed)?;
        let peer = socket::getsockopt(&stream, sockopt::PeerCredentials).map_err(failed)?;
        if peer.uid() != owner {
            return Err(Failure::NotRoot { path: path.to_path_buf(), uid: peer.uid() });
        }
        Ok(Connection { stream, path: path.to_path_buf(), started, deadline, sent: false })
    }

    /// Sends all of `bytes`. A peer that hangs up half-way is no error yet: it may have answered before.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = self.left().and_then(|left| {
                self.stream.set_write_timeout(Some(left))?;
                self.stream.write(rest)
            });
            match written {
                Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => break,
                Err(e) => return Err(self.failure(e)),
            }
        }
        self.sent = true;
        Ok(())
    }

    /// `error`, met while reading or writing here, as a failure of the call.
    pub(crate) fn failure(&self, error: io::Error) -> Failure {
        if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) {
            Failure::Timeout { path: self.path.clone(), waited: self.started.elapsed(), sent: self.sent }
        } else {
            Failure::Lost(error)
        }
    }

    /// The time left, never zero: to the kernel zero means for ever.
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left.max(Duration::from_millis(1))) }
    }
}

impl Read for Connection {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(into)
    }
}

/// Connects within the time left: a listener whose queue is full makes `connect` wait, and only the send timeout,
/// set before, bounds that (unix(7), socket(7)).
fn connect(path: &Path, deadline: Instant) -> Result<UnixStream, Errno> {
    let socket = socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let address = UnixAddr::new(path)?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Errno::EAGAIN);
        }
        let left = i64::try_from(left.as_micros()).unwrap_or(i64::MAX).max(1);
        socket::setsockopt(&socket, sockopt::SendTimeout, &TimeVal::microseconds(left))?;
        match socket::connect(socket.as_raw_fd(), &address) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
            Ok(()) => return Ok(UnixStream::from(socket)),
        }
    }
}
