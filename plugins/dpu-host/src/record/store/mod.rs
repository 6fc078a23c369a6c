//! Records, claims and locks on disk.
//!
//! ```text
//! <stateDir>/attachments/<container>-<ifname>-<hash>.json   a record
//! <stateDir>/devices/<device>                               a claim: a link whose text is the record's file name
//! <stateDir>/devices/<device>.lock                          the device's lock, never removed
//! <stateDir>/untold/<…>.json                                a DEL that the server has yet to hear of
//! <stateDir>/running/<record's file name>                   locked while an ADD makes that attachment
//! <stateDir>/unreadable/<device>                            a record that could not be read, out of the way
//! <stateDir>/physical-functions                             the last `physicalFunctions` of an ADD
//! <stateDir>/<each of these>/.<file name>.<process>         a draft, which becomes the file by rename
//! ```
//!
//! A device belongs to the record that its claim names. The lock of a record's first device guards the record too.
//! Everything lives on a tmpfs, so an atomic rename is all the durability there can be.

pub(crate) mod aside;
pub(crate) mod running;

use std::cell::{Cell, RefCell};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use cni::{Attachment, Error, paths};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::statvfs::{FsFlags, statvfs};

use self::running::Running;
use crate::device::DeviceId;
use crate::error;
use crate::record::attachment::{Record, Unreadable};
use crate::record::credible;

/// What the state directory is divided into.
const DIRS: [&str; 3] = ["attachments", "devices", "untold"];
/// The size of a record in bytes: more than the frame's longest input, in which every number is written as long as can be.
const MOST: u64 = 256 << 20;
/// A draft takes microseconds to write: the writer of one that is older is dead.
const DRAFT: Duration = Duration::from_secs(60);
/// How much of a record's file name follows its interface's: a hash of 16 digits, `.json`.
const ENDING: usize = 21;
/// How often a lock is asked for again: flock(2) has no timeout of its own.
const LOCK_POLL: Duration = Duration::from_millis(5);

/// The state directory.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    /// How many DELs the server has yet to hear of, once that has been counted.
    untold: Cell<Option<usize>>,
    /// What this process makes.
    own: RefCell<Option<Running>>,
}

/// A device's lock; dropping it, or dying, gives it back.
#[derive(Debug)]
#[must_use]
pub(crate) struct Lock {
    _file: Flock<File>,
}

impl Store {
    /// Opens the state directory, making what is missing.
    ///
    /// # Errors
    /// 109 when it cannot be made or is not root's alone.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let store = Store { dir: dir.to_owned(), untold: Cell::new(None), own: RefCell::new(None) };
        let made = paths::own_dir(dir).and_then(|opened| {
            DIRS.iter().try_for_each(|sub| paths::own_dir_in(&opened, sub.as_ref()).map(drop))
        });
        // Nobody but root can put another in its place from here on, so paths below it are as good as descriptors.
        made.map(|()| store).map_err(|error| error::state(format!("using {}", dir.display()), error))
    }

    /// Waits for the device's lock until `deadline`.
    ///
    /// # Errors
    /// 11 when another call keeps it for too long.
    pub(crate) fn lock(&self, device: &DeviceId, deadline: Instant) -> Result<Lock, Error> {
        loop {
            if let Some(lock) = self.try_lock(device)? {
                return Ok(lock);
            }
            if Instant::now() >= deadline {
                let what = format!("VF {device} is being worked on by another call of dpu-host");
                return Err(error::again(what, "this is tried again by the container runtime"));
            }
            thread::sleep(LOCK_POLL);
        }
    }

    /// The device's lock, if nobody has it.
    pub(crate) fn try_lock(&self, device: &DeviceId) -> Result<Option<Lock>, Error> {
        let path = self.dir.join("devices").join(format!("{device}.lock"));
        let failed = |error: io::Error| error::state(format!("locking {}", path.display()), error);
        let opened = match private().write(true).create(true).truncate(false).open(&path) {
            // The VF that it guards is to come home all the same.
            Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => open(&path),
            opened => opened,
        };
        let file = opened.map_err(failed)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => Ok(Some(Lock { _file: file })),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err(failed(errno.into())),
        }
    }

    /// The record of an attachment.
    ///
    /// # Errors
    /// 109 when there is one that cannot be read, 110 when a newer version wrote it.
    pub(crate) fn load(&self, attachment: &Attachment) -> Result<Option<Record>, Error> {
        let path = self.record_path(&key(attachment));
        match read(&path) {
            Ok(Some(record)) if record.attachment != *attachment => {
                let why = format!("it is that of {}", record.attachment);
                Err(error::state(format!("reading {}", path.display()), why))
            }
            Ok(record) => Ok(record),
            Err(error) => Err(illegible(&path, error)),
        }
    }

    /// The record of this interface of a container in whatever network, if there is exactly one.
    pub(crate) fn of_interface(&self, container: &str, ifname: &str) -> Option<Record> {
        let begins = beginning(container, ifname);
        let names_it = |file: &PathBuf| {
            let name = file.file_name().unwrap_or_default();
            name.len() == begins.len() + ENDING && name.as_encoded_bytes().starts_with(begins.as_bytes())
        };
        let mut files = self.files().into_iter().filter(names_it);
        let (Some(file), None) = (files.next(), files.next()) else { return None };
        let is_its =
            |record: &Record| record.attachment.container == container && record.attachment.ifname == ifname;
        self.read_or_warn(&file).filter(is_its)
    }

    /// Writes a record, all of it or nothing.
    ///
    /// # Errors
    /// 109 when the disk refuses.
    pub(crate) fn save(&self, record: &Record) -> Result<(), Error> {
        write(&self.record_path(&key(&record.attachment)), record)
    }

    /// Forgets a record and the claims that are its own.
    pub(crate) fn remove(&self, record: &Record) -> Result<(), Error> {
        for held in &record.devices {
            if self.owns(record, &held.id) {
                remove(&self.claim_path(&held.id))?;
            }
        }
        remove(&self.record_path(&key(&record.attachment)))
    }

    /// Makes the device the record's. The caller holds its lock and has looked at its holder.
    pub(crate) fn claim(&self, device: &DeviceId, record: &Record) -> Result<(), Error> {
        let path = self.claim_path(device);
        let link = |draft: &Path| {
            gone_is_fine(fs::remove_file(draft)).and_then(|()| symlink(key(&record.attachment), draft))
        };
        // Not for an instant without a claim: that of a record which knows the VF's name while it waits for it.
        replace(&path, link).map_err(|error| error::state(format!("claiming {}", path.display()), error))
    }

    /// The record that holds the device. A claim whose record is gone, or unreadable, holds nothing.
    pub(crate) fn holder(&self, device: &DeviceId) -> Option<Record> {
        let file = fs::read_link(self.claim_path(device)).ok()?;
        // A name, and no way to somewhere else.
        let name = file.file_name().filter(|name| *name == file.as_os_str())?;
        let record = self.read_or_warn(&self.record_path(name.to_str()?))?;
        record.devices.iter().any(|held| held.id == *device).then_some(record)
    }

    /// Why the record that the device's claim names cannot be read: as [`load`](Self::load) says it.
    pub(crate) fn unreadable(&self, device: &DeviceId) -> Option<Error> {
        let file = fs::read_link(self.claim_path(device)).ok()?;
        let path = self.record_path(file.to_str()?);
        read(&path).err().map(|error| illegible(&path, error))
    }

    /// Whether the device is this record's.
    pub(crate) fn owns(&self, record: &Record, device: &DeviceId) -> bool {
        fs::read_link(self.claim_path(device))
            .is_ok_and(|file| file.as_os_str() == key(&record.attachment).as_str())
    }

    /// The files of all records, in no order.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        listing(&self.dir.join("attachments"))
    }

    /// The records of such files; one that cannot be read is warned of and left alone.
    pub(crate) fn read_or_warn(&self, file: &Path) -> Option<Record> {
        read(file).unwrap_or_else(|error| {
            log::warn!("record {} cannot be read and is left alone: {error}", file.display());
            None
        })
    }

    /// Removes drafts whose writers were killed.
    pub(crate) fn sweep(&self) {
        let drafts = DIRS.iter().flat_map(|sub| entries(&self.dir.join(sub))).filter(|path| is_draft(path));
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

    /// Whether nothing can be written, whatever it is.
    pub(crate) fn is_read_only(&self) -> bool {
        statvfs(&self.dir).is_ok_and(|found| found.flags().contains(FsFlags::ST_RDONLY))
    }

    /// The state directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where DELs wait that the server has yet to hear of.
    pub(crate) fn untold(&self) -> PathBuf {
        self.dir.join("untold")
    }

    /// Counts one more of them: how many there were.
    pub(crate) fn one_more_untold(&self) -> usize {
        // Other processes make and tell some meanwhile, but a GC that keeps a thousand lists them once.
        let before = self.untold.get().unwrap_or_else(|| listing(&self.untold()).len());
        self.untold.set(Some(before + 1));
        before
    }

    fn record_path(&self, key: &str) -> PathBuf {
        self.dir.join("attachments").join(key)
    }

    fn claim_path(&self, device: &DeviceId) -> PathBuf {
        self.dir.join("devices").join(device.to_string())
    }
}

/// The file name of an attachment. The frame has checked the characters of its parts; the hash stands for what is
/// cut off, and the record inside says in full whose it is.
pub(crate) fn key(attachment: &Attachment) -> String {
    let parts = [&attachment.network, &attachment.container, &attachment.ifname];
    let hash = parts.iter().flat_map(|part| part.bytes().chain([0])).fold(
        0xcbf2_9ce4_8422_2325_u64,
        |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3) // FNV-1a: the same in every version
        },
    );
    format!("{}{hash:016x}.json", beginning(&attachment.container, &attachment.ifname))
}

/// How the file names of an interface's attachments begin, in whatever network.
fn beginning(container: &str, ifname: &str) -> String {
    let container: String = container.chars().take(64).collect();
    format!("{container}-{ifname}-")
}

/// Writes `value` under a temporary name and renames it: a reader sees the old file or the new one.
///
/// # Errors
/// 109 when the disk refuses.
pub(crate) fn write(path: &Path, value: &impl serde::Serialize) -> Result<(), Error> {
    let make = |draft: &Path| {
        let mut file = private().write(true).create(true).truncate(true).open(draft)?;
        file.write_all(&serde_json::to_vec(value)?)
    };
    replace(path, make).map_err(|error| error::state(format!("writing {}", path.display()), error))
}

/// Removes a file, if it is there.
///
/// # Errors
/// 109 when the disk refuses.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    gone_is_fine(fs::remove_file(path))
        .map_err(|error| error::state(format!("removing {}", path.display()), error))
}

/// Puts what `make` makes under a temporary name in the place of `path`. A kill leaves it there, to be swept.
fn replace(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let done = make(&draft).and_then(|()| fs::rename(&draft, path));
    if done.is_err() {
        gone_is_fine(fs::remove_file(&draft))?;
    }
    done
}

fn illegible(path: &Path, error: io::Error) -> Error {
    if is_newer(&error) {
        error::newer(error)
    } else {
        error::state(format!("reading {}", path.display()), error)
    }
}

fn read(path: &Path) -> io::Result<Option<Record>> {
    match open(path) {
        Ok(file) => {
            let record = Record::parse(&text(&file)?).map_err(io::Error::other)?;
            match credible::doubt(&record) {
                None => Ok(Some(record)),
                Some(why) => Err(io::Error::other(Unreadable::Untrue(why))),
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a file of ours to be read.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    private().read(true).open(path)
}

/// What is in a file of ours: nothing else is one, and none is large.
pub(crate) fn text(file: &File) -> io::Result<String> {
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() > MOST {
        return Err(io::Error::other(format!("it is no file of at most {MOST} bytes")));
    }
    // In one read: a reader that does not know how much there is begins with 32 bytes.
    let mut text = String::with_capacity(usize::try_from(meta.len()).unwrap_or_default());
    file.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

fn is_newer(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(Unreadable::Newer(_)))
}

/// The files of a directory of ours, without drafts.
pub(crate) fn listing(dir: &Path) -> Vec<PathBuf> {
    entries(dir).into_iter().filter(|path| !is_draft(path)).collect()
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn is_draft(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// How our files are opened: for root alone, never through a link, and without waiting for the other end of a pipe.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags((OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).bits());
    options
}

fn gone_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attachment(network: &str, container: &str, ifname: &str) -> Attachment {
        Attachment { network: network.into(), container: container.into(), ifname: ifname.into() }
    }

    #[test]
    fn every_attachment_has_a_file_name_of_its_own() {
        let long = "c".repeat(1000);
        let other = format!("{long}d");
        let keys = [
            key(&attachment("n", "c", "eth0")),
            key(&attachment("m", "c", "eth0")),
            key(&attachment("n", "c", "net1")),
            key(&attachment("nc", "", "eth0")),
            key(&attachment("n", &long, "eth0")),
            key(&attachment("n", &other, "eth0")),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        assert!(keys.iter().all(|key| key.len() < 128 && !key.contains('/')));
    }

    #[test]
    fn a_file_name_stays_the_same_from_version_to_version() {
        assert_eq!(key(&attachment("ovn-kubernetes", "abc", "eth0")), "abc-eth0-f84f56d9bb47b65e.json");
    }
}
