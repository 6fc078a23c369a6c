//! Which admission policies a version of Kubernetes gets. What they do with pods is in `policies`.

use crate::support::{Place, TENANT};

fn policies(version: &str) -> (Vec<String>, String) {
    policies_of(TENANT, version)
}

fn policies_of(values: &str, version: &str) -> (Vec<String>, String) {
    let place = Place::new();
    let ran = place.render("tenant", values, &["--kubernetes-version", version]).ok();
    let files = place.list("out").into_iter().filter(|name| name.contains("admission"));
    let of = |name: &String| {
        place.yaml(&format!("out/{name}"))["apiVersion"].as_str().expect("a version").to_owned()
    };
    (files.map(|name| format!("{} {}", name[3..].trim_end_matches(".yaml"), of(&name))).collect(), ran.err)
}

#[test]
fn each_version_gets_the_api_that_it_serves() {
    let (files, warnings) = policies("1.36");
    assert_eq!(files.len(), 4);
    assert!(files.iter().all(|file| file.ends_with("admissionregistration.k8s.io/v1")), "{files:?}");
    assert!(!warnings.contains("Kubernetes"), "{warnings}");

    let (files, warnings) = policies("v1.34.2");
    assert_eq!(files[0], "mutatingadmissionpolicy admissionregistration.k8s.io/v1beta1");
    assert_eq!(files[2], "validatingadmissionpolicy admissionregistration.k8s.io/v1");
    assert!(warnings.contains("MutatingAdmissionPolicy is enabled in FeatureGate cluster"), "{warnings}");
    let (_, warnings) = policies_of(&format!("profile: kubernetes\n{TENANT}"), "1.34");
    assert!(warnings.contains("--feature-gates=MutatingAdmissionPolicy=true"), "{warnings}");

    let (files, warnings) = policies("1.31");
    assert_eq!(files.len(), 2);
    assert!(warnings.contains("pod-spec patch"), "{warnings}");
    assert!(policies("1.27").0.is_empty());
}

#[test]
fn a_version_is_a_version() {
    let ran = Place::new().render("tenant", TENANT, &["--kubernetes-version", "4.21"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("OpenShift 4.N runs Kubernetes 1.(N+13)"), "{}", ran.err);
}
