//! The record of an attachment: who holds which VF, and how that VF was found.
//!
//! It is written before anything is changed and says enough to undo everything, so that whoever finds it next
//! can bring the VF home: a DEL, a GC, or the next call after a kill.

use std::fmt;
use std::path::PathBuf;

use cni::{Attachment, Pod};
use linux::sriov::Sysfs;
use linux::{Features, Link, Mac, Netns, NetnsId, Settings};
use serde::{Deserialize, Serialize};

use crate::device::DeviceId;
use crate::record::plumbing::Plumbing;
use crate::server::Forward;
use crate::time::{Began, BootTime};

/// The format that this version writes. Fields may be added to it: a reader passes over those that it does not know.
/// A number higher means that an older reader may not understand the record.
pub(crate) const FORMAT: u32 = 1;
/// The kind of link that a simulated VF is: the end of a pair, whose other end is its representor on the card.
pub(crate) const SIMULATED: &str = "veth";

/// One attachment: (network, container, interface), its devices and its pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// [`FORMAT`] of the writer.
    pub(crate) format: u32,
    /// Whose it is.
    pub(crate) attachment: Attachment,
    /// The pod, as far as `CNI_ARGS` named it.
    #[serde(default)]
    pub(crate) pod: Pod,
    /// `CNI_NETNS` of the ADD.
    pub(crate) netns: PathBuf,
    /// What that path was then: a path is reused, a namespace is not.
    pub(crate) netns_id: NetnsId,
    /// The call that made it, as logs name it; empty in the records of versions that did not say.
    #[serde(default)]
    pub(crate) call: String,
    /// When that began.
    #[serde(default)]
    pub(crate) began: Began,
    /// When the ADD came, in seconds since 1970: for people.
    pub(crate) since: u64,
    /// How far it has come.
    pub(crate) stage: Stage,
    /// Until when the server may still act on an ADD that it did not answer; none once it has. Versions that went by
    /// the wall's clock called it otherwise: what they were waiting for is over.
    #[serde(default)]
    pub(crate) server_may_act_until: Option<BootTime>,
    /// Where else the server may still move them: it was asked to by an earlier ADD that it did not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) earlier: Vec<Earlier>,
    /// The VFs: the one of `CNI_IFNAME` first, then that of a primary user-defined network.
    pub(crate) devices: Vec<Held>,
    /// What a server that moves VFs itself may choose besides, without a word, as each is on the host: whichever it is
    /// that came into the pod has its home in here. None once the server has answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) candidates: Vec<Held>,
    /// What the server was told, to tell it the end.
    pub(crate) forward: Forward,
}

/// A namespace that the server was to move a device into, for an attachment that has lost it since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Earlier {
    /// Its path.
    pub(crate) netns: PathBuf,
    /// What that path was then.
    pub(crate) netns_id: NetnsId,
    /// Until when it may.
    pub(crate) until: BootTime,
}

/// How far an attachment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    /// The devices are claimed, the server may have been asked, the move may have begun.
    Claimed,
    /// ADD has succeeded.
    Attached,
    /// The pod is done with it; the record stays for what is still to come: a name, or a late server.
    Released,
}

/// A device of an attachment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Held {
    /// Which.
    pub(crate) id: DeviceId,
    /// Its interface name in the pod.
    pub(crate) ifname: String,
    /// How it was at home; `None` when it has no network device (VFIO).
    pub(crate) home: Option<Home>,
    /// What it was given in the pod, once that is known.
    #[serde(default)]
    pub(crate) inside: Option<Inside>,
    /// What it was given there besides. Without it, as in the records of versions that kept none, nothing can take its
    /// place once it is lost.
    #[serde(default)]
    pub(crate) plumbing: Option<Plumbing>,
    /// The MAC that the PF held for it before ours was set, all zero for none (VFIO).
    #[serde(default)]
    pub(crate) admin_mac: Option<Mac>,
    /// The MAC that it has held since: the pod's (VFIO).
    #[serde(default)]
    pub(crate) pod_mac: Option<Mac>,
    /// Which of the functions that had this address one after the other: what [`Sysfs::incarnation`] tells.
    ///
    /// [`Sysfs::incarnation`]: linux::sriov::Sysfs::incarnation
    #[serde(default)]
    pub(crate) incarnation: Option<u64>,
    /// What was done for the pod since its ADD; nothing unless the function was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restored: Option<Restored>,
}

/// How often the pod has lost this function and got it back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restored {
    /// How often, by this plugin.
    pub(crate) count: u32,
    /// The last time, in seconds since 1970: for people.
    pub(crate) at: u64,
    /// One has begun and not ended: what is in the pod may be half of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unfinished: bool,
}

/// A VF as it was found on the host, and as it will be again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Home {
    /// Its index: kept on a move unless it is taken there.
    pub(crate) index: u32,
    /// Its name.
    pub(crate) name: String,
    /// Its address.
    pub(crate) mac: Option<Mac>,
    /// Its MTU in bytes.
    pub(crate) mtu: u32,
    /// Its other names.
    #[serde(default)]
    pub(crate) altnames: Vec<String>,
    /// Its alias.
    #[serde(default)]
    pub(crate) alias: Option<String>,
    /// Whether it was promiscuous.
    #[serde(default)]
    pub(crate) promiscuous: bool,
    /// Whether it took all multicast.
    #[serde(default)]
    pub(crate) allmulti: bool,
    /// How it looked if it was seen without a parent device: only then does an index tell which link it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unparented: Option<Unparented>,
    /// Its other settings; unknown to versions that kept none.
    #[serde(default)]
    pub(crate) settings: Option<Settings>,
    /// Its offload features; unknown to these versions, and where the kernel does not tell.
    #[serde(default)]
    pub(crate) features: Option<Features>,
}

/// What a link without a parent device is known by, beside its index: that is anybody's once the link is gone, and the
/// next links that a pod or the host makes are likely to get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unparented {
    /// `veth` of a simulated VF; none of a card's on a kernel before 5.14.
    pub(crate) kind: Option<String>,
    /// The index of a simulated VF's representor, which is on the card and stays the same wherever the VF is.
    pub(crate) peer: Option<u32>,
}

impl Unparented {
    fn of(link: &Link) -> Option<Self> {
        link.parent.is_none().then(|| Unparented { kind: link.kind.clone(), peer: link.peer })
    }
}

/// A VF in its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inside {
    /// Its index there.
    pub(crate) index: u32,
    /// The address it was given.
    pub(crate) mac: Option<Mac>,
    /// The MTU it was given, in bytes.
    pub(crate) mtu: u32,
    /// Whether it was given the addresses of the result; a live-migrating virtual machine has them itself.
    pub(crate) addressed: bool,
}

impl Home {
    /// The index of a simulated VF's representor.
    pub(crate) fn peer(&self) -> Option<u32> {
        self.unparented.as_ref()?.peer
    }

    /// What `link` looks like now, under the name that it should have. Its features are another question.
    pub(crate) fn of(link: &Link, name: String) -> Self {
        Home {
            index: link.index,
            name,
            mac: link.mac,
            mtu: link.mtu,
            altnames: link.altnames.clone(),
            alias: link.alias.clone(),
            promiscuous: link.promiscuous,
            allmulti: link.allmulti,
            unparented: Unparented::of(link),
            settings: Some(link.settings.clone()),
            features: None,
        }
    }
}

impl Held {
    /// A device of which nothing is known yet.
    pub(crate) fn new(id: DeviceId, ifname: &str) -> Self {
        Held {
            id,
            ifname: ifname.to_owned(),
            home: None,
            inside: None,
            plumbing: None,
            admin_mac: None,
            pod_mac: None,
            incarnation: None,
            restored: None,
        }
    }

    /// Whether `link`, seen in the pod, is this device. A VF is known by its parent; one that was seen to have none (a
    /// simulated VF, a kernel before 5.14) by its index there, which is the one it brought along unless that was taken,
    /// and by its looks.
    pub(crate) fn is_inside(&self, link: &Link) -> bool {
        let brought = self.home.as_ref().map(|home| home.index);
        self.is(link, self.inside.map(|inside| inside.index).or(brought))
    }

    /// Whether another function is at its address now than the one that the record is about.
    pub(crate) fn is_recreated(&self, sysfs: &Sysfs) -> bool {
        self.incarnation.zip(self.id.incarnation(sysfs)).is_some_and(|(was, is)| was != is)
    }

    /// Whether `link`, seen on the host, is this device.
    pub(crate) fn is_home(&self, link: &Link) -> bool {
        self.is(link, self.home.as_ref().map(|home| home.index))
    }

    fn is(&self, link: &Link, index: Option<u32>) -> bool {
        match &link.parent {
            Some(parent) => *parent == self.id.to_string(),
            None => index == Some(link.index) && self.looks_like(link),
        }
    }

    fn looks_like(&self, link: &Link) -> bool {
        match (self.home.as_ref().and_then(|home| home.unparented.as_ref()), &self.id) {
            (Some(seen), _) => Unparented::of(link).as_ref() == Some(seen),
            // Older versions did not say, but a simulated VF is nothing else.
            (None, DeviceId::Netdev(_)) => link.kind.as_deref() == Some(SIMULATED),
            (None, DeviceId::Pci(_) | DeviceId::Sf(_)) => false,
        }
    }
}

/// Why a record cannot be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// A newer version wrote it, in this format.
    Newer(u32),
    /// It is none, or damaged.
    Broken(serde_json::Error),
    /// It says what cannot be true.
    Untrue(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Newer(format) => {
                write!(f, "a newer dpu-host wrote it, in format {format}; this one knows {FORMAT}")
            }
            Unreadable::Broken(error) => error.fmt(f),
            Unreadable::Untrue(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Unreadable {}

impl Record {
    /// Reads what this or another version wrote.
    ///
    /// # Errors
    /// When it makes no sense to this one.
    pub(crate) fn parse(content: &[u8]) -> Result<Self, Unreadable> {
        /// What every format has.
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        match serde_json::from_slice(content) {
            // What is written back is ours.
            Ok(record) => Ok(Record { format: FORMAT, ..record }),
            Err(error) => Err(match serde_json::from_slice(content) {
                Ok(Head { format }) if format > FORMAT => Unreadable::Newer(format),
                _ => Unreadable::Broken(error),
            }),
        }
    }

    /// Whether the same ADD has made both: a container may be attached once more under the same names.
    pub(crate) fn is_of_same_call(&self, other: &Record) -> bool {
        self.call == other.call
    }

    /// Whether the server may still act on an ADD that it did not answer, this one's or an earlier one's.
    pub(crate) fn server_may_act(&self) -> bool {
        let earlier = self.earlier.iter().map(|earlier| earlier.until);
        self.server_may_act_until.into_iter().chain(earlier).any(|until| !until.is_over())
    }

    /// Notes where the server may still move a device that this record takes from an older one.
    pub(crate) fn inherit(&mut self, old: &Record) {
        let own = old.server_may_act_until.map(|until| Earlier {
            netns: old.netns.clone(),
            netns_id: old.netns_id,
            until,
        });
        for earlier in own.into_iter().chain(old.earlier.iter().cloned()) {
            if !earlier.until.is_over() && !self.earlier.contains(&earlier) {
                self.earlier.push(earlier);
            }
        }
        if old.attachment == self.attachment {
            for candidate in &old.candidates {
                self.expect(candidate.clone());
            }
        }
    }

    /// Notes what the server may choose besides; what was noted of it first is from before anything was done to it.
    pub(crate) fn expect(&mut self, candidate: Held) {
        if self.candidates.iter().all(|noted| noted.id != candidate.id) {
            self.candidates.push(candidate);
        }
    }

    /// Whether the pod of a later ADD is this record's, with a new sandbox for the same interface: a kubelet has one
    /// sandbox of a pod, so this attachment is dead.
    pub(crate) fn is_superseded_by(&self, attachment: &Attachment, pod: &Pod, began: Began) -> bool {
        self.pod.uid.is_some()
            && self.pod.uid == pod.uid
            && self.attachment.ifname == attachment.ifname
            && self.attachment.container != attachment.container
            && self.began < began
    }

    /// Whether nobody has heard what the server did of its ADD.
    pub(crate) fn is_unheard(&self) -> bool {
        self.server_may_act_until.is_some() || self.stage == Stage::Claimed
    }

    /// Whether the pod's namespace is the one that the record was made for.
    pub(crate) fn namespace_lives(&self) -> bool {
        Netns::is_at(&self.netns, &self.netns_id)
    }

    /// The same for who is in haste, and does no harm where another namespace has the path and the number of the
    /// one that is gone.
    pub(crate) fn namespace_seems_to_live(&self) -> bool {
        Netns::id_at(&self.netns).is_ok_and(|id| id.is(&self.netns_id))
    }

    /// Whether its devices are anybody's to take: the pod is done with them, or its namespace is gone.
    pub(crate) fn is_forsaken(&self) -> bool {
        self.stage == Stage::Released || !self.namespace_lives()
    }

    /// The same for who is in haste; what is not seen now is seen by others.
    pub(crate) fn seems_forsaken(&self) -> bool {
        self.stage == Stage::Released || !self.namespace_seems_to_live()
    }
}
