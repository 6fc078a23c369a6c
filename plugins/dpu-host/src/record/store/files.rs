//! Files of ours: of root alone, never behind a link, and seen as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cni::Error;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;
use serde::de::DeserializeOwned;

use crate::error;

/// The size of a record in bytes: more than the frame's longest input, in which every number is written as long as can be.
const MOST: u64 = 256 << 20;
/// A draft takes microseconds to write: the writer of one that is older is dead.
const DRAFT: Duration = Duration::from_secs(60);

/// Writes `value` under a temporary name and renames it: a reader sees the old file or the new one.
///
/// # Errors
/// 109 when the disk refuses.
pub(crate) fn write(path: &Path, value: &impl serde::Serialize) -> Result<(), Error> {
    let make = |draft: &Path| {
        let mut file = private(draft, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC)?;
        file.write_all(&serde_json::to_vec(value)?)
    };
    replace(path, path, make).map_err(|error| error::state(format!("writing {}", path.display()), error))
}

/// Removes a file, if it is there.
///
/// # Errors
/// 109 when the disk refuses.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    gone_is_fine(fs::remove_file(path))
        .map_err(|error| error::state(format!("removing {}", path.display()), error))
}

/// Puts what `make` makes under a temporary name, beside `neighbour`, in the place of `path`. A kill leaves it there, to be
/// swept.
pub(super) fn replace(
    path: &Path,
    neighbour: &Path,
    make: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = neighbour.with_file_name(format!(".{name}.{}", std::process::id()));
    let done = make(&draft).and_then(|()| fs::rename(&draft, path));
    if done.is_err() {
        gone_is_fine(fs::remove_file(&draft))?;
    }
    done
}

/// Opens a file of ours to be read.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    private(path, OFlag::O_RDONLY)
}

/// What is in a file of ours: nothing else is one, and none is large.
pub(crate) fn content(file: &File) -> io::Result<Vec<u8>> {
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() > MOST {
        return Err(io::Error::other(format!("it is no file of at most {MOST} bytes")));
    }
    // Such a file is never written to, so there is as much to read as there was.
    let mut content = vec![0; usize::try_from(meta.len()).unwrap_or_default()];
    (&mut &*file).read_exact(&mut content)?;
    Ok(content)
}

/// What [`write()`] has kept there; nothing of a file that is missing or cannot be read.
pub(crate) fn kept<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let content = open(path).and_then(|file| content(&file)).ok()?;
    serde_json::from_slice(&content).ok()
}

/// The files of a directory of ours, without drafts.
pub(crate) fn listing(dir: &Path) -> Vec<PathBuf> {
    entries(dir).into_iter().filter(|path| !is_draft(path)).collect()
}

/// The same, and removes drafts whose writers were killed.
pub(super) fn tidy(dir: &Path) -> Vec<PathBuf> {
    let (drafts, files) = entries(dir).into_iter().partition(|path| is_draft(path));
    remove_forsaken(drafts);
    files
}

fn remove_forsaken(drafts: Vec<PathBuf>) {
    for draft in drafts {
        let made = fs::symlink_metadata(&draft).and_then(|meta| meta.modified());
        // Files have the wall's time: one of the future is from before the clock stepped back.
        let age = made.map(|made| made.elapsed().unwrap_or_else(|ahead| ahead.duration()));
        let forsaken = age.is_ok_and(|age| age > DRAFT);
        if forsaken && let Err(error) = remove(&draft) {
            log::warn!("{error}");
        }
    }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn is_draft(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// How our files are opened: for root alone, never through a link, and without waiting for the other end of a pipe.
pub(super) fn private(path: &Path, how: OFlag) -> io::Result<File> {
    let how = how | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    // Not open(2): musl's says O_CLOEXEC a second time, for kernels that did not know it.
    Ok(openat(AT_FDCWD, path, how, Mode::S_IRUSR | Mode::S_IWUSR)?.into())
}

/// The same, where nothing to remove is as good as removed.
pub(super) fn gone_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
