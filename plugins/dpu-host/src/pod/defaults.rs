//! What links begin with that come into a pod's namespace, changed for as long as a privileged server moves them there.
//!
//! Such a server gives IPv6 addresses to a link that is up and waits until duplicate address detection is through with
//! them (`helper_linux.go: setupSriovInterface`, `waitForIPv6AddressesReady`): a second for each interface. Nobody else
//! can have what OVN gave. A link copies its namespace's defaults when it arrives (`net/ipv6/addrconf.c: ipv6_add_dev`),
//! so they are changed before the server is asked and put back when it has answered.
//!
//! `<stateDir>/defaults/<device>-<inode>` says what they were in this namespace. The ADDs that count on the change share
//! its lock; the last of them puts them back. After a kill the next call does.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use linux::{Netns, NetnsId};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::node::Sandbox;
use crate::record::credible;
use crate::record::store::{Store, running};

/// The settings of IPv6, one directory for each link, for `all` and for `default`.
const CONF: &str = "/proc/sys/net/ipv6/conf";
/// What all of them are set to.
const OFF: &str = "0";

/// A setting whose default is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Setting {
    /// Whether addresses are in doubt until nobody has objected.
    AcceptDad,
    /// Whether routers that advertise themselves are believed.
    AcceptRa,
}

/// What the defaults of a namespace were.
#[derive(Debug, Serialize, Deserialize)]
struct Former {
    netns: PathBuf,
    netns_id: NetnsId,
    values: Vec<(Setting, String)>,
}

/// The defaults of a namespace, open to be read and written from any other.
struct Defaults(Vec<(Setting, File)>);

/// Defaults that are changed. Dropping it, or dying, ends this ADD's part in that.
pub(crate) struct Changed<'s> {
    netns: &'s Netns,
    defaults: Defaults,
    file: Flock<File>,
    path: PathBuf,
}

/// Has links come into the pod's namespace without duplicate address detection and, where routers may be `advertised`
/// that are not the pod's, deaf to them. None where that would not help, and where the kernel refuses.
pub(crate) fn change<'s>(store: &Store, sandbox: &'s Sandbox, advertised: bool) -> Option<Changed<'s>> {
    Changed::begin(store, sandbox, advertised).unwrap_or_else(|error| {
        log::info!(
            "IPv6 addresses will take a second: defaults of {}: {error}",
            sandbox.netns.path().display()
        );
        None
    })
}

/// Puts back what an ADD has changed that was killed; `path` is its file.
///
/// # Errors
/// When the disk or the kernel refuses.
pub(crate) fn sweep(path: &Path) -> io::Result<()> {
    let Some(file) = running::deserted(path)? else { return Ok(()) };
    if let Some(former) = Former::read(&file)
        && former.lives()
    {
        let netns = Netns::open(&former.netns).map_err(io::Error::other)?;
        let (_, defaults) = Defaults::open(&netns)?;
        defaults.set(former.values)?;
    }
    running::leave(&file, path)
}

impl<'s> Changed<'s> {
    fn begin(store: &Store, sandbox: &'s Sandbox, advertised: bool) -> io::Result<Option<Self>> {
        let netns = &sandbox.netns;
        let defaults = match Defaults::open(netns) {
            // All links detect duplicates, whatever their own setting is (`addrconf_dad_begin`).
            Ok((true, _)) => return Ok(None),
            Ok((false, defaults)) => defaults,
            // A kernel without IPv6.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let NetnsId { dev, inode, .. } = netns.id();
        let path = store.defaults().join(format!("{dev}-{inode}"));
        let (file, first) = join(&path)?;
        let changed = Changed { netns, defaults, file, path };
        if first {
            changed.set(sandbox, advertised)?;
            // The kernel gives one lock back before it takes the other (flock(2)). An ADD that comes in between begins anew
            // with what the file says, and one that sweeps puts everything back: then this one, whose server has not been
            // asked yet, takes a second longer, and nothing stays changed.
            changed.file.relock(FlockArg::LockShared)?;
        }
        Ok(Some(changed))
    }

    /// What the first one does, whom nobody disturbs. What was comes first, for whoever finds the file.
    fn set(&self, sandbox: &Sandbox, advertised: bool) -> io::Result<()> {
        let file: &File = &self.file;
        if let Some(killed) = Former::read(file).filter(|former| former.netns_id.is(&sandbox.id())) {
            self.defaults.set(killed.values)?;
        }
        let mut values = self.defaults.values()?;
        values.retain(|(setting, value)| value != OFF && (advertised || *setting == Setting::AcceptDad));
        let changes = values.iter().map(|(setting, _)| (*setting, OFF.to_owned())).collect();
        let former = Former { netns: self.netns.path().to_owned(), netns_id: sandbox.id(), values };
        file.set_len(0)?;
        file.write_all_at(&serde_json::to_vec(&former)?, 0)?;
        self.defaults.set(changes)
    }

    /// Ends it when the server has answered. Links that have come deaf hear again: whose network has routers that they
    /// must not listen to is known now.
    pub(crate) fn end(self, ifnames: &[&str]) {
        let former = Former::read(&self.file).map(|former| former.values).unwrap_or_default();
        if let Some((setting, value)) = former.iter().find(|(setting, _)| *setting == Setting::AcceptRa)
            && let Err(error) = set_on_links(self.netns, ifnames, *setting, value)
        {
            log::warn!("{} hear no routers: {error}", ifnames.join(", "));
        }
    }

    fn put_back(&self) -> io::Result<()> {
        if let Some(former) = Former::read(&self.file) {
            self.defaults.set(former.values)?;
        }
        running::leave(&self.file, &self.path)
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        // Where others count on the change it is for the last of them to undo. It has given back its share before it looks,
        // so that of two who end at once the later sees nobody; whoever comes in between undoes it instead.
        if self.file.relock(FlockArg::LockExclusiveNonblock).is_ok()
            && let Err(error) = self.put_back()
        {
            log::warn!("defaults of {}: {error}", self.netns.path().display());
        }
    }
}

/// Has the link of this name, whose network's routers are known, listen to none that advertises itself.
///
/// # Errors
/// When the kernel refuses.
pub(crate) fn deafen(netns: &Netns, ifname: &str) -> io::Result<()> {
    set_on_links(netns, &[ifname], Setting::AcceptRa, OFF)
}

/// Of those that are there.
fn set_on_links(netns: &Netns, ifnames: &[&str], setting: Setting, value: &str) -> io::Result<()> {
    let set = |ifname: &&str| match fs::write(setting.path(ifname), value) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    };
    netns.run(|| ifnames.iter().try_for_each(set)).map_err(io::Error::other)?
}

/// Locks the file: alone as the first, to be shared later, or together with others. Whether as the first.
fn join(path: &Path) -> io::Result<(Flock<File>, bool)> {
    let mut first = false;
    let file = running::enter(path, |file| {
        let alone = Flock::lock(file, FlockArg::LockExclusiveNonblock);
        first = alone.is_ok();
        alone.or_else(|(file, _)| Flock::lock(file, FlockArg::LockSharedNonblock))
    })?;
    Ok((file, first))
}

impl Setting {
    const ALL: [Setting; 2] = [Setting::AcceptDad, Setting::AcceptRa];

    fn path(self, link: &str) -> PathBuf {
        let key = match self {
            Setting::AcceptDad => "accept_dad",
            Setting::AcceptRa => "accept_ra",
        };
        [CONF, link, key].iter().collect()
    }
}

impl Defaults {
    /// Opens those of a namespace, for writing: nothing is begun where that cannot be. Says, too, whether all links there
    /// detect duplicates.
    fn open(netns: &Netns) -> io::Result<(bool, Self)> {
        let open = || {
            let all = fs::read_to_string(Setting::AcceptDad.path("all"))?;
            let file = |setting: Setting| {
                let file = OpenOptions::new().read(true).write(true).open(setting.path("default"))?;
                Ok((setting, file))
            };
            let files = Setting::ALL.into_iter().map(file).collect::<io::Result<_>>()?;
            Ok((all.trim().parse().is_ok_and(|all: i32| all > 0), Defaults(files)))
        };
        netns.run(open).map_err(io::Error::other)?
    }

    fn values(&self) -> io::Result<Vec<(Setting, String)>> {
        let value = |(setting, file): &(Setting, File)| {
            let mut text = [0; 16];
            let length = file.read_at(&mut text, 0)?;
            Ok((*setting, String::from_utf8_lossy(&text[..length]).trim().to_owned()))
        };
        self.0.iter().map(value).collect()
    }

    fn set(&self, values: Vec<(Setting, String)>) -> io::Result<()> {
        for (setting, file) in &self.0 {
            if let Some((_, value)) = values.iter().find(|(of, _)| of == setting) {
                file.write_all_at(value.as_bytes(), 0)?;
            }
        }
        Ok(())
    }
}

impl Former {
    /// What is in the file. Who was killed before it was written has changed nothing.
    fn read(file: &File) -> Option<Self> {
        let mut text = vec![0; usize::try_from(file.metadata().ok()?.len()).ok()?];
        file.read_exact_at(&mut text, 0).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Whether its namespace is still there, and a pod's.
    fn lives(&self) -> bool {
        !credible::is_own(&self.netns_id) && Netns::is_at(&self.netns, &self.netns_id)
    }
}
