//! What is said of workloads, and how they are changed.

use serde_json::{Value, json};

use crate::support::Place;

/// Pods that choose us by annotation.
const ATTACHMENT: &str =
    "dpuHost: { defaultNetwork: false }\nattachments: [{ name: dpu, namespace: net, resource: dpuvf }]\n";

fn lint(values: &str, object: &Value) -> (i32, String) {
    let place = Place::new();
    place.write("values.yaml", values);
    place.write("object.json", object.to_string());
    let ran = place.run(&["pod-spec", "lint", "--values", "values.yaml", "object.json"]);
    (ran.code, ran.out + &ran.err)
}

fn patched(values: &str, object: &Value, more: &[&str]) -> Value {
    let place = Place::new();
    place.write("values.yaml", values);
    place.write("object.json", object.to_string());
    let ran =
        place.run(&[&["pod-spec", "patch", "--values", "values.yaml", "object.json"], more].concat()).ok();
    serde_saphyr::from_str(&ran.out).expect("YAML")
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": "web" }] } } },
    })
}

#[test]
fn an_ordinary_deployment_is_told_everything_that_it_lacks() {
    let (code, text) = lint("", &deployment());
    assert_eq!(code, 1);
    assert!(text.starts_with("deployment shop/web: cannot run on a DPU host\n"), "{text}");
    assert!(
        text.contains("no container asks for a VF (openshift.io/dpuvf): add openshift.io/dpuvf: \"1\""),
        "{text}"
    );
    assert!(
        text.contains("does not tolerate the taint network.operator.openshift.io/dpu-host=true:NoSchedule"),
        "{text}"
    );
    assert!(text.contains("note: it is not bound to DPU hosts"), "{text}");
}

#[test]
fn a_patched_workload_passes() {
    for values in ["", ATTACHMENT] {
        let fixed = patched(values, &deployment(), &["--select"]);
        let (code, text) = lint(values, &fixed);
        assert_eq!((code, text.as_str()), (0, "deployment shop/web: runs on a DPU host\n"));
        let pod = &fixed["spec"]["template"];
        assert_eq!(pod["spec"]["containers"][0]["resources"]["limits"]["openshift.io/dpuvf"], "1");
        assert_eq!(pod["metadata"]["labels"]["app"], "web", "the rest stays");
        assert_eq!(patched(values, &fixed, &["--select"]), fixed, "nothing is added twice");
    }
}

#[test]
fn a_json_patch_says_the_same_as_the_manifest() {
    let patch = patched("", &deployment(), &["--as", "json-patch"]);
    let base = "/spec/template/spec/containers/0/resources";
    let expected = json!([
        { "op": "add", "path": base, "value": {} },
        { "op": "add", "path": format!("{base}/requests"), "value": {} },
        { "op": "add", "path": format!("{base}/requests/openshift.io~1dpuvf"), "value": "1" },
        { "op": "add", "path": format!("{base}/limits"), "value": {} },
        { "op": "add", "path": format!("{base}/limits/openshift.io~1dpuvf"), "value": "1" },
        { "op": "add", "path": "/spec/template/spec/tolerations",
          "value": [{ "key": "network.operator.openshift.io/dpu-host", "operator": "Exists", "effect": "NoSchedule" }] },
    ]);
    assert_eq!(patch, expected);
}

#[test]
fn lint_tells_programs_the_same_change() {
    let place = Place::new();
    place.write("object.json", deployment().to_string());
    let lint = place.run(&["pod-spec", "lint", "--json", "object.json"]);
    let lint: Value = serde_json::from_str(&lint.out).expect("JSON");
    let problems = lint[0]["problems"].as_array().expect("problems");
    let changes = problems.iter().filter_map(|problem| problem["change"].as_array()).flatten();
    assert_eq!(changes.cloned().collect::<Value>(), patched("", &deployment(), &["--as", "json-patch"]));
}

#[test]
fn what_is_not_looked_at_is_named() {
    let place = Place::new();
    let mut rollout = deployment();
    rollout["kind"] = json!("Rollout");
    let mut empty = deployment();
    empty["metadata"]["name"] = json!("empty");
    empty["spec"]["template"]["spec"]["containers"] = json!([]);
    let list =
        json!({ "kind": "List", "items": [rollout, empty, { "kind": "Service", "spec": {} }, good()] });
    place.write("list.json", list.to_string());
    for verb in ["lint", "patch"] {
        let ran = place.run(&["pod-spec", verb, "list.json"]);
        assert_eq!(ran.code == 3, verb == "patch", "of lint, what cannot run counts more");
        assert_eq!(
            ran.err.lines().filter(|line| line.starts_with("note: ")).collect::<Vec<_>>(),
            [
                "note: rollout shop/web was not looked at: what makes pods of it is not known here",
                "note: deployment shop/empty was not looked at: it has no containers"
            ],
            "{verb}"
        );
    }
}

#[test]
fn programs_are_told_of_what_is_not_looked_at() {
    let place = Place::new();
    place.write("values.yaml", ATTACHMENT);
    let lint = |unknown: Value| {
        place.write("list.json", json!([good(), unknown]).to_string());
        let ran = place.run(&["pod-spec", "lint", "--values", "values.yaml", "--json", "list.json"]);
        (ran.code, serde_json::from_str::<Value>(&ran.out).expect("JSON"))
    };
    let machine = json!({ "kind": "VirtualMachine", "metadata": { "name": "vm" }, "spec": { "template": { "spec": { "domain": {} } } } });
    let instance =
        json!({ "kind": "VirtualMachineInstance", "metadata": { "name": "vm" }, "spec": { "domain": {} } });
    let workflow = json!({ "kind": "Workflow", "metadata": { "generateName": "w-" }, "spec": { "templates": [{ "container": { "image": "i" } }] } });
    for (unknown, name) in [
        (machine, "virtualmachine default/vm"),
        (instance, "virtualmachineinstance default/vm"),
        (workflow, "workflow default/w-"),
    ] {
        let (code, lines) = lint(unknown);
        assert_eq!(code, 3, "{name}");
        assert_eq!((&lines[1]["workload"], &lines[1]["runs"]), (&json!(name), &Value::Null));
        assert_eq!(lines[1]["notes"], json!(["what makes pods of it is not known here"]));
    }
    let (code, lines) = lint(json!({ "kind": "ConfigMap", "metadata": { "name": "c" } }));
    assert_eq!((code, lines.as_array().map(Vec::len)), (0, Some(1)));
    let mut bad = good();
    bad["spec"]["tolerations"] = json!([]);
    place.write("list.json", json!([bad, { "kind": "Rollout", "spec": { "template": {} } }]).to_string());
    assert_eq!(place.run(&["pod-spec", "lint", "list.json"]).code, 1, "what cannot run counts more");
}

/// A pod that names its default network so.
fn naming(annotation: &str) -> Value {
    with("/metadata/annotations", json!({ "v1.multus-cni.io/default-network": annotation }))
}

#[test]
fn a_default_network_is_read_as_multus_reads_it() {
    let element = r#"[{"name":"dpu","namespace":"net","mac":"02:00:00:00:00:01","ips":["10.0.0.5/24"]}]"#;
    for fine in
        ["net/dpu", " net/dpu@eth7 ", "net/dpu@eth7", element, r#"[{"Name":"dpu","NAMESPACE":"net"}]"#]
    {
        let pod = naming(fine);
        assert_eq!(
            lint(ATTACHMENT, &pod),
            (
                0,
                "pod default/p: runs on a DPU host
"
                .to_owned()
            ),
            "{fine}"
        );
        assert_eq!(patched(ATTACHMENT, &pod, &[]), pod, "{fine} is kept");
    }
    let nameless = r#"[{"name":"dpu","mac":"02:00:00:00:00:01","ips":["10.0.0.5"]}]"#;
    let qualified = r#"[{"ips":["10.0.0.5"],"mac":"02:00:00:00:00:01","name":"dpu","namespace":"net"}]"#;
    for (annotation, words, becomes) in [
        ("dpu", "names no namespace", "net/dpu"),
        ("dpu@eth7", "names no namespace", "net/dpu@eth7"),
        (nameless, "names no namespace", qualified),
        ("other/dpu", "is other/dpu", "net/dpu"),
        ("net/dpu,net/b", "names 2 default networks", "net/dpu"),
        ("a/b/c", "cannot read", "net/dpu"),
        ("net/DPU", "cannot read", "net/dpu"),
        ("", "is ", "net/dpu"),
        // What an address would be lost with stays, and a person is told.
        (r#"{"name":"dpu","ips":["10.0.0.5"]}"#, "cannot read", r#"{"name":"dpu","ips":["10.0.0.5"]}"#),
        (
            r#"[{"name":"dpu","ips":"10.0.0.5"}]"#,
            "no list of addresses",
            r#"[{"name":"dpu","ips":"10.0.0.5"}]"#,
        ),
        (
            r#"[{"name":"dpu","ips":["10.0.0.5/33"]}]"#,
            "no list of addresses",
            r#"[{"name":"dpu","ips":["10.0.0.5/33"]}]"#,
        ),
        (r#"[{"name":"dpu","mac":"02:00"}]"#, "its mac '02:00' is none", r#"[{"name":"dpu","mac":"02:00"}]"#),
        ("net/dpu@much-too-long-a-name", "cannot read", "net/dpu"),
        (r#"[{"name":"a"},{"name":"b"}]"#, "names 2", r#"[{"name":"a"},{"name":"b"}]"#),
        ("[]", "names 0", "[]"),
    ] {
        let pod = naming(annotation);
        let (code, text) = lint(ATTACHMENT, &pod);
        assert_eq!((code, text.lines().count()), (1, 2), "{annotation}: {text}");
        assert!(text.contains(words) && text.contains(": set v1.multus-cni.io/default-network: "), "{text}");
        let after = patched(ATTACHMENT, &pod, &[]);
        assert_eq!(
            after["metadata"]["annotations"]["v1.multus-cni.io/default-network"], becomes,
            "{annotation}"
        );
    }
    let other = with("/metadata/annotations", json!({ "k8s.v1.cni.cncf.io/networks": "net/dpu-extra" }));
    assert!(lint(ATTACHMENT, &other).1.contains("default-network is missing"), "another name that begins so");
}

/// A pod that lacks nothing, to take something from.
fn good() -> Value {
    json!({
        "kind": "Pod", "metadata": { "name": "p", "annotations": { "v1.multus-cni.io/default-network": "net/dpu" } },
        "spec": {
            "nodeSelector": { "network.operator.openshift.io/dpu-host": "" }, "tolerations": [{ "operator": "Exists" }],
            "containers": [{ "name": "c", "resources": { "limits": { "openshift.io/dpuvf": 1 }, "requests": { "openshift.io/dpuvf": "1" } } }],
        },
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut pod = good();
    *pod.pointer_mut(pointer).expect("there") = value;
    pod
}

#[test]
fn each_fault_is_named() {
    assert_eq!(lint(ATTACHMENT, &good()).0, 0);
    let annotations = "/metadata/annotations";
    let cases = [
        (
            with("/spec/containers/0/resources/requests", json!({ "openshift.io/dpuvf": "2" })),
            "requests 2 of openshift.io/dpuvf and limits it to 1",
        ),
        (with("/spec/containers/0/resources", json!({})), "no container asks for a VF"),
        (with(annotations, json!({})), "the annotation v1.multus-cni.io/default-network is missing"),
        (with(annotations, json!({ "v1.multus-cni.io/default-network": "dpu" })), "names no namespace"),
        (
            with(annotations, json!({ "k8s.v1.cni.cncf.io/networks": "net/dpu" })),
            "which adds networks and leaves the default one as it is",
        ),
        (
            with("/spec/tolerations", json!([{ "key": "other", "operator": "Exists" }])),
            "does not tolerate the taint",
        ),
    ];
    for (pod, words) in cases {
        let (code, text) = lint(ATTACHMENT, &pod);
        assert_eq!(code, 1, "{text}");
        assert!(text.contains(words), "'{words}' is not in: {text}");
        assert_eq!(text.lines().count(), 2, "one fault, one line: {text}");
        assert_eq!(lint(ATTACHMENT, &patched(ATTACHMENT, &pod, &[])).0, 0);
    }
    let (_, text) = lint("", &good());
    assert!(
        text.contains("takes the pod away from the node's default network: remove the annotation"),
        "{text}"
    );
    assert!(
        patched("", &good(), &[])["metadata"]["annotations"]
            .get("v1.multus-cni.io/default-network")
            .is_none()
    );
}

#[test]
fn host_network_needs_leave_only() {
    let mut pod = good();
    pod["spec"]["hostNetwork"] = json!(true);
    pod["spec"]["containers"][0]["resources"] = json!({});
    assert_eq!(
        lint("", &pod),
        (
            0,
            "pod default/p: runs on a DPU host\n  note: it uses the host's network and needs no VF\n"
                .to_owned()
        )
    );
}

#[test]
fn a_daemon_set_everywhere_gets_no_vf() {
    let mut object = deployment();
    object["kind"] = json!("DaemonSet");
    object["spec"]["template"]["spec"]["tolerations"] = json!([{ "operator": "Exists" }]);
    let (code, text) = lint("", &object);
    assert_eq!(code, 1);
    assert!(text.contains("go to all nodes") && text.contains("DoesNotExist"), "{text}");
    assert_eq!(patched("", &object, &[]), object, "a person decides");
}

#[test]
fn lists_json_and_exit_status_are_for_programs() {
    let place = Place::new();
    place.write(
        "list.json",
        json!({ "kind": "List", "items": [good(), deployment(), { "kind": "Service" }] }).to_string(),
    );
    let ran = place.run(&["pod-spec", "lint", "--json", "list.json"]);
    let lines: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(lines.as_array().map(Vec::len), Some(2));
    assert_eq!(lines[1]["workload"], "deployment shop/web");
    assert_eq!(lines[1]["runs"], false);
    let ran = place.run(&["pod-spec", "patch", "--as", "json-patch", "list.json"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("2 workloads were given"), "{}", ran.err);
    place.write("none.yaml", "kind: Service\n");
    assert!(
        place.run(&["pod-spec", "lint", "none.yaml"]).err.contains("no pod, deployment or other workload")
    );
}
