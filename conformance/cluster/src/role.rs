//! Which of the two kinds of node it is: which plugin makes its network.

use anyhow::Result;
use runtimes::Setup;
use serde_json::{Value, json};
use testkit::binaries;

/// The resource whose devices are the node's VFs.
pub const RESOURCE: &str = "openshift.io/dpuvf";
/// Which kind of node.
#[derive(Clone, Debug)]
pub enum Role {
    /// A DPU host with this many VFs, whose pods get them by resource.
    Host {
        /// How many.
        vfs: u32,
    },
    /// A DPU NIC, which runs no pod network, with keys of the placeholder's configuration.
    Card {
        /// Beside the plugin's type.
        keys: Value,
    },
}

impl Role {
    pub(super) fn vfs(&self) -> u32 {
        match self {
            Role::Host { vfs } => *vfs,
            Role::Card { .. } => 0,
        }
    }

    /// Installs the plugin, its configuration, and the loopback plugin that containerd attaches too.
    pub(super) fn install(&self, setup: Setup) -> Result<Setup> {
        let (plugin, file, list) = match self {
            Role::Host { .. } => ("dpu-host", "05-dpu-host.conflist", host()),
            Role::Card { keys } => {
                ("dpu-nic-placeholder", "00-dpu-nic-placeholder.conflist", card(keys.clone()))
            }
        };
        let setup = setup.reference_plugin("loopback")?.plugin(&binaries::plugin(plugin)?)?;
        setup.configuration(file, &list)
    }
}

fn host() -> Value {
    let plugin = json!({"type": "dpu-host", "resourceName": RESOURCE, "logFile": "/var/log/dpu-host.log"});
    json!({"cniVersion": "1.1.0", "name": "ovn-kubernetes", "plugins": [plugin]})
}

fn card(keys: Value) -> Value {
    let mut plugin = json!({"type": "dpu-nic-placeholder"});
    for (key, value) in keys.as_object().into_iter().flatten() {
        plugin[key] = value.clone();
    }
    json!({
        "cniVersion": "0.4.0", "cniVersions": ["0.4.0", "1.0.0", "1.1.0"], "name": "dpu-nic-placeholder",
        "loadOnlyInlinedPlugins": true, "plugins": [plugin],
    })
}
