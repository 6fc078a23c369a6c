//! The node as a call sees it: its configuration, its records, its links, its server. Each is opened when first used.

use std::cell::OnceCell;
use std::io;
use std::path::Path;
use std::time::Instant;

use cni::{Error, NetConf, Pod, paths};
use linux::sriov::{PciAddress, Sysfs};
use linux::{Netlink, Netns, NetnsId};
use ovnkube::Client;

use crate::config::Config;
use crate::error;
use crate::record::credible;
use crate::record::store::Store;
use crate::trace::Trace;

/// Everything that a verb works on.
pub(crate) struct Node {
    /// What the administrator has set.
    pub(crate) config: Config,
    /// What the kernel says of devices.
    pub(crate) sysfs: Sysfs,
    /// ovnkube-node.
    pub(crate) server: Client,
    /// The time line of this call.
    pub(crate) trace: Trace,
    store: OnceCell<Store>,
    links: OnceCell<Netlink>,
}

/// A pod's network namespace, and a socket in it.
pub(crate) struct Sandbox {
    /// The namespace.
    pub(crate) netns: Netns,
    /// Its links.
    pub(crate) links: Netlink,
}

impl Node {
    /// The node under this configuration, for a call that began then.
    ///
    /// # Errors
    /// Code 7 for a bad value.
    pub(crate) fn strict(conf: &NetConf, began: Instant) -> Result<Self, Error> {
        Config::strict(conf).map(|config| Self::new(config, began))
    }

    /// The same for a DEL, which no bad value may stop.
    pub(crate) fn lenient(conf: &NetConf, began: Instant) -> Self {
        Self::new(Config::lenient(conf), began)
    }

    /// The node under a configuration that is valid.
    pub(crate) fn new(config: Config, began: Instant) -> Self {
        Node {
            sysfs: Sysfs::new(&paths::root()),
            server: Client::new(&config.socket).opened_by(paths::open_socket),
            store: OnceCell::new(),
            links: OnceCell::new(),
            trace: Trace::begin(began),
            config,
        }
    }

    /// Whether VFs of this PF are for pods: it is listed by address or name, or nothing is.
    pub(crate) fn lists(&self, pf: &PciAddress) -> bool {
        let listed = &self.config.pfs;
        let named = || self.sysfs.netdev(pf).ok().flatten().is_some_and(|name| listed.contains(&name));
        listed.is_empty() || listed.contains(&pf.to_string()) || named()
    }

    /// The records.
    ///
    /// # Errors
    /// 109 when they cannot be kept.
    pub(crate) fn store(&self) -> Result<&Store, Error> {
        match self.store.get() {
            Some(store) => Ok(store),
            None => Store::open(&self.config.state_dir).map(|store| self.store.get_or_init(|| store)),
        }
    }

    /// The records, if there ever were any: looking makes none.
    ///
    /// # Errors
    /// 109 when there are some that cannot be used.
    pub(crate) fn existing_store(&self) -> Result<Option<&Store>, Error> {
        match self.config.state_dir.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => self.store().map(Some),
        }
    }

    /// The links of the host.
    ///
    /// # Errors
    /// Code 5 when the kernel gives no socket.
    pub(crate) fn links(&self) -> Result<&Netlink, Error> {
        match self.links.get() {
            Some(links) => Ok(links),
            None => Netlink::host().map_err(error::netlink).map(|links| self.links.get_or_init(|| links)),
        }
    }
}

impl Sandbox {
    /// Enters the namespace at `path`.
    ///
    /// # Errors
    /// When there is none, or no socket can be opened in it.
    pub(crate) fn open(path: &Path) -> Result<Self, linux::Error> {
        let netns = Netns::open(path)?;
        let links = Netlink::inside(&netns)?;
        Ok(Sandbox { netns, links })
    }

    /// What tells the namespace from every other one.
    pub(crate) fn id(&self) -> NetnsId {
        NetnsId { cookie: self.links.cookie(), ..self.netns.id() }
    }

    /// Enters the namespace of an ADD or CHECK.
    ///
    /// # Errors
    /// 104 when it is none.
    pub(crate) fn of_pod(path: &Path, pod: &Pod) -> Result<Self, Error> {
        let sandbox = Self::open(path).map_err(|error| error::bad_netns(pod, error))?;
        // CNI_NETNS_OVERRIDE lets it through, but nothing could be undone there.
        if credible::is_own(&sandbox.netns.id()) {
            return Err(error::bad_netns(pod, "it is the host's own"));
        }
        Ok(sandbox)
    }
}
