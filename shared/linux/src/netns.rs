//! Network namespaces: opening one safely, telling two apart, and working inside without leaving one's own.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sched::{CloneFlags, setns};
use nix::sys::stat::{Mode, fstat};
use nix::sys::statfs::{NSFS_MAGIC, PROC_SUPER_MAGIC, fstatfs};
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

/// What makes a namespace the same as another, whatever paths lead to them. Unique only while the namespace
/// exists: the kernel uses inode numbers again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NetnsId {
    /// Device of the nsfs file system.
    pub dev: u64,
    /// Inode in it; what `ls -l /proc/self/ns/net` shows.
    pub inode: u64,
}

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
        fstat(fd).map(|stat| NetnsId { dev: stat.st_dev, inode: stat.st_ino })
    }
}

impl Netns {
    /// Opens the namespace at this path, after making sure that it is one.
    ///
    /// Never hangs, whatever is at the path (a FIFO opens at once with `O_NONBLOCK`).
    pub fn open(path: &Path) -> Result<Netns, NetnsError> {
        let failed = |what| move |errno: Errno| NetnsError::new(what, path, errno);
        let fd = open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK, Mode::empty())
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
    pub fn own() -> Result<Netns, NetnsError> {
        Netns::open(Path::new(OWN))
    }

    /// Its identity.
    pub fn id(&self) -> NetnsId {
        self.id
    }

    /// The path that it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The identity of whatever is at this path, without opening it. A namespace that is gone is
    /// [`io::ErrorKind::NotFound`].
    pub fn id_at(path: &Path) -> io::Result<NetnsId> {
        fs::metadata(path).map(|found| NetnsId { dev: found.dev(), inode: found.ino() })
    }

    /// Runs `work` inside the namespace, on a thread of its own that ends with it. The caller's thread stays
    /// where it is. A panic of `work` continues in the caller.
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
