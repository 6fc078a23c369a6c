//! Which extended resource a VF is of: device plugins and the SR-IOV operator's driver leave a file for each
//! (`k8snetworkplumbingwg/network-attachment-definition-client/pkg/utils: SaveDeviceInfoForDP`).

use std::path::Path;

use cni::paths;

use crate::device::DeviceId;

/// Where the files are.
const FOLDER: &str = "/run/k8s.cni.cncf.io/devinfo/dp";

/// Whether there is one that says so. None says nothing.
pub(super) fn is_of(id: &DeviceId, resource: &str) -> bool {
    let file = format!("{}-{id}-device.json", resource.replace('/', "-"));
    paths::rooted(Path::new(FOLDER)).join(file).exists()
}
