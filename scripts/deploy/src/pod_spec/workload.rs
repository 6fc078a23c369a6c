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

/// Why an object is no workload although somebody may take it for one.
pub(crate) fn passed_over(object: &Value) -> Option<String> {
    let shown = Workload { object, at: "" };
    match Workload::template(object) {
        Some(_) if Workload::of(object).is_none() => {
            Some(format!("{shown} was not looked at: it has no containers"))
        }
        None if has_containers(object) || object.pointer("/spec/template").is_some() => {
            Some(format!("{shown} was not looked at: what makes pods of it is not known here"))
        }
        _ => None,
    }
}

fn has_containers(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            map.get("containers").is_some_and(Value::is_array) || map.values().any(has_containers)
        }
        Value::Array(list) => list.iter().any(has_containers),
        _ => false,
    }
}

impl Display for Workload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metadata = &self.object["metadata"];
        let namespace = metadata["namespace"].as_str().unwrap_or("default");
        let name = metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap_or("(no name)");
        write!(f, "{} {namespace}/{name}", self.kind().to_lowercase())
    }
}
