//! VFs by dynamic resource allocation, of the class that `scripts/render` writes.

use std::path::Path;

use cluster::{Role, objects};
use serde_json::Value;

use super::attach::addresses;
use super::support::{Alone, delete, start};

const RENDERED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/deploy/tests/golden/by-claim");

/// The device of the claim of this name, as the scheduler has it.
fn device_of(cluster: &Alone, claim: &Value) -> String {
    let name = claim.as_str().unwrap();
    let path = format!("/apis/resource.k8s.io/v1/namespaces/default/resourceclaims/{name}");
    let claim = cluster.api().find(&path).unwrap().unwrap();
    claim["status"]["allocation"]["devices"]["results"][0]["device"].as_str().unwrap().to_owned()
}

/// The pod that asks for the extended resource is the one that a device plugin's node runs, word for word.
#[test]
fn a_claim_and_an_extended_resource_give_their_pods_the_vf_allocated() {
    let cluster = start(Role::Host { vfs: 4 });
    let _driver = cluster.claim_driver().unwrap();
    cluster.until_node_ready("True").unwrap();
    for file in ["63-deviceclass-pods.yaml", "samples/resourceclaimtemplate.yaml"] {
        let path = Path::new(RENDERED).join(file);
        cluster.kubectl(&["apply", "-f", path.to_str().unwrap()]).unwrap();
    }
    let pods = [
        objects::pod_by_claim("claim", "dpu-pods"),
        objects::pod("extended"),
        objects::pod_of_class("class", "dpu-pods"),
        objects::pod_without_vf("none"),
    ];
    cluster.apply(&pods).unwrap();
    for name in ["claim", "extended", "class"] {
        let status = &cluster.until_runs(name).unwrap()["status"];
        let claim = match name {
            "claim" => &status["resourceClaimStatuses"][0]["resourceClaimName"],
            _ => &status["extendedResourceClaimStatus"]["resourceClaimName"],
        };
        let vf = cluster.vf_of(name).unwrap();
        assert_eq!(vf.replace([':', '.'], "-"), device_of(&cluster, claim), "{name}");
        assert_ne!(vf, cluster.node().vfs()[0].device_id(), "the class leaves the management port's alone");
    }
    for address in addresses(&cluster.until_runs("extended").unwrap()) {
        cluster.kubectl(&["exec", "claim", "--", "ping", "-c", "1", "-W", "5", &address]).unwrap();
    }
    let event = cluster.until_event("none", "FailedCreatePodSandBox").unwrap();
    assert!(event.contains("a claim of a VF of sriovnetwork.k8snetworkplumbingwg.io"), "{event}");

    delete(&cluster, &["--all"]);
    for pod in ["claim", "extended", "class", "none"] {
        cluster.until_gone(pod).unwrap();
    }
    cluster.until_all_home();
}
