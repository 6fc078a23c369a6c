//! Pods, and the templates of everything that makes pods.

use std::fmt::{self, Display};

use serde_json::Value;

/// An object that is or makes pods.
#[derive(Clone, Copy)]
pub(crate) struct Workload<'a> {
    object: &'a Value,
    /// Where its pod template is, as a JSON pointer.
    pub(crate) at: &'static str,
}

impl<'a> Workload<'a> {
    /// The workload, if the object is one.
    pub(crate) fn of(object: &'a Value) -> Option<Self> {
        let workload = Workload { object, at: Self::template(object)? };
        workload.spec()["containers"].as_array().is_some_and(|list| !list.is_empty()).then_some(workload)
    }

    /// Where objects of this kind have their pod template.
    fn template(object: &Value) -> Option<&'static str> {
        Some(match object["kind"].as_str()? {
            "Pod" => "",
            "CronJob" => "/spec/jobTemplate/spec/template",
            "Deployment"
            | "DaemonSet"
            | "StatefulSet"
            | "ReplicaSet"
            | "ReplicationController"
            | "Job"
            | "DeploymentConfig" => "/spec/template",
            _ => return None,
        })
    }

    pub(crate) fn kind(&self) -> &'a str {
        self.object["kind"].as_str().unwrap_or_default()
    }

    pub(crate) fn namespace(&self) -> &'a str {
        self.object["metadata"]["namespace"].as_str().unwrap_or("default")
    }

    /// The pod's spec.
    pub(crate) fn spec(&self) -> &'a Value {
        self.part("spec")
    }

    /// The pod's annotations.
    pub(crate) fn annotations(&self) -> &'a Value {
        &self.part("metadata")["annotations"]
    }

    /// Whether the object has something there.
    pub(crate) fn has(&self, pointer: &str) -> bool {
        self.object.pointer(pointer).is_some_and(|value| !value.is_null())
    }

    fn part(&self, name: &str) -> &'a Value {
        self.object.pointer(&format!("{}/{name}", self.at)).unwrap_or(&Value::Null)
    }
}

/// An object that is no workload although somebody may take it for one, and why.
pub(crate) fn passed_over(object: &Value) -> Option<(Workload<'_>, &'static str)> {
    let shown = Workload { object, at: "" };
    match Workload::template(object) {
        Some(_) if Workload::of(object).is_none() => Some((shown, "it has no containers")),
        None if makes_pods(object) => Some((shown, "what makes pods of it is not known here")),
        _ => None,
    }
}

/// Whether an object of a kind that is not known here seems to make pods: it has a template, or containers somewhere,
/// or is a virtual machine, which runs in one. A definition of such objects has them too.
fn makes_pods(object: &Value) -> bool {
    let kind = object["kind"].as_str().unwrap_or_default();
    kind != "CustomResourceDefinition"
        && (kind.starts_with("VirtualMachineInstance")
            || object.pointer("/spec/template").is_some()
            || has_containers(object))
}

fn has_containers(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            map.get("containers").is_some_and(Value::is_array)
                || map.get("container").is_some_and(|container| container["image"].is_string())
                || map.values().any(has_containers)
        }
        Value::Array(list) => list.iter().any(has_containers),
        _ => false,
    }
}

impl Display for Workload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metadata = &self.object["metadata"];
        let name = metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap_or("(no name)");
        write!(f, "{} {}/{name}", self.kind().to_lowercase(), self.namespace())
    }
}
