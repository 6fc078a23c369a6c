//! The plugin's state directory, read by somebody else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use linux::{Features, Mac, NetnsId, Settings};
use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::{Value, json};

/// Everything in it.
#[derive(Debug, Default)]
pub struct Records {
    /// The records by file name.
    pub records: BTreeMap<String, Record>,
    /// The name of the record that each claimed device belongs to.
    pub claims: BTreeMap<String, String>,
    /// What is neither record, claim nor lock: DELs that the server has yet to hear of, files half written.
    pub others: Vec<String>,
}

/// A record, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// How far the attachment has come.
    pub stage: Stage,
    /// The path of the namespace that it is for.
    pub netns: PathBuf,
    /// The namespace that it is for.
    pub netns_id: NetnsId,
    /// Until when the server may act on it, in seconds since the node booted.
    pub server_may_act_until: Option<i64>,
    /// Where it may act on what an earlier record has asked for.
    #[serde(default)]
    pub earlier: Vec<Earlier>,
    /// Its devices.
    pub devices: Vec<Held>,
    /// What else the server may move for it, without a word.
    #[serde(default)]
    pub candidates: Vec<Held>,
}

impl Record {
    /// Whether the server may still act on it.
    ///
    /// # Errors
    /// When the kernel has no such clock.
    pub fn server_may_act(&self) -> Result<bool> {
        let now = clock_gettime(ClockId::CLOCK_BOOTTIME)?.tv_sec();
        let earlier = self.earlier.iter().map(|earlier| earlier.until);
        Ok(self.server_may_act_until.into_iter().chain(earlier).any(|until| until > now))
    }
}

/// What an earlier record of a device has left behind.
#[derive(Clone, Debug, Deserialize)]
pub struct Earlier {
    /// Until when the server may act on it, in seconds since the node booted.
    pub until: i64,
}

/// How far an attachment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// An ADD is, or was, under way.
    Claimed,
    /// ADD has succeeded.
    Attached,
    /// The pod is done with it.
    Released,
}

/// A device of a record.
#[derive(Clone, Debug, Deserialize)]
pub struct Held {
    /// Which.
    pub id: String,
    /// What it is to be at home.
    pub home: Option<Home>,
    /// Of which function that is told, as its directory's inode in sysfs.
    #[serde(default)]
    pub incarnation: Option<u64>,
}

/// What a VF is to be at home, according to a record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Home {
    pub(super) name: String,
    pub(super) mac: Option<Mac>,
    pub(super) mtu: u32,
    pub(super) altnames: Vec<String>,
    pub(super) alias: Option<String>,
    pub(super) promiscuous: bool,
    pub(super) allmulti: bool,
    pub(super) settings: Option<Settings>,
    pub(super) features: Option<Features>,
}

impl Records {
    /// Where it is said what pods' namespaces had by default.
    pub(super) const DEFAULTS: &str = "defaults";

    /// Reads the state directory of the node with this root; there may be none yet.
    ///
    /// # Errors
    /// When a record in it is none.
    pub fn read(root: &Path) -> Result<Self> {
        let mut found = Records::default();
        for (dir, path, name) in files(root) {
            match dir {
                "attachments" if !name.starts_with('.') => {
                    let text = fs::read(&path)?;
                    let record = serde_json::from_slice(&text).with_context(|| format!("reading {name}"))?;
                    found.records.insert(name, record);
                }
                "devices" if name.ends_with(".lock") => {}
                "devices" if !name.starts_with('.') => {
                    let record = fs::read_link(&path).with_context(|| format!("reading the claim {name}"))?;
                    found.claims.insert(name, record.to_string_lossy().into_owned());
                }
                _ => found.others.push(format!("{dir}/{name}")),
            }
        }
        Ok(found)
    }

    /// The record that has claimed the device and says so itself.
    pub fn holder(&self, device: &str) -> Option<&Record> {
        let record = self.records.get(self.claims.get(device)?)?;
        record.devices.iter().any(|held| held.id == device).then_some(record)
    }

    /// What a record whose ADD nobody has answered says of a device that the server may move for it.
    pub fn expected(&self, device: &str) -> Option<&Held> {
        self.records.values().flat_map(|record| &record.candidates).find(|held| held.id == device)
    }

    /// Whether there is nothing but locks.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.claims.is_empty() && self.others.is_empty()
    }

    /// Makes everything in the state directory five minutes older: for what a server's request leaves behind, that
    /// is longer than it can go on, and longer than any file is being written.
    ///
    /// # Errors
    /// When a record cannot be read or written.
    pub fn age(root: &Path) -> Result<()> {
        const MINUTES: i64 = 5 * 60;
        shift(root, -MINUTES, &["since", "server_may_act_until", "until"])
    }

    /// Makes every time of day in it so many years more: the clock has been set, and boot goes on.
    ///
    /// # Errors
    /// When a record cannot be read or written.
    pub(super) fn set_clock(root: &Path, years: i64) -> Result<()> {
        const YEAR: i64 = 365 * 24 * 60 * 60;
        shift(root, years * YEAR, &["since"])
    }

    /// Makes the records of this container say that its namespace had this inode.
    ///
    /// # Errors
    /// When a record cannot be read or written.
    pub(super) fn reuse_inode(root: &Path, container: &str, id: NetnsId) -> Result<()> {
        edit(root, |name, record| {
            if name.starts_with(container) {
                (record["netns_id"]["dev"], record["netns_id"]["inode"]) = (json!(id.dev), json!(id.inode));
            }
        })
    }
}

/// Moves these members of each record by so many seconds, and the files' own times.
fn shift(root: &Path, seconds: i64, keys: &[&str]) -> Result<()> {
    edit(root, |_, record| {
        let move_in = |part: &mut Value, key: &str| {
            if let Some(time) = part.get(key).and_then(Value::as_i64) {
                // No clock tells a time before its beginning.
                part[key] = json!(time.saturating_add(seconds).max(0));
            }
        };
        for key in keys {
            move_in(record, key);
            if let Some(earlier) = record.get_mut("earlier").and_then(Value::as_array_mut) {
                for part in earlier {
                    move_in(part, key);
                }
            }
        }
    })?;
    let then = Duration::from_secs(
        SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().saturating_add_signed(seconds),
    );
    for (_, path, _) in files(root) {
        let then = TimeSpec::from_duration(then);
        utimensat(AT_FDCWD, &path, &then, &then, UtimensatFlags::NoFollowSymlink)?;
    }
    Ok(())
}

/// Changes every record.
fn edit(root: &Path, change: impl Fn(&str, &mut Value)) -> Result<()> {
    let records =
        files(root).into_iter().filter(|(dir, _, name)| *dir == "attachments" && !name.starts_with('.'));
    for (_, path, name) in records {
        let mut record = serde_json::from_slice(&fs::read(&path)?)?;
        change(&name, &mut record);
        fs::write(&path, record.to_string())?;
    }
    Ok(())
}

/// The files of the state directory: in which of its directories, where, and called what.
pub(super) fn files(root: &Path) -> Vec<(&'static str, PathBuf, String)> {
    let dirs = ["attachments", "devices", "untold", Records::DEFAULTS];
    let list = |dir: &'static str| {
        let entries = fs::read_dir(root.join("run/dpu-cni").join(dir)).into_iter().flatten().flatten();
        entries.map(move |entry| (dir, entry.path(), entry.file_name().to_string_lossy().into_owned()))
    };
    dirs.into_iter().flat_map(list).collect()
}
