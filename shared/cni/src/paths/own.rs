//! Directories in which root keeps what nobody else may touch.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::Uid;

use super::trusted;

/// A directory that is there to be entered, not read.
const ENTERED: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// Opens a directory that [`super::confined`] allowed, and makes it and those it is in where they are missing, for
/// root alone. Nothing is made below a directory that is not root's alone to write to, or is a symlink: whoever owns
/// that can put another in its place at any time.
///
/// # Errors
/// Says which directory is no such.
pub fn own_dir(path: &Path) -> io::Result<OwnedFd> {
    let (top, below) = trusted(&super::root(), path)?;
    let mut at = openat(AT_FDCWD, &top, ENTERED, Mode::empty())?;
    check(&at, &top)?;
    for part in below {
        at = own_dir_in(&at, part)?;
    }
    Ok(at)
}

/// The same for the directory `name` of one that is open.
///
/// # Errors
/// As [`own_dir`].
pub fn own_dir_in(above: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    let open = || openat(above, name, ENTERED | OFlag::O_NOFOLLOW, Mode::empty());
    let opened = match open() {
        Err(Errno::ENOENT) => match mkdirat(above, name, Mode::S_IRWXU) {
            // Another process was faster.
            Ok(()) | Err(Errno::EEXIST) => open(),
            Err(errno) => Err(errno),
        },
        opened => opened,
    };
    match opened {
        Err(Errno::ENOTDIR | Errno::ELOOP) => Err(refused(name.as_ref())),
        Err(errno) => Err(errno.into()),
        Ok(dir) => check(&dir, name.as_ref()).map(|()| dir),
    }
}

/// The same for several that nobody wants open: one look at each that is there.
///
/// # Errors
/// As [`own_dir`].
pub fn own_dirs_in(above: &OwnedFd, names: &[&str]) -> io::Result<()> {
    for name in names {
        match fstatat(above, *name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(found) => {
                let kind = SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT;
                if kind != SFlag::S_IFDIR || !is_own(found.st_uid, found.st_mode) {
                    return Err(refused(name.as_ref()));
                }
            }
            Err(Errno::ENOENT) => drop(own_dir_in(above, name.as_ref())?),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

fn check(dir: &OwnedFd, name: &Path) -> io::Result<()> {
    let stat = fstat(dir)?;
    if is_own(stat.st_uid, stat.st_mode) { Ok(()) } else { Err(refused(name)) }
}

/// Whether a file of this owner and mode is ours (root's, where a runtime calls us), and nobody else's to write to.
pub(crate) fn is_own(uid: u32, mode: u32) -> bool {
    // Who we are does not change while we run.
    static OURS: OnceLock<Uid> = OnceLock::new();
    let others = Mode::from_bits_truncate(mode) & (Mode::S_IWGRP | Mode::S_IWOTH);
    uid == OURS.get_or_init(Uid::effective).as_raw() && others.is_empty()
}

fn refused(name: &Path) -> io::Error {
    io::Error::other(format!("{} is no directory, not root's, or writable by others", name.display()))
}
