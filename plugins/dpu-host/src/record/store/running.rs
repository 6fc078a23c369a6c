//! Which attachments are being made right now.
//!
//! An ADD keeps a file under its attachment's name and a lock on it: the kernel gives that back with the process,
//! however it ends. It is no lock on the record, which is another file each time it is written. Those who make the same
//! attachment share the lock; who wants to know whether there are any asks for it alone.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use cni::Error;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::files::{open, private};
use crate::error;

/// Others keep the lock for as long as it takes to look at it, or to remove its file.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is asked for again.
const POLL: Duration = Duration::from_millis(1);

/// The ADD of this process, from its [`begin`](Running::begin) to the end of the process.
#[derive(Debug)]
pub(super) struct Running {
    file: Flock<File>,
    path: PathBuf,
}

impl Running {
    /// Locks this file, making what is missing.
    ///
    /// # Errors
    /// 109 when the disk refuses.
    pub(super) fn begin(path: &Path) -> Result<Self, Error> {
        enter(path).map_err(|error| error::state(format!("locking {}", path.display()), error))
    }
}

impl Running {
    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where another ADD makes the same attachment the file is that one's, too.
        if self.file.relock(FlockArg::LockExclusiveNonblock).is_ok() {
            let _ = leave(&self.file, &self.path);
        }
    }
}

/// Whether some process has locked this file. Where that cannot be told it has.
pub(super) fn has_any(path: &Path) -> bool {
    alone(path).is_err()
}

/// Removes the file of an ADD that was killed.
///
/// # Errors
/// When the disk refuses.
pub(crate) fn sweep(path: &Path) -> io::Result<()> {
    match alone(path) {
        Ok(Some(file)) => leave(&file, path),
        Ok(None) => Ok(()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

/// Locks the file together with all others who make the attachment.
fn enter(path: &Path) -> io::Result<Running> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Flock::lock(create(path)?, FlockArg::LockSharedNonblock) {
            // One that was removed meanwhile would be seen by nobody.
            Ok(file) if is_at(&file, path)? => return Ok(Running { file, path: path.to_owned() }),
            Ok(_) | Err((_, Errno::EWOULDBLOCK)) if Instant::now() < deadline => thread::sleep(POLL),
            Ok(_) => return Err(ErrorKind::WouldBlock.into()),
            Err((_, errno)) => return Err(errno.into()),
        }
    }
}

/// Opens the file. Its directory is made by the first ADD since the node booted, in one that is root's alone.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let opened = || private().read(true).write(true).create(true).truncate(false).open(path);
    match (opened(), path.parent()) {
        (Err(error), Some(dir)) if error.kind() == ErrorKind::NotFound => {
            match DirBuilder::new().mode(0o700).create(dir) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
                _ => opened(),
            }
        }
        (opened, _) => opened,
    }
}

/// The file, locked against everybody, if there is one. [`ErrorKind::WouldBlock`] where somebody makes the attachment.
pub(crate) fn alone(path: &Path) -> io::Result<Option<Flock<File>>> {
    match open(path) {
        Ok(file) => {
            Flock::lock(file, FlockArg::LockExclusiveNonblock).map(Some).map_err(|(_, errno)| errno.into())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file that is locked against everybody, unless another has its place.
pub(crate) fn leave(file: &File, path: &Path) -> io::Result<()> {
    if is_at(file, path)? { fs::remove_file(path) } else { Ok(()) }
}

pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
