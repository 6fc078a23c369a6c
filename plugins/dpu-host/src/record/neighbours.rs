//! Whom the last ADD was to ask, where its configuration names others than the usual ones: whoever restores a pod's VF by
//! hand, or by a unit, has no configuration.

use std::path::PathBuf;

use cni::Error;
use serde::{Deserialize, Serialize};

use super::store::{self, Store};
use crate::config::Config;

/// In the state directory, where something is unusual.
const FILE: &str = "neighbours";

/// What differs from the defaults.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Neighbours {
    /// ovnkube-node's.
    socket: Option<PathBuf>,
    pod_resources_socket: Option<PathBuf>,
    dra_drivers: Option<Vec<String>>,
}

impl Neighbours {
    fn of(config: &Config) -> Self {
        let usual = Config::default();
        Neighbours {
            socket: (config.socket != usual.socket).then(|| config.socket.clone()),
            pod_resources_socket: (config.pod_resources != usual.pod_resources)
                .then(|| config.pod_resources.clone()),
            dra_drivers: (config.dra_drivers != usual.dra_drivers).then(|| config.dra_drivers.clone()),
        }
    }
}

/// Keeps them.
///
/// # Errors
/// 109 when the disk refuses.
pub(crate) fn keep(store: &Store, config: &Config) -> Result<(), Error> {
    let now = Neighbours::of(config);
    if now == read(store) {
        return Ok(());
    }
    if now == Neighbours::default() { store::remove(&path(store)) } else { store::write(&path(store), &now) }
}

/// The configuration, with those that were kept.
pub(crate) fn known(store: &Store, config: Config) -> Config {
    let Neighbours { socket, pod_resources_socket, dra_drivers } = read(store);
    Config {
        socket: socket.unwrap_or(config.socket),
        pod_resources: pod_resources_socket.unwrap_or(config.pod_resources),
        dra_drivers: dra_drivers.unwrap_or(config.dra_drivers),
        ..config
    }
}

fn read(store: &Store) -> Neighbours {
    store::kept(&path(store)).unwrap_or_default()
}

fn path(store: &Store) -> PathBuf {
    store.dir().join(FILE)
}
