//! Records that nobody can read, kept out of the way for a person to look at.
//!
//! `<stateDir>/unreadable/<device>` was the record that claimed the device; one that claimed none keeps its name.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::Instant;

use cni::{Attachment, Error};
use linux::NetnsId;

use super::{Store, content, key, listing, open, read, remove};
use crate::device::DeviceId;
use crate::error;
use crate::record::attachment::Unreadable;

/// A record that is damaged: a file, and none of a newer version.
pub(crate) struct Wreck {
    file: PathBuf,
}

impl Store {
    /// The record of this attachment, if it is damaged.
    pub(crate) fn wreck_of(&self, attachment: &Attachment) -> Option<Wreck> {
        Wreck::at(self.record_path(&key(attachment)))
    }

    /// The record that claims this device, if it is damaged.
    pub(crate) fn wreck_claiming(&self, device: &DeviceId) -> Option<Wreck> {
        let name = fs::read_link(self.claim_path(device)).ok()?;
        Wreck::at(self.record_path(name.to_str().filter(|name| !name.contains('/'))?))
    }

    /// All damaged records of this network, with their containers and interfaces. The names of files tell them, unless
    /// a container's is cut off there.
    pub(crate) fn wrecks(&self, network: &str) -> Vec<(Wreck, Attachment)> {
        let whose = |file: PathBuf| {
            let name = file.file_name()?.to_str()?.to_owned();
            let attachment = whose(&name, network)?;
            Some((Wreck::at(file)?, attachment))
        };
        self.files().into_iter().filter_map(whose).collect()
    }

    /// The devices that a damaged record claims.
    pub(crate) fn claimed_by(&self, wreck: &Wreck) -> Vec<DeviceId> {
        let name = wreck.name();
        let claims = listing(&self.dir.join("devices")).into_iter();
        let ours = claims.filter(|claim| fs::read_link(claim).is_ok_and(|text| text.as_os_str() == name));
        ours.filter_map(|claim| claim.file_name()?.to_str()?.parse().ok()).collect()
    }

    /// Moves a damaged record out of the way and gives up its claims.
    ///
    /// # Errors
    /// 109 when the disk refuses, 11 when another call works on one of the devices for too long.
    pub(crate) fn set_aside(&self, wreck: &Wreck, deadline: Instant) -> Result<(), Error> {
        let devices = self.claimed_by(wreck);
        let name = devices.first().map_or_else(|| wreck.name(), |device| device.to_string().into());
        let dir = self.dir.join("unreadable");
        let moved = match DirBuilder::new().mode(0o700).create(&dir) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => fs::rename(&wreck.file, dir.join(&name)),
        };
        moved.map_err(|error| error::state(format!("moving {} away", wreck.file.display()), error))?;
        log::warn!(
            "the record {} could not be read: it is kept as {}",
            wreck.file.display(),
            dir.join(name).display()
        );
        for device in devices {
            let _lock = self.lock(&device, deadline)?;
            let claim = self.claim_path(&device);
            if fs::read_link(&claim).is_ok_and(|text| text.as_os_str() == wreck.name()) {
                remove(&claim)?;
            }
        }
        Ok(())
    }

    /// Where the last unreadable record of the device is kept.
    pub(crate) fn aside(&self, device: &DeviceId) -> Option<PathBuf> {
        let path = self.dir.join("unreadable").join(device.to_string());
        path.symlink_metadata().is_ok().then_some(path)
    }
}

impl Wreck {
    fn at(file: PathBuf) -> Option<Self> {
        let error = read(&file).err()?;
        is_broken(&error).then_some(Wreck { file })
    }

    fn name(&self) -> OsString {
        self.file.file_name().unwrap_or_default().to_owned()
    }

    /// The namespace of its pod, as far as it can be made out.
    pub(crate) fn netns(&self) -> Option<NetnsId> {
        let content = open(&self.file).and_then(|file| content(&file)).ok()?;
        let fields: serde_json::Value = serde_json::from_slice(&content).ok()?;
        serde_json::from_value(fields.get("netns_id")?.clone()).ok()
    }
}

fn is_broken(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|cause| matches!(cause.downcast_ref(), Some(Unreadable::Broken(_))))
}

/// The attachment of this network whose record has this name.
fn whose(name: &str, network: &str) -> Option<Attachment> {
    let (both, _) = name.strip_suffix(".json")?.rsplit_once('-')?;
    let split = |(at, _)| Attachment {
        network: network.to_owned(),
        container: both[..at].to_owned(),
        ifname: both[at + 1..].to_owned(),
    };
    both.match_indices('-').map(split).find(|attachment| key(attachment) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_attachment_and_no_other_networks() {
        let attachment = Attachment { network: "n".into(), container: "a-b".into(), ifname: "net-1".into() };
        assert_eq!(whose(&key(&attachment), "n"), Some(attachment.clone()));
        assert_eq!(whose(&key(&attachment), "m"), None);
        assert_eq!(whose("x.json", "n"), None);
    }
}
