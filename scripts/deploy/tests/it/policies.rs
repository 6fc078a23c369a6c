//! What the admission policies do with pods: their expressions are evaluated, and their patches applied, as the API
//! server does. It is the same for every version of the API.

use cel::{Context, Program};
use serde_json::{Value, json};

use crate::support::{Place, TENANT};

/// Pods that choose us by annotation.
const ATTACHMENT: &str =
    "dpuHost: { defaultNetwork: false }\nattachments: [{ name: dpu, namespace: net, resource: dpuvf }]\n";
pub(crate) const MODE: &str = "network.operator.openshift.io/dpu-host";

/// The policies of one cluster.
pub(crate) struct Policies {
    pub(crate) place: Place,
    mutating: Value,
    validating: Value,
}

impl Policies {
    pub(crate) fn of(values: &str, version: &str) -> Policies {
        let place = Place::new();
        place.render("tenant", &format!("{TENANT}{values}"), &["--kubernetes-version", version]).ok();
        Policies {
            mutating: place.yaml("out/80-mutatingadmissionpolicy.yaml"),
            validating: place.yaml("out/82-validatingadmissionpolicy.yaml"),
            place,
        }
    }

    /// The pod as it is stored.
    pub(crate) fn mutate(&self, namespace: &str, pod: &Value) -> Value {
        let mut stored = pod.clone();
        if matches(&self.mutating, namespace, pod) {
            for mutation in self.mutating["spec"]["mutations"].as_array().expect("mutations") {
                let expression = mutation["jsonPatch"]["expression"].as_str().expect("an expression");
                // Each sees what those before it have made.
                let operations = evaluate(&as_maps(expression), namespace, &stored);
                operations
                    .as_array()
                    .expect("a list")
                    .iter()
                    .for_each(|operation| add(&mut stored, operation));
            }
        }
        stored
    }

    /// What the validating policy says of the pod.
    pub(crate) fn complaints(&self, namespace: &str, pod: &Value) -> Vec<String> {
        if !matches(&self.validating, namespace, pod) {
            return Vec::new();
        }
        let checks = self.validating["spec"]["validations"].as_array().expect("validations").iter();
        let failed = checks.filter(|check| {
            evaluate(check["expression"].as_str().expect("an expression"), namespace, pod) != true
        });
        failed.map(|check| check["message"].as_str().expect("a message").to_owned()).collect()
    }

    /// What the linter says of it, on the side of whoever writes the pod.
    fn lint(&self, pod: &Value) -> String {
        self.place.write("pod.json", pod.to_string());
        self.place.run(&["pod-spec", "lint", "--values", "values.yaml", "pod.json"]).out
    }
}

fn matches(policy: &Value, namespace: &str, pod: &Value) -> bool {
    let conditions = policy["spec"]["matchConditions"].as_array().expect("conditions");
    conditions
        .iter()
        .all(|condition| evaluate(condition["expression"].as_str().expect("CEL"), namespace, pod) == true)
}

fn evaluate(expression: &str, namespace: &str, pod: &Value) -> Value {
    let mut context = Context::default();
    context.add_variable("object", pod).expect("a pod");
    context
        .add_variable("request", json!({ "namespace": namespace, "operation": "CREATE" }))
        .expect("a request");
    let program = Program::compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    let value = program.execute(&context).unwrap_or_else(|error| panic!("{expression}: {error}"));
    value.json().expect("JSON")
}

/// `JSONPatch` is a type of the API server's.
fn as_maps(expression: &str) -> String {
    expression
        .replace("JSONPatch{op:", "{'op':")
        .replace(", path:", ", 'path':")
        .replace(", value:", ", 'value':")
        .replace(",\n  value:", ", 'value':")
}

/// The operation `add` of RFC 6902, the only one that is used.
fn add(document: &mut Value, operation: &Value) {
    assert_eq!(operation["op"], "add", "{operation}");
    let path = operation["path"].as_str().expect("a path");
    let (parent, key) = path.rsplit_once('/').expect("a parent");
    let key = key.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent).unwrap_or_else(|| panic!("{path}: nothing there to add to")) {
        Value::Array(list) if key == "-" => list.push(operation["value"].clone()),
        Value::Object(map) => drop(map.insert(key, operation["value"].clone())),
        other => panic!("{path}: cannot add to {other}"),
    }
}

/// A pod with nothing but this in its spec, beside its container.
pub(crate) fn pod(spec: Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "containers": [{ "name": "web", "image": "web" }] },
    });
    pod["spec"].as_object_mut().expect("a map").extend(spec.as_object().expect("a map").clone());
    pod
}

fn affinity(terms: Value) -> Value {
    json!({ "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": terms } } } })
}

/// Pods that select DPU hosts, each in another way, each with another thing there already.
fn selecting() -> Vec<Value> {
    let select = json!({ MODE: "" });
    let term = json!({ "matchExpressions": [{ "key": MODE, "operator": "Exists" }] });
    let resources = |resources: Value| json!([{ "name": "web", "image": "web", "resources": resources }, { "name": "side", "image": "side" }]);
    vec![
        pod(json!({ "nodeSelector": select })),
        pod(json!({ "nodeSelector": { "node-role.kubernetes.io/dpu-host": "", "disk": "ssd" } })),
        pod(affinity(json!([term, { "matchExpressions": [
            { "key": "disk", "operator": "Exists" }, { "key": MODE, "operator": "In", "values": [""] }] }]))),
        pod(json!({ "nodeSelector": select, "containers": resources(json!({})) })),
        pod(json!({ "nodeSelector": select, "containers": resources(json!({ "limits": { "cpu": "1" } })) })),
        pod(
            json!({ "nodeSelector": select, "containers": resources(json!({ "requests": { "cpu": "1" } })) }),
        ),
        pod(json!({ "nodeSelector": select, "tolerations": [{ "key": "other", "operator": "Exists" }] })),
        pod(json!({ "nodeSelector": select, "hostNetwork": false, "tolerations": [] })),
    ]
}

#[test]
fn a_pod_that_selects_dpu_hosts_runs_there() {
    for (values, version) in [("", "1.36"), (ATTACHMENT, "1.36"), ("", "1.34"), (ATTACHMENT, "1.34")] {
        let policies = Policies::of(values, version);
        for before in selecting() {
            assert!(!policies.complaints("shop", &before).is_empty(), "it is complete: {before}");
            let after = policies.mutate("shop", &before);
            assert_eq!(
                policies.lint(&after).lines().next(),
                Some("pod shop/web: runs on a DPU host"),
                "{after}"
            );
            assert_eq!(policies.complaints("shop", &after), Vec::<String>::new(), "{after}");
            assert_eq!(policies.mutate("shop", &after), after, "nothing is added twice");
        }
    }
}

#[test]
fn nothing_that_a_pod_has_is_taken_from_it() {
    let policies = Policies::of(ATTACHMENT, "1.36");
    let mut before = pod(json!({
        "nodeSelector": { MODE: "" },
        "tolerations": [{ "key": MODE, "operator": "Exists", "effect": "NoSchedule" }],
        "containers": [
            { "name": "web", "resources": { "limits": { "cpu": "2" } } },
            { "name": "side", "resources": { "limits": { "openshift.io/dpuvf": "2" }, "requests": { "openshift.io/dpuvf": "2" } } },
        ],
    }));
    before["metadata"]["annotations"] = json!({ "v1.multus-cni.io/default-network": "other/net", "a": "b" });
    assert_eq!(policies.mutate("shop", &before), before);
    // Nor is it kept in silence.
    let said = policies.complaints("shop", &before);
    assert!(said.len() == 1 && said[0].contains("or another one than theirs"), "{said:?}");
}

#[test]
fn other_pods_are_left_alone() {
    let policies = Policies::of("admission: { skipNamespaces: [multus] }\n", "1.36");
    let select = json!({ "nodeSelector": { MODE: "" } });
    let mut opted_out = pod(select.clone());
    opted_out["metadata"]["labels"] = json!({ "dpu-cni/opt-out": "" });
    let or = affinity(json!([
        { "matchExpressions": [{ "key": MODE, "operator": "Exists" }] },
        { "matchExpressions": [{ "key": "disk", "operator": "Exists" }] },
    ]));
    let never = affinity(json!([{ "matchExpressions": [{ "key": MODE, "operator": "DoesNotExist" }] }]));
    let cases = [
        ("shop", pod(json!({})), "it does not select them"),
        ("shop", pod(json!({ "tolerations": [{ "operator": "Exists" }] })), "it merely tolerates the taint"),
        ("shop", pod(or), "it may run elsewhere too"),
        ("shop", pod(never), "it avoids them"),
        ("shop", pod(affinity(json!([{ "matchFields": [] }]))), "a DaemonSet's own affinity"),
        ("shop", pod(json!({ "affinity": { "nodeAffinity": {} } })), "nothing is required"),
        (
            "shop",
            pod(json!({ "nodeSelector": { MODE: "" }, "hostNetwork": true })),
            "it is on the host's network",
        ),
        ("shop", opted_out, "it is opted out"),
        ("kube-system", pod(select.clone()), "the platform's"),
        ("openshift-dns", pod(select.clone()), "the platform's"),
        ("multus", pod(select), "told to skip"),
    ];
    for (namespace, pod, why) in cases {
        assert_eq!(policies.mutate(namespace, &pod), pod, "{why}");
        assert_eq!(policies.complaints(namespace, &pod), Vec::<String>::new(), "{why}");
    }
}

#[test]
fn each_thing_that_is_missing_is_said() {
    let policies = Policies::of(ATTACHMENT, "1.36");
    let said = policies.complaints("shop", &pod(json!({ "nodeSelector": { MODE: "" } })));
    for (said, words) in said.iter().zip(["asks for no VF", "does not tolerate", "names no default network"])
    {
        assert!(said.contains(words), "'{words}' is not in: {said}");
    }
    assert_eq!(said.len(), 3);
}

/// Fields like `object.?spec` are newer than the oldest version that is served: 1.28.
#[test]
fn old_api_servers_can_read_the_expressions() {
    let place = Place::new();
    place.render("tenant", &format!("{TENANT}{ATTACHMENT}"), &["--kubernetes-version", "1.28"]).ok();
    assert!(!place.read("out/82-validatingadmissionpolicy.yaml").contains(".?"));
}
