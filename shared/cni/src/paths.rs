//! Paths that a network configuration may name, and how they are opened.
//!
//! A configuration is written by tenants and executed by root. So a path is confined to a few trusted folders,
//! says no `..`, and no symlink below such a folder is followed.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::sys::stat::Mode;

use crate::{Error, code};

/// Prefix of every path below the folders that a plugin uses, `CNI_NETNS` excepted. The environment is the
/// runtime's, so root's; tests and demonstrations leave the machine alone with it.
const ROOT: &str = "DPU_CNI_ROOT";

/// The folders that only root writes to and that are trusted to be, or to be reached through, symlinks.
const TRUSTED: [&str; 4] = ["run", "sys", "var/log", "var/lib/kubelet"];

/// `DPU_CNI_ROOT`, else `/`.
pub fn root() -> PathBuf {
    std::env::var_os(ROOT).filter(|root| !root.is_empty()).map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

/// An absolute path below [`root`].
pub fn rooted(path: &Path) -> PathBuf {
    root().join(path.strip_prefix("/").unwrap_or(path))
}

/// The value of a configuration key that must be a path below one of the `allowed` folders, ready to be opened
/// (below [`root`], `/var/run` read as `/run`).
///
/// # Errors
/// Code 7, naming key, value and what is allowed, for a path that is relative, says `..`, or is elsewhere.
pub fn confined(key: &str, value: &str, allowed: &[&str]) -> Result<PathBuf, Error> {
    confine(value, allowed).map(|path| rooted(&path)).ok_or_else(|| {
        Error::new(code::INVALID_CONFIG, format!("{key} {value} is not allowed"))
            .details(format!("it must be an absolute path below {}, without ..", allowed.join(" or ")))
    })
}

fn confine(value: &str, allowed: &[&str]) -> Option<PathBuf> {
    let path = plain(Path::new(value))?;
    let below =
        |folder: &&str| plain(Path::new(folder)).is_some_and(|top| path.starts_with(&top) && path != top);
    (!value.contains('\0') && allowed.iter().any(below)).then_some(path)
}

/// The path in one spelling: absolute, no `.` and `..`, `/run` for `/var/run`.
fn plain(path: &Path) -> Option<PathBuf> {
    let simple = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::RootDir);
    if !path.is_absolute() || !path.components().all(|part| simple(&part)) {
        return None;
    }
    let path: PathBuf = path.components().collect();
    Some(path.strip_prefix("/var/run").map(|rest| Path::new("/run").join(rest)).unwrap_or(path))
}

/// Opens a path that [`confined`] or [`rooted`] gave, following no symlink below the trusted folder it is in;
/// the descriptor is closed on exec. `mode` is for files that `flags` create.
///
/// # Errors
/// Those of openat2(2): `ELOOP` for a symlink on the way.
pub fn open_confined(path: &Path, flags: OFlag, mode: u32) -> io::Result<OwnedFd> {
    let root = root();
    let below = path.strip_prefix(&root).map_err(|_| io::ErrorKind::InvalidInput)?;
    let trusted =
        TRUSTED.iter().find_map(|top| below.strip_prefix(top).ok().map(|rest| (root.join(top), rest)));
    let (top, rest) = trusted.ok_or(io::ErrorKind::InvalidInput)?;
    let folder = open(&top, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    open_below(&folder, rest, flags | OFlag::O_CLOEXEC, Mode::from_bits_truncate(mode))
}

fn open_below(folder: &OwnedFd, rest: &Path, flags: OFlag, mode: Mode) -> io::Result<OwnedFd> {
    let rest = if rest.as_os_str().is_empty() { Path::new(".") } else { rest };
    // The kernel refuses a mode for a file that is not to be created.
    let mode = if flags.contains(OFlag::O_CREAT) { mode } else { Mode::empty() };
    let how = OpenHow::new().flags(flags).mode(mode).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    match openat2(folder, rest, how) {
        // Seccomp profiles older than the call (Linux 5.6) answer either.
        Err(Errno::ENOSYS | Errno::EPERM) => walk(folder, rest, flags, mode),
        opened => Ok(opened?),
    }
}

/// The same for where openat2 is not to be had: one component at a time.
fn walk(folder: &OwnedFd, rest: &Path, flags: OFlag, mode: Mode) -> io::Result<OwnedFd> {
    let step = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut at = folder.try_clone()?;
    for part in rest.parent().into_iter().flat_map(Path::components) {
        at = openat(&at, part.as_os_str(), step, Mode::empty())?;
    }
    let last = rest.file_name().unwrap_or(".".as_ref());
    Ok(openat(&at, last, flags | OFlag::O_NOFOLLOW, mode)?)
}
