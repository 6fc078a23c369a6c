//! The plugins under podman's CNI backend, which has an executor and error texts of its own.

use conformance::binaries;
use conformance::runtimes::{Podman, Setup};
use serde_json::{Value, json};

/// podman names only its container; what else a pod has comes from the environment.
const POD: &str = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0";

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

    let refused = podman.container("dpu-nic", &["/bin/ls"], &[("CNI_ARGS", POD)]).unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr);
    let sentence = "plugin type=\"dpu-nic-placeholder\" failed (add): cni plugin dpu-nic-placeholder failed: \
                    pod shop/web-0 refused: this DPU NIC node has no pod network: set hostNetwork: true in the pod \
                    spec, or keep the pod off DPU NIC nodes (nodeSelector, affinity or taint)";
    assert!(said.contains(sentence), "podman said: {said}");

    let ran = podman.container("host", &["/bin/ls", "/bin"], &[]).unwrap();
    assert!(ran.status.success(), "podman said: {}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(podman.leftovers().unwrap(), Vec::<String>::new());
}
