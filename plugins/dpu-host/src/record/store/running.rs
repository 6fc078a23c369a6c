//! Which attachments are being made right now.
//!
//! An ADD keeps a file under its attachment's name and a lock on it: the kernel gives that back with the process,
//! however it ends. It is no lock on the record, which is another file each time it is written. Those who make the same
//! attachment share the lock; who wants to know whether there are any asks for it alone. Whatever else several ADDs do
//! together and the last of them ends (`pod/defaults.rs`) is kept by such a file too.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use cni::Error;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

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
        let share = |file| Flock::lock(file, FlockArg::LockSharedNonblock);
        let file =
            enter(path, share).map_err(|error| error::state(format!("locking {}", path.display()), error))?;
        Ok(Running { file, path: path.to_owned() })
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
    deserted(path)?.map_or(Ok(()), |file| leave(&file, path))
}

/// Locks the file as `lock` does, making it, and again when it is removed meanwhile.
///
/// # Errors
/// [`ErrorKind::WouldBlock`] when others keep it, and when the disk refuses.
pub(crate) fn enter(
    path: &Path,
    mut lock: impl FnMut(File) -> Result<Flock<File>, (File, Errno)>,
) -> io::Result<Flock<File>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match lock(create(path)?) {
            // One that was removed meanwhile would be seen by nobody.
            Ok(file) if is_at(&file, path)? => return Ok(file),
            Ok(_) | Err((_, Errno::EWOULDBLOCK)) if Instant::now() < deadline => thread::sleep(POLL),
            Ok(_) => return Err(ErrorKind::WouldBlock.into()),
            Err((_, errno)) => return Err(errno.into()),
        }
    }
}

/// Opens the file. Its directory is made by the first ADD since the node booted, in one that is root's alone.
fn create(path: &Path) -> io::Result<File> {
    let opened = || private(path, OFlag::O_RDWR | OFlag::O_CREAT);
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

/// The file, locked against everybody, where there is one that nobody has locked.
///
/// # Errors
/// When the disk refuses.
pub(crate) fn deserted(path: &Path) -> io::Result<Option<Flock<File>>> {
    match alone(path) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        found => found,
    }
}

/// The file, locked against everybody, if there is one. [`ErrorKind::WouldBlock`] where somebody makes the attachment.
fn alone(path: &Path) -> io::Result<Option<Flock<File>>> {
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

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
