//! The log file: ours alone, private, and of bounded size.
//!
//! A tenant's configuration names it, root writes it. So a file that is there already is touched only if it
//! begins as our logs do: an audit log or a journal named by mischief stays whole.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstatat};

use super::time;
use crate::paths;

/// From this size on, in bytes, a file is renamed to `.1`, over the one before.
const FULL: u64 = 10 << 20;

/// Opens the log at `path` of the plugin `name` for appending.
pub(super) fn open(path: &Path, name: &str) -> io::Result<File> {
    let (folder, file) = path.parent().zip(path.file_name()).ok_or(io::ErrorKind::InvalidInput)?;
    let folder = paths::open_confined(folder, OFlag::O_PATH | OFlag::O_DIRECTORY, 0)?;
    open_in(&folder, file, name)
}

fn open_in(folder: &OwnedFd, file: &OsStr, name: &str) -> io::Result<File> {
    let log = open_ours(folder, file, name, OFlag::O_CREAT)?;
    if log.metadata()?.len() < FULL {
        return Ok(log);
    }
    rotate(folder, file, name, log)?;
    open_ours(folder, file, name, OFlag::O_CREAT)
}

/// Neither a symlink is followed nor a pipe waited for.
fn open_ours(folder: &OwnedFd, file: &OsStr, name: &str, flags: OFlag) -> io::Result<File> {
    let safe = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let log = File::from(openat(folder, file, flags | safe | OFlag::O_RDWR | OFlag::O_APPEND, mode)?);
    if !is_ours(&log, &log.metadata()?, name)? {
        return Err(io::Error::other("it exists and is no log of this plugin's"));
    }
    Ok(log)
}

/// Whether the file is new, or its first line is one of ours.
fn is_ours(log: &File, metadata: &Metadata, name: &str) -> io::Result<bool> {
    if !metadata.is_file() || metadata.nlink() != 1 {
        return Ok(false);
    }
    if metadata.len() == 0 {
        return Ok(metadata.permissions().mode() & 0o177 == 0);
    }
    let who = format!("Z {name}[");
    let mut start = vec![0; time::LENGTH - 1 + who.len()];
    match log.read_exact_at(&mut start, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        read => read?,
    }
    let (date, rest) = start.split_at(time::LENGTH - 1);
    Ok(rest == who.as_bytes() && date.iter().all(|byte| byte.is_ascii_digit() || b"-T:.".contains(byte)))
}

/// Renames a full file, unless another process is doing so or has done it. Who has the old one open goes on
/// writing to it, under its new name.
fn rotate(folder: &OwnedFd, file: &OsStr, name: &str, full: File) -> io::Result<()> {
    let held = match Flock::lock(full, FlockArg::LockExclusiveNonblock) {
        Err((_, Errno::EWOULDBLOCK)) => return Ok(()),
        Err((_, error)) => return Err(error.into()),
        Ok(held) => held,
    };
    let named = fstatat(folder, file, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    let ours = held.metadata()?;
    if (named.st_dev, named.st_ino) != (ours.dev(), ours.ino()) {
        return Ok(());
    }
    let mut old = OsString::from(file);
    old.push(".1");
    match open_ours(folder, &old, name, OFlag::empty()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(renameat(folder, file, folder, old.as_os_str())?),
    }
}
