//! How much fits: into one manifest of an installation, and into the MachineConfig that the operator renders from
//! all those of a pool, which is one request to etcd.

use serde::Serialize;

use super::ignition::MachineConfig;
use crate::fault::{Fault, Faults};
use crate::manifest::{Object, Spec};

/// The assisted installer takes no larger manifest.
const ONE: usize = 1_000_000;
/// Where the machine config operator refuses (`pkg/controller/common/constants.go: MaxMachineConfigSize`).
const POOL: usize = 1_572_864;
/// From here on it warns; what other MachineConfigs of the pool grow by must fit as well.
const POOL_NEAR: usize = POOL / 5 * 4;

/// Refuses what would not fit. `inherited` is what the pool has without ours, in bytes.
pub(crate) fn check(
    configs: &[&Object<Spec<MachineConfig>>],
    pool: &str,
    inherited: usize,
    faults: &mut Faults,
) {
    let mut total = inherited;
    for config in configs {
        let size = json_len(config);
        total += size;
        if size > ONE {
            let why = format!(
                "MachineConfig {} has {size} bytes, more than the {ONE} that an installation takes",
                config.metadata.name
            );
            faults.push(Fault::new(
                why,
                "build the plugin with scripts/build-release (static, stripped, size-optimised)",
            ));
        }
    }
    if total > POOL_NEAR {
        let why = format!(
            "pool {pool} would hold {total} bytes of MachineConfigs ({inherited} of them not ours), and etcd takes {POOL}"
        );
        faults
            .push(Fault::new(why, "move other large files out of the pool, or correct pool.inheritedBytes"));
    }
}

/// As it goes over the wire.
pub(crate) fn json_len(document: &impl Serialize) -> usize {
    serde_json::to_string(document).map_or(usize::MAX, |text| text.len())
}
