//! Which of the two kinds of node it is: which plugin makes its network.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Result;
use runtimes::Setup;
use serde_json::{Value, json};
use testkit::binaries;

/// The resource whose devices are the node's VFs.
pub const RESOURCE: &str = "openshift.io/dpuvf";
/// The name of a DPU host's network.
pub(super) const NETWORK: &str = "ovn-kubernetes";
/// Where Multus' shim leaves its calls, below the runtime's directory.
pub(super) const CALLS: &str = "multus";

/// Which kind of node.
#[derive(Clone, Debug)]
pub enum Role {
    /// A DPU host with this many VFs, whose pods get them by resource.
    Host {
        /// How many.
        vfs: u32,
    },
    /// The same behind [`Multus`](super::Multus), which has to be served.
    HostUnderMultus {
        /// How many VFs.
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
            Role::Host { vfs } | Role::HostUnderMultus { vfs } => *vfs,
            Role::Card { .. } => 0,
        }
    }

    /// Installs the plugin, its configuration, and the loopback plugin that containerd attaches too.
    pub(super) fn install(&self, setup: Setup) -> Result<Setup> {
        let (plugin, file, list) = match self {
            Role::Host { .. } => ("dpu-host", "05-dpu-host.conflist", host()),
            Role::HostUnderMultus { .. } => ("dpu-host", "00-multus.conflist", multus()),
            Role::Card { keys } => {
                ("dpu-nic-placeholder", "00-dpu-nic-placeholder.conflist", card(keys.clone()))
            }
        };
        let setup = setup.reference_plugin("loopback")?.plugin(&binaries::plugin(plugin)?)?;
        if matches!(self, Role::HostUnderMultus { .. }) {
            install_shim(&setup.plugins().join("multus-shim"), &setup.path(CALLS))?;
        }
        setup.configuration(file, &list)
    }
}

fn multus() -> Value {
    json!({"cniVersion": "1.1.0", "name": "multus-cni-network", "plugins": [{"type": "multus-shim"}]})
}

/// The plugin's own part of a DPU host's configuration.
pub(super) fn host_plugin() -> Value {
    json!({"type": "dpu-host", "resourceName": RESOURCE, "logFile": "/var/log/dpu-host.log"})
}

fn host() -> Value {
    json!({"cniVersion": "1.1.0", "name": NETWORK, "plugins": [host_plugin()]})
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

/// Writes the shim: it leaves a call as a folder in `calls`, and waits for the answer in it.
fn install_shim(path: &Path, calls: &Path) -> Result<()> {
    fs::create_dir_all(calls)?;
    let script = format!(
        "#!/bin/sh\ncall=$(mktemp -d '{}'/new.XXXXXX)\ncat >$call/stdin\nenv | grep ^CNI_ >$call/env\n\
         mv $call $call.ready\nuntil [ -e $call.ready/status ]; do sleep 0.02; done\n\
         cat $call.ready/stdout\nexit $(cat $call.ready/status)\n",
        calls.display()
    );
    fs::write(path, script)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}
