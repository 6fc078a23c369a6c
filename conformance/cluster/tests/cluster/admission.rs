//! The admission policies as `scripts/render` writes them, in a real API server.

use std::path::Path;

use cluster::{NODE, RESOURCE, objects};
use serde_json::{Value, json};

use super::support::{Alone, delete, host};

const RENDERED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/deploy/tests/golden/tenant");
const LABEL: &str = "network.operator.openshift.io/dpu-host";

fn apply(cluster: &Alone, files: &[&str]) {
    for file in files {
        let path = Path::new(RENDERED).join(file);
        cluster.kubectl(&["apply", "-f", path.to_str().unwrap()]).unwrap();
    }
}

/// A pod that selects DPU hosts, and says nothing of VFs or taints.
fn pod(name: &str) -> Value {
    let mut pod = objects::pod_without_vf(name);
    pod["spec"]["nodeSelector"] = json!({LABEL: ""});
    pod
}

#[test]
fn a_pod_that_selects_dpu_hosts_is_given_what_it_lacks_or_told_so() {
    let cluster = host(1);
    cluster.kubectl(&["label", "node", NODE, &format!("{LABEL}=")]).unwrap();
    cluster.kubectl(&["taint", "node", NODE, &format!("{LABEL}=true:NoSchedule")]).unwrap();
    let policies = ["82-validatingadmissionpolicy.yaml", "83-validatingadmissionpolicybinding.yaml"];
    // Twice: as whoever renders anew does.
    apply(&cluster, &[policies, policies].concat());
    let refused = cluster
        .until("the pod is refused", || {
            let said = cluster.apply(&[pod("web")]).err();
            if said.is_none() {
                // The API server takes a policy up in its own time.
                delete(&cluster, &["web", "--force"]);
            }
            said
        })
        .unwrap();
    assert!(refused.to_string().contains("asks for no VF that lasts"), "{refused}");
    let warnings = cluster
        .until("the policy is checked", || {
            let path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/dpu-host-pods";
            let policy = cluster.api().find(path).ok()??;
            policy["status"].get("typeChecking").cloned()
        })
        .unwrap();
    // Its checker does not see what is in a container's resources, whoever wrote the expression; its evaluator does.
    let warnings = warnings["expressionWarnings"].as_array().cloned().unwrap_or_default();
    let texts = warnings.iter().filter_map(|warning| warning["warning"].as_str());
    let errors: Vec<&str> = texts.flat_map(str::lines).filter(|line| line.contains("ERROR")).collect();
    assert!(errors.iter().all(|error| error.ends_with("undefined field 'limits'")), "{errors:#?}");

    let policies = ["80-mutatingadmissionpolicy.yaml", "81-mutatingadmissionpolicybinding.yaml"];
    apply(&cluster, &[policies, policies].concat());
    cluster.until_gone("web").unwrap();
    cluster.until("the pod is taken", || cluster.apply(&[pod("web")]).ok()).unwrap();
    let stored = cluster.until_runs("web").unwrap();
    assert_eq!(stored["spec"]["containers"][0]["resources"]["limits"][RESOURCE], "1");
    cluster.until_settled(&["web"]);
}
