//! Network namespaces: opening one safely, telling two apart, and working inside without leaving one's own.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, getsockopt, socket};
use nix::sys::stat::{Mode, fstat};
use nix::sys::statfs::{NSFS_MAGIC, PROC_SUPER_MAGIC, fstatfs};
use nix::{getsockopt_impl, libc, sockopt_impl};
use serde::{Deserialize, Serialize};

/// The calling thread's own namespace; `/proc/self` would be the main thread's.
const OWN: &str = "/proc/thread-self/ns/net";

/// An open network namespace. It lives at least as long as this value, even if its path is removed.
#[derive(Debug)]
pub struct Netns {
    fd: OwnedFd,
    path: PathBuf,
    id: NetnsId,
}

/// What makes a namespace the same as another, whatever paths lead to them; ask [`NetnsId::is`], since not everybody
/// who makes one knows the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetnsId {
    /// Device of the nsfs file system.
    pub dev: u64,
    /// Inode in it; what `ls -l /proc/self/ns/net` shows. Unique only while the namespace exists: the kernel uses
    /// these numbers again.
    pub inode: u64,
    /// The kernel's own number for it, which it never gives twice (`net/core/net_namespace.c: net_gen_cookie`); none
    /// before Linux 5.14, and where nobody has been inside to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<u64>,
}

sockopt_impl!(
    /// `SO_NETNS_COOKIE` (Linux 5.14) of any socket: the cookie of its namespace.
    Cookie,
    GetOnly,
    libc::SOL_SOCKET,
    libc::SO_NETNS_COOKIE,
    u64
);

/// Why a namespace cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetnsError {
    /// Nothing is there (any more): the sandbox has been removed.
    #[error("the network namespace {} is gone", .0.display())]
    Gone(PathBuf),
    /// Something else is there. Most often the plain file that a bind mount leaves behind after `umount`.
    #[error("{} is not a network namespace; a file left over from one that was unmounted?", .0.display())]
    NotANamespace(PathBuf),
    /// Anything else: permissions, resources.
    #[error("cannot {what} the network namespace {}: {source}", .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The namespace.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl NetnsId {
    fn of(fd: &OwnedFd) -> Result<NetnsId, Errno> {
        fstat(fd).map(|stat| NetnsId { dev: stat.st_dev, inode: stat.st_ino, cookie: None })
    }

    /// Whether both are of one namespace: by the cookie where both have one, else by device and inode.
    pub fn is(&self, other: &NetnsId) -> bool {
        match (self.cookie, other.cookie) {
            (Some(one), Some(other)) => one == other,
            _ => (self.dev, self.inode) == (other.dev, other.inode),
        }
    }
}

/// The cookie of the calling thread's namespace.
fn own_cookie() -> Option<u64> {
    let socket = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None);
    cookie(&socket.ok()?)
}

/// The cookie of the namespace that a socket was opened in, where the kernel gives one.
pub(crate) fn cookie(socket: &impl AsFd) -> Option<u64> {
    getsockopt(socket, Cookie).ok()
}

impl Netns {
    /// Opens the namespace at this path, after making sure that it is one.
    ///
    /// Never hangs, whatever is at the path (a FIFO opens at once with `O_NONBLOCK`).
    ///
    /// # Errors
    /// [`NetnsError::Gone`] without such a file, [`NetnsError::NotANamespace`] when it is another one.
    pub fn open(path: &Path) -> Result<Netns, NetnsError> {
        let failed = |what| move |errno: Errno| NetnsError::new(what, path, errno);
        let fd =
            openat(AT_FDCWD, path, OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK, Mode::empty())
                .map_err(failed("open"))?;
        // Before Linux 3.19 namespaces were files of procfs; CNI's reference library accepts both to this day.
        let kind = fstatfs(&fd).map_err(failed("examine"))?.filesystem_type();
        if kind != NSFS_MAGIC && kind != PROC_SUPER_MAGIC {
            return Err(NetnsError::NotANamespace(path.to_owned()));
        }
        let id = NetnsId::of(&fd).map_err(failed("examine"))?;
        Ok(Netns { fd, path: path.to_owned(), id })
    }

    /// The calling thread's namespace.
    ///
    /// # Errors
    /// As [`Netns::open`]: without `/proc`.
    pub fn own() -> Result<Netns, NetnsError> {
        Netns::open(Path::new(OWN))
    }

    /// Its identity, without the cookie: that is told by a socket in it ([`Netlink::cookie`](crate::Netlink::cookie)).
    pub fn id(&self) -> NetnsId {
        self.id
    }

    /// The path that it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The identity of whatever is at this path, without opening it, and so without the cookie. A namespace that is
    /// gone is [`io::ErrorKind::NotFound`].
    ///
    /// # Errors
    /// Those of stat(2).
    pub fn id_at(path: &Path) -> io::Result<NetnsId> {
        fs::metadata(path).map(|found| NetnsId { dev: found.dev(), inode: found.ino(), cookie: None })
    }

    /// Whether this namespace is at this path. One whose cookie is known is entered to ask for it, if it seems to be
    /// there; one that cannot be entered is taken for what it seems.
    pub fn is_at(path: &Path, id: &NetnsId) -> bool {
        let seems = Netns::id_at(path).is_ok_and(|found| found.is(id));
        if !seems || id.cookie.is_none() {
            return seems;
        }
        match Netns::open(path) {
            Ok(netns) => {
                let cookie = netns.run(own_cookie).ok().flatten();
                NetnsId { cookie, ..netns.id }.is(id)
            }
            Err(NetnsError::Gone(_)) => false,
            Err(_) => true,
        }
    }

    /// Runs `work` inside the namespace, on a thread of its own that ends with it. The caller's thread stays
    /// where it is. A panic of `work` continues in the caller.
    ///
    /// # Errors
    /// When no thread can be started or the namespace not entered (`EPERM`), or it is one of another kind.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, NetnsError> {
        let failed = |what, source| NetnsError::Io { what, path: self.path.clone(), source };
        thread::scope(|scope| {
            let inside = || setns(&self.fd, CloneFlags::CLONE_NEWNET).map(|()| work());
            let thread = thread::Builder::new()
                .name("netns".to_owned())
                .spawn_scoped(scope, inside)
                .map_err(|source| failed("start a thread for", source))?;
            match thread.join() {
                Ok(Ok(result)) => Ok(result),
                // The file is a namespace, but of another kind, or a file of procfs that is none.
                Ok(Err(Errno::EINVAL)) => Err(NetnsError::NotANamespace(self.path.clone())),
                Ok(Err(errno)) => Err(failed("enter", errno.into())),
                Err(panic) => resume_unwind(panic),
            }
        })
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl NetnsError {
    fn new(what: &'static str, path: &Path, errno: Errno) -> NetnsError {
        let path = path.to_owned();
        match errno {
            Errno::ENOENT | Errno::ENOTDIR => NetnsError::Gone(path),
            // What opening a socket in the file system says.
            Errno::ENXIO => NetnsError::NotANamespace(path),
            errno => NetnsError::Io { what, path, source: errno.into() },
        }
    }
}
