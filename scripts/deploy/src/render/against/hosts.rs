//! Which nodes will be ours, and whether a selector of somebody else's chooses them.

use serde_json::{Map, Value, json};

use super::super::site::Site;

/// The nodes of the pool: those that are labelled already, and what the others will have.
pub(super) struct Hosts<'a> {
    /// Labels that all of them get.
    given: Map<String, Value>,
    /// Labels of those that are there.
    there: Vec<&'a Value>,
}

impl<'a> Hosts<'a> {
    pub(super) fn of(site: &Site, objects: &'a [Value]) -> Self {
        let arch = if site.arch() == "x86_64" { "amd64" } else { "arm64" };
        let given = [
            (site.mode_key(), ""),
            (site.role(), ""),
            ("node-role.kubernetes.io/worker".to_owned(), ""),
            ("kubernetes.io/os".to_owned(), "linux"),
            ("kubernetes.io/arch".to_owned(), arch),
        ];
        let ours = |labels: &&Value| !labels[&site.mode_key()].is_null() || !labels[&site.role()].is_null();
        let nodes = objects.iter().filter(|object| object["kind"] == "Node");
        Hosts {
            given: given.into_iter().map(|(key, value)| (key, json!(value))).collect(),
            there: nodes.map(|node| &node["metadata"]["labels"]).filter(ours).collect(),
        }
    }

    /// Whether a map of labels chooses one of them; nothing where that cannot be told from here.
    pub(super) fn chosen(&self, selector: &Value) -> Option<bool> {
        let wanted = selector.as_object().into_iter().flatten();
        let mut unknown = false;
        for (key, value) in wanted.filter(|(key, value)| self.given.get(*key) != Some(*value)) {
            let on_one = self.there.iter().any(|labels| labels.get(key) == Some(value));
            // A node is in one custom pool only.
            let other_role = key.starts_with("node-role.kubernetes.io/");
            if !on_one && (other_role || self.given.contains_key(key) || !self.there.is_empty()) {
                return Some(false);
            }
            unknown |= !on_one;
        }
        if unknown { None } else { Some(true) }
    }
}

/// A label selector as Kubernetes reads it (`metav1.LabelSelector`); one that says nothing chooses nothing here, as the
/// machine config operator has it.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    let mut said = false;
    for (key, value) in equal {
        said = true;
        if labels.get(key) != Some(value) {
            return false;
        }
    }
    for expression in expressions {
        said = true;
        let label = expression["key"].as_str().and_then(|key| labels.get(key));
        let among = label
            .is_some_and(|label| expression["values"].as_array().is_some_and(|list| list.contains(label)));
        let holds = match expression["operator"].as_str() {
            Some("In") => among,
            Some("NotIn") => !among,
            Some("Exists") => label.is_some(),
            Some("DoesNotExist") => label.is_none(),
            _ => false,
        };
        if !holds {
            return false;
        }
    }
    said
}
