//! One rule for pods: what the linter says of a manifest, the policies say of the pod, and both mend it alike.

use serde_json::{Value, json};

use crate::policies::{MODE, Policies, pod};

/// What a pod adds to one that selects DPU hosts, and whether it runs there.
type Case = (&'static str, Value, bool);

fn vf(number: &str) -> Value {
    let list = json!({ "openshift.io/dpuvf": number });
    json!({ "requests": list, "limits": list })
}

fn with_vf(number: &str) -> Value {
    json!([{ "name": "web", "resources": vf(number) }])
}

/// Tolerations of a pod that has a VF.
fn tolerations() -> Vec<Case> {
    let of = |toleration: Value| json!({ "containers": with_vf("1"), "tolerations": [toleration] });
    vec![
        (
            "this key and effect",
            of(json!({ "key": MODE, "operator": "Exists", "effect": "NoSchedule" })),
            true,
        ),
        ("this key, any effect", of(json!({ "key": MODE, "operator": "Exists" })), true),
        ("any key, any effect", of(json!({ "operator": "Exists" })), true),
        ("an empty key", of(json!({ "key": "", "operator": "Exists", "effect": "" })), true),
        (
            "its value",
            of(json!({ "key": MODE, "operator": "Equal", "value": "true", "effect": "NoSchedule" })),
            true,
        ),
        ("its value, no operator", of(json!({ "key": MODE, "value": "true" })), true),
        ("any key, another effect", of(json!({ "operator": "Exists", "effect": "NoExecute" })), false),
        (
            "this key, another effect",
            of(json!({ "key": MODE, "operator": "Exists", "effect": "NoExecute" })),
            false,
        ),
        ("another value", of(json!({ "key": MODE, "operator": "Equal", "value": "false" })), false),
        ("no value", of(json!({ "key": MODE, "operator": "Equal" })), false),
        ("no value, no operator", of(json!({ "key": MODE, "effect": "NoSchedule" })), false),
        ("another operator", of(json!({ "key": MODE, "operator": "Gt", "value": "true" })), false),
        ("another key", of(json!({ "key": "other", "operator": "Exists" })), false),
        ("none", json!({ "containers": with_vf("1") }), false),
        ("an empty list", json!({ "containers": with_vf("1"), "tolerations": [] }), false),
        (
            "seconds, which count for NoExecute",
            of(json!({ "operator": "Exists", "tolerationSeconds": 60 })),
            true,
        ),
    ]
}

/// Containers of a pod that tolerates everything.
fn holders() -> Vec<Case> {
    let of = |init: Value, own: Value| {
        json!({
            "tolerations": [{ "operator": "Exists" }], "containers": [{ "name": "web", "resources": own }],
            "initContainers": [{ "name": "init", "resources": init }],
        })
    };
    let sidecar = |init: Value| {
        let mut spec = of(init, json!({}));
        spec["initContainers"][0]["restartPolicy"] = json!("Always");
        spec
    };
    let plain =
        |containers: Value| json!({ "tolerations": [{ "operator": "Exists" }], "containers": containers });
    let memory = json!({ "limits": { "memory": "1Gi" } });
    vec![
        ("one", plain(with_vf("1")), true),
        ("two", plain(with_vf("2")), true),
        ("none of them", plain(with_vf("0")), false),
        ("no resources", plain(json!([{ "name": "web" }])), false),
        ("others", plain(json!([{ "name": "web", "resources": memory }])), false),
        (
            "another pool",
            plain(json!([{ "name": "web", "resources": { "limits": { "openshift.io/mgmtvf": "1" } } }])),
            false,
        ),
        ("the second", plain(json!([{ "name": "web" }, { "name": "side", "resources": vf("1") }])), true),
        (
            "a limit alone",
            plain(json!([{ "name": "web", "resources": { "limits": { "openshift.io/dpuvf": "1" } } }])),
            true,
        ),
        (
            "a request alone",
            plain(json!([{ "name": "web", "resources": { "requests": { "openshift.io/dpuvf": "1" } } }])),
            false,
        ),
        ("an init container", of(vf("1"), json!({})), false),
        ("an init container and its own", of(vf("1"), vf("1")), true),
        ("a sidecar", sidecar(vf("1")), true),
        ("a sidecar without", sidecar(vf("0")), false),
    ]
}

fn check(values: &str, cases: Vec<Case>) {
    let policies = Policies::of(values, "1.36");
    for (what, more, runs) in cases {
        let mut before = pod(json!({ "nodeSelector": { MODE: "" } }));
        before["spec"].as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        let linted = |pod: &Value| {
            policies.place.write("pod.json", pod.to_string());
            policies.place.run(&["pod-spec", "lint", "--values", "values.yaml", "pod.json"])
        };
        let complaints = policies.complaints("shop", &before);
        assert_eq!(complaints.is_empty(), runs, "the policy of '{what}': {complaints:?}");
        let lint = linted(&before);
        assert_eq!(lint.code == 0, runs, "the linter of '{what}': {}", lint.out);

        let stored = policies.mutate("shop", &before);
        assert_eq!(stored == before, runs, "what runs is left alone: '{what}'");
        assert_eq!(linted(&stored).code, 0, "mended by the policy: '{what}' {stored}");
        linted(&before);
        let patched =
            policies.place.run(&["pod-spec", "patch", "--values", "values.yaml", "pod.json"]).ok().out;
        let patched: Value = serde_saphyr::from_str(&patched).expect("YAML");
        assert_eq!(patched, stored, "both mend '{what}' alike");
        assert_eq!(policies.complaints("shop", &patched), Vec::<String>::new(), "'{what}'");
    }
}

#[test]
fn who_tolerates_the_taint() {
    check("", tolerations());
}

#[test]
fn who_holds_a_vf() {
    check("", holders());
}

/// A policy cannot look into a claim's template: each counts, so that nobody is given two VFs.
#[test]
fn who_has_a_vf_by_claim() {
    let of = |resources: Value| {
        json!({
            "tolerations": [{ "operator": "Exists" }], "containers": [{ "name": "web", "resources": resources }],
            "resourceClaims": [{ "name": "vf", "resourceClaimTemplateName": "vfs" }],
        })
    };
    let with_claim = || of(json!({ "claims": [{ "name": "vf" }] }));
    let mut init_only = with_claim();
    init_only["initContainers"] = init_only["containers"].take();
    init_only["containers"] = with_vf("1");
    let limits = json!({ "deviceclass.resource.kubernetes.io/dpu-pods": "1" });
    let cases = vec![
        ("a claim", with_claim(), true),
        ("the extended resource", of(vf("1")), true),
        ("the class's own", of(json!({ "limits": limits, "requests": limits })), true),
        ("a claim of an init container beside a VF", init_only, true),
        (
            "none",
            json!({ "tolerations": [{ "operator": "Exists" }], "containers": [{ "name": "web", "resources": {} }] }),
            false,
        ),
    ];
    check("  allocation: dra\n", cases);
}

/// With `NoExecute` a pod that tolerates it for a minute is gone after that minute.
#[test]
fn who_tolerates_a_taint_that_evicts() {
    let of = |toleration: Value| json!({ "containers": with_vf("1"), "tolerations": [toleration] });
    let cases = vec![
        ("for ever", of(json!({ "key": MODE, "operator": "Exists", "effect": "NoExecute" })), true),
        ("for a minute", of(json!({ "key": MODE, "operator": "Exists", "tolerationSeconds": 60 })), false),
        ("another effect", of(json!({ "key": MODE, "operator": "Exists", "effect": "NoSchedule" })), false),
    ];
    check("taint: { effect: NoExecute }\n", cases);
}

#[test]
fn a_taint_that_binds_nobody_needs_no_toleration() {
    check(
        "taint: { effect: PreferNoSchedule }\n",
        vec![("none", json!({ "containers": with_vf("1") }), true)],
    );
}

/// What a pod's default network is, whether the linter lets it run, and whether the policy does, which cannot read JSON.
type Named = (&'static str, bool, bool);

fn check_networks(values: &str, cases: &[Named]) {
    let policies = Policies::of(values, "1.36");
    for &(annotation, runs, passes) in cases {
        let mut before = pod(
            json!({ "nodeSelector": { MODE: "" }, "containers": with_vf("1"), "tolerations": [{ "operator": "Exists" }] }),
        );
        before["metadata"]["annotations"] = json!({ "v1.multus-cni.io/default-network": annotation });
        policies.place.write("pod.json", before.to_string());
        let lint = policies.place.run(&["pod-spec", "lint", "--values", "values.yaml", "pod.json"]);
        assert_eq!(lint.code == 0, runs, "the linter of '{annotation}': {}", lint.out);
        let complaints = policies.complaints("shop", &before);
        assert_eq!(complaints.is_empty(), passes, "the policy of '{annotation}': {complaints:?}");
        assert_eq!(policies.mutate("shop", &before), before, "what somebody wrote is theirs");
    }
}

#[test]
fn which_default_network_is_theirs() {
    let chosen =
        "dpuHost: { defaultNetwork: false }\nattachments: [{ name: dpu, namespace: net, resource: dpuvf }]\n";
    let cases = [
        ("net/dpu", true, true),
        (" net / dpu ", true, true),
        ("net/dpu@eth0", true, true),
        ("net/dpu@ eth0 ", true, true),
        ("net/dpu@", true, true),
        ("net/dpu@a-name-too-long-for-a-link", false, false),
        ("net/dpu@a b", false, false),
        ("net/dpu@a@b", false, false),
        ("dpu", false, false),
        ("/dpu", false, false),
        ("other/dpu", false, false),
        ("net/dpu2", false, false),
        ("anet/dpu", false, false),
        ("net/dpu,net/other", false, false),
        ("net/dpu,", false, false),
        ("", false, false),
        (r#"[{"name":"dpu","namespace":"net"}]"#, true, true),
        (
            r#" [ { "Namespace" : "net", "mac": "02:00:00:00:00:01", "NAME" : "dpu", "ips": ["192.0.2.1/24"] } ]"#,
            true,
            true,
        ),
        (r#"[{"name":"dpu"}]"#, false, false),
        (r#"[{"name":"other","namespace":"net"}]"#, false, false),
        (r#"[{"name":"dpu","namespace":"other"}]"#, false, false),
        (r#"{"name":"dpu","namespace":"net"}"#, false, false),
        // Whom it passes, Multus does not.
        (r#"[{"name":"dpu","namespace":"net","mac":"none"}]"#, false, true),
        (r#"[{"name":"dpu","namespace":"net"},{"name":"other"}]"#, false, true),
    ];
    check_networks(chosen, &cases);
    let beside = "attachments: [{ name: dpu, namespace: net, resource: extravf }]\n";
    check_networks(beside, &[("net/dpu", true, true)]);
    check_networks("", &[("net/dpu", false, false), (r#"[{"name":"dpu"}]"#, false, false)]);
}
