//! Records, claims and locks on disk.
//!
//! ```text
//! <stateDir>/attachments/<container>-<ifname>-<hash>.json   a record
//! <stateDir>/devices/<device>                               a claim: a link whose text is the record's file name
//! <stateDir>/devices/<device>.lock                          the device's lock, never removed
//! <stateDir>/untold/<…>.json                                a DEL that the server has yet to hear of
//! <stateDir>/running/<record's file name>                   locked while an ADD makes that attachment
//! <stateDir>/defaults/<device>-<inode>                      what a pod's namespace had by default, while an ADD changes it
//! <stateDir>/unreadable/<device>                            a record that could not be read, out of the way
//! <stateDir>/physical-functions                             the last `physicalFunctions` of an ADD
//! <stateDir>/neighbours                                     other sockets and drivers than usual, of the last ADD
//! <stateDir>/privileged-server                              the socket of the server that last answered as one
//! <stateDir>/attachments/.<file name>.<process>             a draft, which becomes a record or a claim by rename
//! <stateDir>/untold/.<file name>.<process>                  the same of a DEL
//! ```
//!
//! A device belongs to the record that its claim names. The lock of a record's first device guards the record too.
//! Everything lives on a tmpfs, so an atomic rename is all the durability there can be.

mod aside;
mod files;
mod name;
pub(crate) mod running;

use std::cell::{Cell, RefCell};
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use cni::{Attachment, Error, paths};
use nix::fcntl::OFlag;
use nix::sys::statvfs::{FsFlags, statvfs};

pub(crate) use self::files::{content, kept, listing, open, remove, write};
use self::files::{private, replace};
pub(crate) use self::name::key;
use self::name::{ENDING, beginning};
use self::running::Running;
use crate::device::DeviceId;
use crate::error;
use crate::record::attachment::{Record, Unreadable};
use crate::record::credible;

/// What the state directory is divided into.
const DIRS: [&str; 3] = ["attachments", "devices", "untold"];
/// How often a lock is asked for again: flock(2) has no timeout of its own.
const LOCK_POLL: Duration = Duration::from_millis(5);

/// The state directory.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    /// How many DELs the server has yet to hear of, once that has been counted.
    pending_dels: Cell<Option<usize>>,
    /// What this process makes.
    own: RefCell<Option<Running>>,
}

/// A device's lock; dropping it, or dying, gives it back.
#[derive(Debug)]
#[must_use]
pub(crate) struct Lock {
    _file: File,
}

impl Store {
    /// Opens the state directory, making what is missing.
    ///
    /// # Errors
    /// 109 when it cannot be made or is not root's alone.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let store = Store { dir: dir.to_owned(), pending_dels: Cell::new(None), own: RefCell::new(None) };
        let made = paths::own_dir(dir).and_then(|opened| paths::own_dirs_in(&opened, &DIRS));
        // Nobody but root can put another in its place from here on, so paths below it are as good as descriptors.
        made.map(|()| store).map_err(|error| error::state(format!("using {}", dir.display()), error))
    }

    /// Waits for the device's lock until `deadline`.
    ///
    /// # Errors
    /// 11 when another call keeps it for too long.
    pub(crate) fn lock(&self, device: &DeviceId, deadline: Instant) -> Result<Lock, Error> {
        let file = self.lock_file(device)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(self.unlockable(device, error)),
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
        let file = self.lock_file(device)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(self.unlockable(device, error)),
        }
    }

    /// What calls lock who work on the device. It is never removed: two would then hold a lock each.
    fn lock_file(&self, device: &DeviceId) -> Result<File, Error> {
        let path = self.lock_path(device);
        let opened = match private(&path, OFlag::O_WRONLY | OFlag::O_CREAT) {
            // The VF that it guards is to come home all the same.
            Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => open(&path),
            opened => opened,
        };
        opened.map_err(|error| self.unlockable(device, error))
    }

    fn lock_path(&self, device: &DeviceId) -> PathBuf {
        self.dir.join("devices").join(format!("{device}.lock"))
    }

    fn unlockable(&self, device: &DeviceId, error: io::Error) -> Error {
        error::state(format!("locking {}", self.lock_path(device).display()), error)
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
            match symlink(key(&record.attachment), draft) {
                // Of a process of our number that was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    fs::remove_file(draft).and_then(|()| symlink(key(&record.attachment), draft))
                }
                done => done,
            }
        };
        // Not for an instant without a claim: that of a record which knows the VF's name while it waits for it. Where records
        // are every call looks for drafts.
        let neighbour = self.record_path(&key(&record.attachment));
        replace(&path, &neighbour, link)
            .map_err(|error| error::state(format!("claiming {}", path.display()), error))
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
    #[allow(clippy::unused_self, reason = "a file of this store's")]
    pub(crate) fn read_or_warn(&self, file: &Path) -> Option<Record> {
        read(file).unwrap_or_else(|error| {
            log::warn!("record {} cannot be read and is left alone: {error}", file.display());
            None
        })
    }

    /// The files of records and of pending DELs, in no order and without what this process makes. What writers have left
    /// half done that were killed is removed.
    pub(crate) fn tidy(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let mut records = files::tidy(&self.dir.join("attachments"));
        let pending = files::tidy(&self.pending_dels());
        records.retain(|file| !self.makes(file));
        (records, pending)
    }

    /// Whether a file, a record or that of a running ADD, is of the attachment that this process makes.
    pub(crate) fn makes(&self, file: &Path) -> bool {
        self.own.borrow().as_ref().is_some_and(|own| file.file_name() == own.path().file_name())
    }

    /// Whether nothing can be written, whatever it is.
    pub(crate) fn is_read_only(&self) -> bool {
        statvfs(&self.dir).is_ok_and(|found| found.flags().contains(FsFlags::ST_RDONLY))
    }

    /// The state directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Says that this process makes the attachment, for as long as the process lives. Comes before its record.
    ///
    /// # Errors
    /// 109 when the disk refuses.
    pub(crate) fn begin(&self, attachment: &Attachment) -> Result<(), Error> {
        let begun = Running::begin(&self.running().join(key(attachment)))?;
        self.own.borrow_mut().replace(begun);
        Ok(())
    }

    /// Whether some process makes the attachment. One that cannot be told to be dead lives.
    pub(crate) fn is_running(&self, attachment: &Attachment) -> bool {
        running::has_any(&self.running().join(key(attachment)))
    }

    /// Where running ADDs have their files.
    pub(crate) fn running(&self) -> PathBuf {
        self.dir.join("running")
    }

    /// Where it is said of pods' namespaces what their defaults were.
    pub(crate) fn defaults(&self) -> PathBuf {
        self.dir.join("defaults")
    }

    /// Where DELs wait that the server has yet to hear of.
    pub(crate) fn pending_dels(&self) -> PathBuf {
        self.dir.join("untold")
    }

    /// Counts one more of them: how many there were.
    pub(crate) fn one_more_pending_del(&self) -> usize {
        // Other processes make and tell some meanwhile, but a GC that keeps a thousand lists them once.
        let before = self.pending_dels.get().unwrap_or_else(|| listing(&self.pending_dels()).len());
        self.pending_dels.set(Some(before + 1));
        before
    }

    fn record_path(&self, key: &str) -> PathBuf {
        self.dir.join("attachments").join(key)
    }

    fn claim_path(&self, device: &DeviceId) -> PathBuf {
        self.dir.join("devices").join(device.to_string())
    }
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
            let record = Record::parse(&content(&file)?).map_err(io::Error::other)?;
            match credible::doubt(&record) {
                None => Ok(Some(record)),
                Some(why) => Err(io::Error::other(Unreadable::Untrue(why))),
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_newer(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(Unreadable::Newer(_)))
}
