//! Paths that a network configuration may name, and how they are opened.
//!
//! A configuration is written by tenants and executed by root. So a path is confined to the few places that nobody
//! but root makes anything in, says no `..`, and no symlink on the way is followed. That a file is root's is no proof
//! of anything: so is what a container's root makes in a volume.

mod own;

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::{Mode, SFlag, fstat};

pub(crate) use self::own::is_own;
pub use self::own::{own_dir, own_dir_in, own_dirs_in};
use crate::{Error, code};

/// Prefix of every path below the folders that a plugin uses, `CNI_NETNS` excepted. The environment is the
/// runtime's, so root's; tests and demonstrations leave the machine alone with it.
const ROOT: &str = "DPU_CNI_ROOT";

/// The folders that only root writes to and that are trusted to be, or to be reached through, symlinks.
const TRUSTED: [&str; 4] = ["run", "sys", "var/log", "var/lib/kubelet"];

/// Where a path that a configuration names may be.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Anywhere below this folder.
    Below(&'static str),
    /// In this folder itself.
    In(&'static str),
    /// This very path, or one that begins with it and a dash and is in the same folder.
    Named(&'static str),
}

impl Place {
    fn has(self, path: &Path) -> bool {
        match self {
            Place::Below(folder) => path.starts_with(folder) && path != Path::new(folder),
            Place::In(folder) => path.parent() == Some(Path::new(folder)),
            Place::Named(name) => {
                let rest = path.to_str().and_then(|path| path.strip_prefix(name));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-') && !rest.contains('/'))
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Below(folder) => write!(f, "below {folder}"),
            Place::In(folder) => write!(f, "directly in {folder}"),
            Place::Named(name) => write!(f, "{name} or {name}-<name>"),
        }
    }
}

/// `DPU_CNI_ROOT`, else `/`.
pub fn root() -> PathBuf {
    std::env::var_os(ROOT).filter(|root| !root.is_empty()).map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

/// An absolute path below [`root`].
pub fn rooted(path: &Path) -> PathBuf {
    root().join(path.strip_prefix("/").unwrap_or(path))
}

/// The value of a configuration key that must be a path in one of the `allowed` places, ready to be opened
/// (below [`root`], `/var/run` read as `/run`).
///
/// # Errors
/// Code 7, naming key, value and what is allowed, for a path that is relative, says `..`, or is elsewhere.
pub fn confined(key: &str, value: &str, allowed: &[Place]) -> Result<PathBuf, Error> {
    confine(value, allowed).map(|path| rooted(&path)).ok_or_else(|| {
        let places: Vec<String> = allowed.iter().map(Place::to_string).collect();
        Error::new(code::INVALID_CONFIG, format!("{key} {value} is not allowed"))
            .details(format!("it must be an absolute path {}, without ..", places.join(" or ")))
    })
}

fn confine(value: &str, allowed: &[Place]) -> Option<PathBuf> {
    let path = plain(Path::new(value))?;
    (!value.contains('\0') && allowed.iter().any(|place| place.has(&path))).then_some(path)
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
    open_under(&root(), path, flags, mode)
}

/// Finds the socket at a path that [`confined`] gave, to connect to it by `/proc/self/fd`: connecting by its path
/// would follow symlinks.
///
/// # Errors
/// As [`open_confined`].
pub fn open_socket(path: &Path) -> io::Result<OwnedFd> {
    open_confined(path, OFlag::O_PATH, 0)
}

fn open_under(root: &Path, path: &Path, flags: OFlag, mode: u32) -> io::Result<OwnedFd> {
    let (top, rest) = trusted(root, path)?;
    let folder =
        openat(AT_FDCWD, &top, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    open_below(&folder, rest, flags | OFlag::O_CLOEXEC, Mode::from_bits_truncate(mode))
}

/// The trusted folder that `path` is in, and the way from there.
fn trusted<'p>(root: &Path, path: &'p Path) -> io::Result<(PathBuf, &'p Path)> {
    let below = path.strip_prefix(root).map_err(|_| io::ErrorKind::InvalidInput)?;
    let trusted =
        TRUSTED.iter().find_map(|top| below.strip_prefix(top).ok().map(|rest| (root.join(top), rest)));
    trusted.ok_or(io::ErrorKind::InvalidInput.into())
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
    let opened = openat(&at, last, flags | OFlag::O_NOFOLLOW, mode)?;
    // With O_PATH a symlink itself is opened (open(2)).
    let kind = SFlag::from_bits_truncate(fstat(&opened)?.st_mode) & SFlag::S_IFMT;
    if kind == SFlag::S_IFLNK { Err(Errno::ELOOP.into()) } else { Ok(opened) }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    const PLACES: [Place; 3] = [Place::Below("/run/a"), Place::In("/var/log"), Place::Named("/run/n")];

    #[test]
    fn only_in_the_allowed_places() {
        for (value, plain) in [
            ("/run/a/b", "/run/a/b"),
            ("/var/run/a/b/c", "/run/a/b/c"),
            ("//run//a/./b/", "/run/a/b"),
            ("/var/log/x", "/var/log/x"),
            ("/run/n", "/run/n"),
            ("/var/run/n-1", "/run/n-1"),
            ("/run/n-a-b/", "/run/n-a-b"),
        ] {
            assert_eq!(confine(value, &PLACES), Some(PathBuf::from(plain)), "{value}");
        }
        let bad = [
            "",
            "run/a/b",
            "./run/a/b",
            "/run",
            "/run/a",
            "/run/a/",
            "/run/ab/c",
            "/run/a/../../etc",
            "/run/a/b/..",
            "/run/a/b\0c",
            "/etc/a",
            "/var/log",
            "/var/log/pods/x",
            "/var/logs/x",
            "/run/n/x",
            "/run/nx",
            "/run/n-x/y",
            "/etc/run/n",
        ];
        for value in bad {
            assert_eq!(confine(value, &PLACES), None, "{value}");
        }
    }

    #[test]
    fn what_is_allowed_is_told() {
        let error = confined("key", "/run/a/../x", &PLACES).unwrap_err();
        assert_eq!(error.code(), code::INVALID_CONFIG);
        assert_eq!(
            error.to_string(),
            "key /run/a/../x is not allowed; it must be an absolute path below /run/a or directly in /var/log or \
             /run/n or /run/n-<name>, without .."
        );
    }

    /// `/run/dpu/file`, a link to the file, and a link to its folder.
    fn tree() -> TempDir {
        let root = TempDir::new().unwrap();
        let run = root.path().join("run");
        fs::create_dir_all(run.join("dpu")).unwrap();
        fs::write(run.join("dpu/file"), "content").unwrap();
        symlink("file", run.join("dpu/link")).unwrap();
        symlink("dpu", run.join("folder")).unwrap();
        root
    }

    /// Both ways of opening, which must agree.
    fn both(root: &Path, path: &str, flags: OFlag) -> [io::Result<OwnedFd>; 2] {
        let folder = OwnedFd::from(File::open(root.join("run")).unwrap());
        let flags = flags | OFlag::O_CLOEXEC;
        let rest = Path::new(path).strip_prefix("/run").unwrap();
        let walked = walk(&folder, rest, flags, Mode::S_IRUSR | Mode::S_IWUSR);
        [open_under(root, &root.join(path.trim_start_matches('/')), flags, 0o600), walked]
    }

    #[test]
    fn opens_what_is_there_and_follows_no_symlink() {
        let root = tree();
        for (path, flags) in [
            ("/run/dpu/file", OFlag::O_RDWR),
            ("/run/dpu", OFlag::O_PATH | OFlag::O_DIRECTORY),
            ("/run", OFlag::O_PATH | OFlag::O_DIRECTORY),
            ("/run/dpu/new", OFlag::O_RDWR | OFlag::O_CREAT),
        ] {
            for opened in both(root.path(), path, flags) {
                assert!(opened.is_ok(), "{path}: {opened:?}");
            }
        }
        for path in ["/run/dpu/link", "/run/folder/file", "/run/folder/file/x", "/run/nowhere"] {
            for flags in [OFlag::O_RDWR, OFlag::O_PATH] {
                for opened in both(root.path(), path, flags) {
                    assert!(opened.is_err(), "{path}");
                }
            }
        }
    }

    #[test]
    fn opens_nothing_outside_the_trusted_folders() {
        let root = tree();
        fs::create_dir(root.path().join("etc")).unwrap();
        for path in [root.path().join("etc"), root.path().to_path_buf(), PathBuf::from("/run")] {
            let opened = open_under(root.path(), &path, OFlag::O_PATH, 0);
            assert_eq!(opened.map_err(|error| error.kind()).unwrap_err(), io::ErrorKind::InvalidInput);
        }
    }
}
