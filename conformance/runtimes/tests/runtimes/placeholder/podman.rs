//! Under podman's CNI backend, which has an executor and error texts of its own.

use runtimes::{Podman, Setup};
use serde_json::{Value, json};
use testkit::binaries;

use super::{HINT, POD, REFUSED};

fn placeholder() -> Value {
    json!({ "cniVersion": "0.4.0", "name": "dpu-nic", "plugins": [{ "type": "dpu-nic-placeholder" }] })
}

/// A container of the network is refused with the sentence that names the pod; one of the host's network runs; and
/// nothing is left of either.
#[test]
fn the_placeholder_refuses_a_container_by_its_pods_name() {
    let plugin = binaries::plugin("dpu-nic-placeholder").unwrap();
    let setup = Setup::new().unwrap().plugin(&plugin).unwrap();
    let setup = setup.configuration("00-dpu-nic.conflist", &placeholder()).unwrap();
    let Some(podman) = Podman::start(setup, None).unwrap() else { return };

    let refused = podman.container("dpu-nic", &["/bin/ls"], &[POD]).unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr);
    let sentence = format!(
        "plugin type=\"dpu-nic-placeholder\" failed (add): cni plugin dpu-nic-placeholder failed: {REFUSED}: {HINT}"
    );
    assert!(said.contains(&sentence), "podman said: {said}");

    let ran = podman.container("host", &["/bin/ls", "/bin"], &[]).unwrap();
    assert!(ran.status.success(), "podman said: {}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(podman.leftovers().unwrap(), Vec::<String>::new());
}
