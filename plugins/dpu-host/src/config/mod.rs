//! The keys of this plugin in a network configuration, checked before anything is touched.
//!
//! A NetworkAttachmentDefinition is written by a tenant and acted on by root: every path is confined.

mod budget;
pub(crate) mod keys;
mod value;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cni::paths::{self, Place};
use cni::{Error, NetConf, unknown_keys};
use nix::errno::Errno;
use serde_json::Value;

pub(crate) use self::value::invalid;
use self::value::{brief, text};

/// Gone after a reboot on purpose: every namespace is gone then, and every VF is new.
pub(crate) const STATE_DIR: &str = "/run/dpu-cni";
/// Where only ovnkube-node and the kubelet make sockets. A container's root may make what looks like root's in a volume
/// of its pod, which is below `/var/lib/kubelet` too.
const OVNKUBE: Place = Place::Below("/run/ovn-kubernetes");
const KUBELET: Place = Place::Below("/var/lib/kubelet/pod-resources");
/// The server gives up on an ADD after 120 s; ten more hear its reason instead of cutting it off.
const TIMEOUT: u64 = 130;
/// The kubelet gives a sandbox 240 s, and undoing a failed ADD may take [`del::BUDGET`](crate::verbs::del::BUDGET).
const TIMEOUT_RANGE: std::ops::RangeInclusive<u64> = 1..=210;

/// The drivers of dynamic resource allocation that are known to give VFs: of the SR-IOV network operator, of
/// ovn-kubernetes, and DraNet.
const DRA_DRIVERS: [&str; 3] = ["sriovnetwork.k8snetworkplumbingwg.io", "k8s.ovn.org", "dra.net"];

/// What an administrator can set.
#[derive(Debug)]
pub(crate) struct Config {
    /// ovnkube-node's CNI server.
    pub(crate) socket: PathBuf,
    /// The kubelet's PodResources socket.
    pub(crate) pod_resources: PathBuf,
    /// Where records and locks live.
    pub(crate) state_dir: PathBuf,
    /// The extended resource that pods ask for, `prefix/name`; with it the kubelet tells a pod's device.
    pub(crate) resource: Option<String>,
    /// The drivers of dynamic resource allocation whose devices may be pods' VFs.
    pub(crate) dra_drivers: Vec<String>,
    /// The PFs whose VFs pods may have, by PCI address or interface name; every PF's when there are none.
    pub(crate) pfs: Vec<String>,
    /// How long an ADD may take in all.
    pub(crate) timeout: Duration,
    /// How long the server may go on with a request that nobody waits for any more.
    pub(crate) server_budget: Duration,
}

impl Config {
    /// Reads the keys.
    ///
    /// # Errors
    /// Code 7 with the key, its value and what is allowed.
    pub(crate) fn strict(conf: &NetConf) -> Result<Self, Error> {
        warn_of_unknown(conf);
        let default = Self::default();
        Ok(Config {
            socket: path(conf, "socket", OVNKUBE)?.unwrap_or(default.socket),
            pod_resources: path(conf, "podResourcesSocket", KUBELET)?.unwrap_or(default.pod_resources),
            state_dir: path(conf, "stateDir", Place::Named(STATE_DIR))?.unwrap_or(default.state_dir),
            resource: resource(conf)?,
            dra_drivers: dra_drivers(conf)?.unwrap_or(default.dra_drivers),
            pfs: pfs(conf)?,
            timeout: timeout(conf)?.unwrap_or(default.timeout),
            server_budget: budget::of(conf),
        })
    }

    /// Reads the keys for a DEL, which a bad value must not keep from its work: the default stands in for it.
    pub(crate) fn lenient(conf: &NetConf) -> Self {
        fn or_none<T>(read: Result<Option<T>, Error>) -> Option<T> {
            read.unwrap_or_else(|error| {
                log::warn!("{error}: the default is used instead");
                None
            })
        }
        let default = Self::default();
        Config {
            socket: or_none(path(conf, "socket", OVNKUBE)).unwrap_or(default.socket),
            pod_resources: or_none(path(conf, "podResourcesSocket", KUBELET))
                .unwrap_or(default.pod_resources),
            state_dir: or_none(path(conf, "stateDir", Place::Named(STATE_DIR))).unwrap_or(default.state_dir),
            resource: or_none(resource(conf)),
            dra_drivers: or_none(dra_drivers(conf)).unwrap_or(default.dra_drivers),
            // Its VF is given back, whosever it is.
            pfs: Vec::new(),
            timeout: or_none(timeout(conf)).unwrap_or(default.timeout),
            server_budget: budget::of(conf),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let rooted = |path: &str| paths::rooted(Path::new(path));
        Config {
            socket: rooted(ovnkube::SOCKET),
            pod_resources: rooted(kubelet::SOCKET),
            state_dir: rooted(STATE_DIR),
            resource: None,
            dra_drivers: DRA_DRIVERS.map(str::to_owned).to_vec(),
            pfs: Vec::new(),
            timeout: Duration::from_secs(TIMEOUT),
            server_budget: budget::LEAST,
        }
    }
}

/// Says which keys do nothing here: mostly they are mistyped. The server gets them all the same, it may be newer.
fn warn_of_unknown(conf: &NetConf) {
    let known = [&keys::OWN[..], &keys::OVN_KUBERNETES[..]].concat();
    for key in unknown_keys(conf.map(), &known) {
        let own = keys::OWN.join(", ");
        log::warn!("key '{}' is not known here and only handed on to ovnkube-node: {own} are", brief(key));
    }
}

fn path(conf: &NetConf, key: &str, place: Place) -> Result<Option<PathBuf>, Error> {
    conf.string(key)?.map(|value| paths::confined(key, value, &[place])).transpose()
}

fn resource(conf: &NetConf) -> Result<Option<String>, Error> {
    let Some(name) = conf.string("resourceName")? else { return Ok(None) };
    let plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    match name.split_once('/') {
        Some((prefix, rest)) if plain(prefix) && plain(rest) && name.len() <= 253 => {
            Ok(Some(name.to_owned()))
        }
        _ => Err(invalid("resourceName", name, "an extended resource such as openshift.io/dpuvf")),
    }
}

fn pfs(conf: &NetConf) -> Result<Vec<String>, Error> {
    let Some(value) = conf.get("physicalFunctions") else { return Ok(Vec::new()) };
    names(value).ok_or_else(|| {
        let allowed = "a list of PFs by PCI address or interface name, such as [\"0000:03:00.0\"]";
        invalid("physicalFunctions", &text(value), allowed)
    })
}

fn dra_drivers(conf: &NetConf) -> Result<Option<Vec<String>>, Error> {
    let Some(value) = conf.get("draDrivers") else { return Ok(None) };
    // They become part of a path.
    let plain = |name: &String| {
        let label = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        name.len() <= 63 && name.split('.').all(label)
    };
    names(value).filter(|names| names.iter().all(plain)).map(Some).ok_or_else(|| {
        let allowed =
            format!("a list of drivers of dynamic resource allocation, such as [\"{}\"]", DRA_DRIVERS[0]);
        invalid("draDrivers", &text(value), &allowed)
    })
}

/// A list of texts that is not empty.
fn names(value: &Value) -> Option<Vec<String>> {
    let names = value.as_array().filter(|names| !names.is_empty())?;
    names.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}

fn timeout(conf: &NetConf) -> Result<Option<Duration>, Error> {
    let Some(value) = conf.get("timeoutSeconds") else { return Ok(None) };
    match value.as_u64() {
        Some(seconds) if TIMEOUT_RANGE.contains(&seconds) => Ok(Some(Duration::from_secs(seconds))),
        _ => {
            let range = format!(
                "a whole number of seconds from {} to {}",
                TIMEOUT_RANGE.start(),
                TIMEOUT_RANGE.end()
            );
            Err(invalid("timeoutSeconds", &text(value), &range))
        }
    }
}

/// A socket that is not connected to because of where it is: code 7.
pub(crate) fn misplaced(key: &str, path: &Path) -> Error {
    let path = path.strip_prefix(paths::root()).map(|path| Path::new("/").join(path));
    let shown = path.as_deref().unwrap_or(Path::new("")).to_string_lossy();
    invalid(key, &shown, "the path of a socket, without a symlink on the way")
}

/// Whether a path cannot be opened because of what it says, not because nothing is there yet.
pub(crate) fn is_misplaced(error: &io::Error) -> bool {
    [Errno::ELOOP, Errno::ENAMETOOLONG, Errno::ENOTDIR]
        .iter()
        .any(|errno| error.raw_os_error() == Some(*errno as i32))
}
