//! Objects that tests apply.

use runtimes::image;
use serde_json::{Value, json};

use super::role::RESOURCE;

/// A pod of one container that sleeps, with a VF.
pub fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec()})
}

/// The same without a VF.
pub fn pod_without_vf(name: &str) -> Value {
    let mut pod = pod(name);
    pod["spec"]["containers"][0]["resources"] = json!({});
    pod
}

/// A pod of one container that has a claim made from this template.
pub fn pod_by_claim(name: &str, template: &str) -> Value {
    let mut pod = pod_without_vf(name);
    pod["spec"]["resourceClaims"] = json!([{"name": "vf", "resourceClaimTemplateName": template}]);
    pod["spec"]["containers"][0]["resources"] = json!({"claims": [{"name": "vf"}]});
    pod
}

/// A pod of one container that asks for a device of this class by its own extended resource.
pub fn pod_of_class(name: &str, class: &str) -> Value {
    let mut pod = pod_without_vf(name);
    let device = json!({format!("deviceclass.resource.kubernetes.io/{class}"): "1"});
    pod["spec"]["containers"][0]["resources"] = json!({"requests": device, "limits": device});
    pod
}

/// A pod that is done after this many seconds, with a VF.
pub fn short_pod(name: &str, seconds: u32) -> Value {
    let mut pod = pod(name);
    pod["spec"]["restartPolicy"] = json!("Never");
    pod["spec"]["containers"][0]["command"] = json!(["sleep", seconds.to_string()]);
    pod
}

/// Pods of a StatefulSet with VFs, all started at once.
pub fn stateful_set(name: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name},
        "spec": {
            "serviceName": name, "replicas": replicas, "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": {"app": name}}, "template": template(name),
        },
    })
}

/// A DaemonSet whose pods have a VF; `version` is an environment variable of theirs.
pub fn daemon_set(name: &str, version: &str) -> Value {
    let mut template = template(name);
    template["spec"]["containers"][0]["env"] = json!([{"name": "VERSION", "value": version}]);
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
    })
}

fn template(app: &str) -> Value {
    json!({"metadata": {"labels": {"app": app}}, "spec": spec()})
}

fn spec() -> Value {
    let vf = json!({RESOURCE: "1"});
    json!({
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "containers": [{
            "name": "app", "image": image::NAME, "imagePullPolicy": "Never",
            "resources": {"requests": vf, "limits": vf},
        }],
    })
}
