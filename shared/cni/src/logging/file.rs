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
use nix::sys::stat::{Mode, fstatat, mkdirat};

use super::time;
use crate::paths;

/// From this size on, in bytes, a file is renamed to `.1`, over the one before.
const FULL: u64 = 10 << 20;

/// Opens the log at `path` of the plugin `name` for appending; makes the folder it is in, but none above.
pub(super) fn open(path: &Path, name: &str) -> io::Result<File> {
    let (folder, file) = path.parent().zip(path.file_name()).ok_or(io::ErrorKind::InvalidInput)?;
    let open = || paths::open_confined(folder, OFlag::O_PATH | OFlag::O_DIRECTORY, 0);
    let folder = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(folder)?;
            open()?
        }
        opened => opened?,
    };
    open_in(&folder, file, name)
}

fn make(folder: &Path) -> io::Result<()> {
    let (above, name) = folder.parent().zip(folder.file_name()).ok_or(io::ErrorKind::InvalidInput)?;
    let above = paths::open_confined(above, OFlag::O_PATH | OFlag::O_DIRECTORY, 0)?;
    match mkdirat(&above, name, Mode::S_IRWXU) {
        // Another process was faster.
        Err(Errno::EEXIST) => Ok(()),
        made => Ok(made?),
    }
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

/// Whether the file is nobody's but root's to write, and is new or begins with a line of ours.
fn is_ours(log: &File, metadata: &Metadata, name: &str) -> io::Result<bool> {
    let own = paths::is_own(metadata.uid(), metadata.mode());
    if !metadata.is_file() || metadata.nlink() != 1 || !own {
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::time::UNIX_EPOCH;

    use log::Level;
    use tempfile::TempDir;

    use super::*;
    use crate::logging::line;

    const NAME: &str = "probe";

    /// A folder, and the same opened.
    fn folder() -> (TempDir, OwnedFd) {
        let folder = TempDir::new().unwrap();
        let opened = File::open(folder.path()).unwrap().into();
        (folder, opened)
    }

    fn our_line() -> String {
        line(UNIX_EPOCH, NAME, Level::Info, "ADD n/c/eth0 ns/pod", "done")
    }

    fn fill(path: &Path, start: &str) {
        fs::write(path, start).unwrap();
        File::options().write(true).open(path).unwrap().set_len(FULL).unwrap();
    }

    #[test]
    fn a_full_file_makes_room_and_loses_nobodys_lines() {
        let (folder, opened) = folder();
        let log = folder.path().join("a.log");
        fill(&log, &our_line());
        let mut earlier = open_ours(&opened, "a.log".as_ref(), NAME, OFlag::empty()).unwrap();
        let mut new = open_in(&opened, "a.log".as_ref(), NAME).unwrap();
        new.write_all(our_line().as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&log).unwrap(), our_line());
        earlier.write_all(b"late").unwrap();
        let old = folder.path().join("a.log.1");
        assert_eq!(fs::metadata(&old).unwrap().len(), FULL + 4);

        fill(&log, &our_line());
        open_in(&opened, "a.log".as_ref(), NAME).unwrap();
        assert_eq!(fs::metadata(&old).unwrap().len(), FULL);
        assert_eq!(fs::metadata(&log).unwrap().len(), 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn only_one_of_several_renames() {
        let (folder, opened) = folder();
        let log = folder.path().join("a.log");
        fill(&log, &our_line());
        let open = || open_ours(&opened, "a.log".as_ref(), NAME, OFlag::empty()).unwrap();
        let (first, second) = (open(), open());
        rotate(&opened, "a.log".as_ref(), NAME, first).unwrap();
        fs::write(&log, our_line()).unwrap();
        rotate(&opened, "a.log".as_ref(), NAME, second).unwrap();
        assert_eq!(fs::read_to_string(&log).unwrap(), our_line());
        assert_eq!(fs::metadata(folder.path().join("a.log.1")).unwrap().len(), FULL);
    }

    #[test]
    fn nobody_waits_for_who_is_renaming() {
        let (folder, opened) = folder();
        let log = folder.path().join("a.log");
        fill(&log, &our_line());
        let held = Flock::lock(File::open(&log).unwrap(), FlockArg::LockExclusiveNonblock).unwrap();
        open_in(&opened, "a.log".as_ref(), NAME).unwrap().write_all(b"x").unwrap();
        drop(held);
        assert_eq!(fs::metadata(&log).unwrap().len(), FULL + 1);
    }

    #[test]
    fn a_foreign_file_is_neither_written_nor_overwritten() {
        let (folder, opened) = folder();
        let other = line(UNIX_EPOCH, "other", Level::Info, "", "");
        for (name, content) in
            [("text", "some text of another program's, long enough"), ("short", "x"), ("other", &other)]
        {
            fs::write(folder.path().join(name), content).unwrap();
            assert!(open_in(&opened, name.as_ref(), NAME).is_err(), "{name}");
        }
        fill(&folder.path().join("a.log"), &our_line());
        fs::write(folder.path().join("a.log.1"), "another's archive").unwrap();
        assert!(open_in(&opened, "a.log".as_ref(), NAME).is_err());
        assert_eq!(fs::read_to_string(folder.path().join("a.log.1")).unwrap(), "another's archive");
    }
}
