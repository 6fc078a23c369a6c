//! `sriov: {allocation: dra}`: VFs that a driver of dynamic resource allocation gives.

use serde_json::{Value, json};

use crate::support::{BY_CLAIM, Place, TENANT};

const SRIOV: &str = "openshift-sriov-network-operator";
const MODE: &str = "network.operator.openshift.io/dpu-host";

fn against(values: &str, objects: Value) -> (i32, String) {
    let place = Place::new();
    place.write("cluster.json", json!({ "kind": "List", "items": objects }).to_string());
    let ran = place.render("tenant", values, &["--against", "cluster.json"]);
    let said = ran.err.lines().filter(|line| !line.contains("pod VFs and a kubelet that takes"));
    (ran.code, said.collect::<Vec<_>>().join("\n"))
}

fn operator(gate: bool) -> Value {
    json!({ "kind": "SriovOperatorConfig", "metadata": { "name": "default", "namespace": SRIOV },
        "spec": { "featureGates": { "dynamicResourceAllocation": gate } } })
}

fn class(name: &str) -> Value {
    json!({ "kind": "DeviceClass", "metadata": { "name": name }, "spec": { "extendedResourceName": "openshift.io/dpuvf" } })
}

fn offering(count: &str) -> Value {
    json!({ "kind": "Node", "metadata": { "name": "a", "labels": {} }, "status": { "allocatable": { "openshift.io/dpuvf": count } } })
}

#[test]
fn a_class_of_the_pods_vfs_is_rendered_when_asked() {
    let place = Place::new();
    place.render("tenant", TENANT, &[]).ok();
    assert!(
        place.list("out").iter().all(|file| !file.contains("deviceclass") && !file.contains("resourceclaim"))
    );

    place.render("tenant", BY_CLAIM, &[]).ok();
    let steps = place.read("out/STEPS");
    assert!(steps.contains("samples='default-network'\n"), "no pod, and not tried: {steps}");
    assert!(steps.contains("63-deviceclass-pods"), "{steps}");
    assert!(!steps.contains("{.status.allocatable.openshift\\.io/dpuvf}"), "no node offers it: {steps}");
}

#[test]
fn a_pool_of_two_givers_is_refused() {
    for (values, object, words) in [
        (BY_CLAIM, operator(false), "the SR-IOV operator's device plugin serves openshift.io/dpuvf too"),
        (BY_CLAIM, offering("15"), "a device plugin on node a offers 15 of openshift.io/dpuvf"),
        (TENANT, class("vfs"), "DeviceClass vfs has a driver give openshift.io/dpuvf"),
    ] {
        let (code, said) = against(values, json!([object]));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(words) && said.contains("given twice"), "'{words}' is not in: {said}");
    }
    let (code, said) = against(BY_CLAIM, json!([operator(true), offering("0"), class("dpu-pods")]));
    assert_eq!((code, said.as_str()), (0, ""));
    assert_eq!(against(TENANT, json!([operator(false), offering("15")])), (0, String::new()));
}

#[test]
fn who_gives_vfs_already_is_told() {
    let (code, said) = against(BY_CLAIM, json!([class("dpuvf")]));
    assert!(
        code == 0 && said.contains("warning: DeviceClass dpuvf is for openshift.io/dpuvf already"),
        "{said}"
    );
    let (code, said) = against(TENANT, json!([operator(true)]));
    assert!(code == 0 && said.contains("Set sriov.allocation: dra"), "{said}");
}

fn pod(spec: Value) -> Value {
    let mut pod = json!({ "kind": "Pod", "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "containers": [{ "name": "web" }, { "name": "side" }], "nodeSelector": { MODE: "" }, "tolerations": [{ "operator": "Exists" }] } });
    pod["spec"].as_object_mut().expect("a map").extend(spec.as_object().expect("a map").clone());
    pod
}

/// A pod with one claim, which the container of that number has, if any has.
fn claimant(claim: Value, container: Option<usize>) -> Value {
    let mut pod = pod(json!({ "resourceClaims": [claim] }));
    if let Some(container) = container {
        pod["spec"]["containers"][container]["resources"] = json!({ "claims": [{ "name": "vf" }] });
    }
    pod
}

fn by_template() -> Value {
    json!({ "name": "vf", "resourceClaimTemplateName": "vfs" })
}

fn template(class: &str) -> Value {
    json!({ "kind": "ResourceClaimTemplate", "metadata": { "name": "vfs", "namespace": "shop" },
        "spec": { "spec": { "devices": { "requests": [{ "name": "vf", "exactly": { "deviceClassName": class } }] } } } })
}

fn lint(values: &str, objects: &[Value]) -> (i32, String) {
    let place = Place::new();
    place.write("values.yaml", values);
    place.write("objects.json", json!({ "kind": "List", "items": objects }).to_string());
    let ran = place.run(&["pod-spec", "lint", "--values", "values.yaml", "objects.json"]);
    (ran.code, ran.out + &ran.err)
}

fn patched(objects: &[Value]) -> Value {
    let place = Place::new();
    place.write("values.yaml", BY_CLAIM);
    place.write("objects.json", json!({ "kind": "List", "items": objects }).to_string());
    let args = ["pod-spec", "patch", "--as", "json-patch", "--values", "values.yaml", "objects.json"];
    serde_json::from_str(&place.run(&args).ok().out).expect("JSON")
}

#[test]
fn a_claim_is_a_vf_where_drivers_give_them() {
    let (code, text) = lint(BY_CLAIM, &[claimant(by_template(), Some(1)), template("dpu-pods")]);
    assert_eq!((code, text.as_str()), (0, "pod shop/web: runs on a DPU host\n"));
    assert_eq!(patched(&[claimant(by_template(), Some(1)), template("dpu-pods")]), json!([]));
    // A claim of the pod's own name, and one of a beta's.
    let own = json!({ "name": "vf", "resourceClaimName": "one" });
    let beta = json!({ "kind": "ResourceClaim", "metadata": { "name": "one", "namespace": "shop" },
        "spec": { "devices": { "requests": [{ "name": "vf", "deviceClassName": "dpu-pods" }] } } });
    assert_eq!(lint(BY_CLAIM, &[claimant(own, Some(0)), beta]).0, 0);
    // Elsewhere a claim is for something else.
    let (code, text) = lint(TENANT, &[claimant(by_template(), Some(0)), template("dpu-pods")]);
    assert!(code == 1 && text.contains("no container asks for a VF"), "{text}");
}

#[test]
fn a_claim_of_another_class_is_none() {
    for objects in [
        vec![template("gpu")],
        vec![
            {
                let mut there = template("dpu-pods");
                there["metadata"]["namespace"] = json!("elsewhere");
                there["metadata"]["name"] = json!("vfs");
                there
            },
            template("gpu"),
        ],
    ] {
        let (code, text) = lint(BY_CLAIM, &[vec![claimant(by_template(), Some(0))], objects].concat());
        assert!(code == 1 && text.contains("no container asks for a VF"), "{text}");
    }
}

#[test]
fn a_claim_whose_template_is_not_given_counts_and_is_told() {
    let (code, text) = lint(BY_CLAIM, &[claimant(by_template(), Some(0))]);
    assert!(code == 0 && text.contains("ResourceClaimTemplate vfs was not given"), "{text}");
}

#[test]
fn a_claim_that_no_container_has_is_mended() {
    let (code, text) = lint(BY_CLAIM, &[claimant(by_template(), None), template("dpu-pods")]);
    assert!(code == 1 && text.contains("no container that lasts has its claim vf"), "{text}");
    let change = patched(&[claimant(by_template(), None), template("dpu-pods")]);
    assert_eq!(
        change,
        json!([
            { "op": "add", "path": "/spec/containers/0/resources", "value": {} },
            { "op": "add", "path": "/spec/containers/0/resources/claims", "value": [{ "name": "vf" }] },
        ])
    );
    // Beside another claim.
    let mut pod = claimant(by_template(), None);
    pod["spec"]["containers"][0]["resources"] = json!({ "claims": [{ "name": "gpu" }] });
    assert_eq!(
        patched(&[pod, template("dpu-pods")]),
        json!([{ "op": "add", "path": "/spec/containers/0/resources/claims/-", "value": { "name": "vf" } }])
    );
}

#[test]
fn the_classs_own_resource_counts() {
    let limits = json!({ "deviceclass.resource.kubernetes.io/dpu-pods": "1" });
    let asking = pod(
        json!({ "containers": [{ "name": "web", "resources": { "requests": limits, "limits": limits } }] }),
    );
    assert_eq!(lint(BY_CLAIM, std::slice::from_ref(&asking)).0, 0);
    assert_eq!(lint(TENANT, &[asking]).0, 1);
}
