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
        let at = match object["kind"].as_str()? {
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
        };
        let workload = Workload { object, at };
        workload.spec()["containers"].as_array().is_some_and(|list| !list.is_empty()).then_some(workload)
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

impl Display for Workload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metadata = &self.object["metadata"];
        let namespace = metadata["namespace"].as_str().unwrap_or("default");
        let name = metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap_or("(no name)");
        write!(f, "{} {namespace}/{name}", self.kind().to_lowercase())
    }
}
