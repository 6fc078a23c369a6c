//! What a pod needs to run on a DPU host: a VF, the right network, leave to be there.

use std::fmt::{self, Display};

use serde::Serialize;
use serde_json::{Value, json};

use super::change::{Change, append, merged, remove, set};
use super::workload::Workload;
use crate::known::{DEFAULT_NETWORK, NETWORKS};
use crate::render::Site;

/// The cluster's side of it.
pub(crate) struct Rules {
    mode: String,
    role: String,
    taint: (String, String, String),
    resource: String,
    attachment: Option<String>,
}

/// What is to be said of a workload.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) runs: bool,
    pub(crate) problems: Vec<Problem>,
    pub(crate) notes: Vec<String>,
}

/// One thing in the way.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    pub(crate) what: String,
    pub(crate) remedy: String,
    /// Empty when a person must decide.
    pub(crate) change: Vec<Change>,
}

impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.runs { "runs on a DPU host" } else { "cannot run on a DPU host" })?;
        for Problem { what, remedy, .. } in &self.problems {
            write!(f, "\n  {what}: {remedy}")?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "\n  note: {note}"))
    }
}

impl Rules {
    pub(crate) fn new(site: &Site) -> Self {
        let taint = &site.values.taint;
        Rules {
            mode: site.mode_key(),
            role: site.role(),
            taint: (site.taint_key(), taint.value.clone(), format!("{:?}", taint.effect)),
            resource: site.pod_resource(),
            attachment: site.default_attachment(),
        }
    }

    /// Judges one workload.
    pub(crate) fn judge(&self, workload: &Workload<'_>) -> Verdict {
        let mut problems = Vec::new();
        let mut notes = Vec::new();
        let host_network = workload.spec()["hostNetwork"].as_bool().unwrap_or(false);
        if host_network {
            notes.push("it uses the host's network and needs no VF".to_owned());
        } else if workload.kind() == "DaemonSet"
            && !self.selects(workload)
            && self.asked(workload, "containers") == 0
        {
            problems.push(self.everywhere());
        } else {
            problems.extend(self.device(workload));
            problems.extend(self.network(workload));
            if !self.selects(workload) {
                notes.push(format!("it is not bound to DPU hosts: the VF alone does that, where only they have {}; else add the node selector {}: \"\"", self.resource, self.mode));
            }
        }
        problems.extend(self.toleration(workload));
        Verdict { runs: problems.is_empty(), problems, notes }
    }

    /// Binds the workload to DPU hosts.
    pub(crate) fn select(&self, workload: &Workload<'_>) -> Vec<Change> {
        if self.selects(workload) {
            Vec::new()
        } else {
            set(workload, &["spec", "nodeSelector"], &self.mode, "")
        }
    }

    /// A VF request would keep such a DaemonSet's pods Pending on every node that has none.
    fn everywhere(&self) -> Problem {
        Problem {
            what: "this DaemonSet's pods go to all nodes, and those on DPU hosts need a VF that the others do not have".to_owned(),
            remedy: format!("set hostNetwork: true, or keep it off DPU hosts with the node affinity {} DoesNotExist, or make a second DaemonSet for them", self.mode),
            change: Vec::new(),
        }
    }

    fn device(&self, workload: &Workload<'_>) -> Option<Problem> {
        let resource = &self.resource;
        let give = |container: usize, number: u64| {
            let path = ["spec", "containers", &container.to_string(), "resources"];
            let list = |list| set(workload, &[&path[..], &[list]].concat(), resource, number.to_string());
            merged([list("requests"), list("limits")].concat())
        };
        let problem = |what: String, remedy: String, change| Some(Problem { what, remedy, change });
        if self.asked(workload, "containers") == 0 {
            let remedy = format!(
                "add {resource}: \"1\" to resources.requests and resources.limits of its first container"
            );
            let what = if self.asked(workload, "initContainers") > 0 {
                "only an init container asks for a VF, and the pod's own containers then have none".to_owned()
            } else {
                format!("no container asks for a VF ({resource})")
            };
            return problem(what, remedy, give(0, 1));
        }
        let containers = workload.spec()["containers"].as_array().into_iter().flatten().enumerate();
        for (index, container) in containers {
            let limit = &container["resources"]["limits"][resource];
            let request = &container["resources"]["requests"][resource];
            if !request.is_null() && count(limit) != count(request) {
                let what = format!(
                    "container {} requests {} of {resource} and limits it to {}",
                    container["name"],
                    shown(request),
                    shown(limit)
                );
                let number = count(limit).max(count(request)).max(1);
                let remedy = "an extended resource needs both alike".to_owned();
                return problem(what, remedy, give(index, number));
            }
        }
        None
    }

    fn network(&self, workload: &Workload<'_>) -> Option<Problem> {
        let named = workload.annotations()[DEFAULT_NETWORK].as_str();
        let Some(wanted) = &self.attachment else {
            // Every pod of the node comes to us, unless it says otherwise.
            let named = named?;
            return Some(Problem {
                what: format!(
                    "the annotation {DEFAULT_NETWORK}: {named} takes the pod away from the node's default network"
                ),
                remedy: "remove the annotation".to_owned(),
                change: remove(workload, &["metadata", "annotations"], DEFAULT_NETWORK),
            });
        };
        if named == Some(wanted) {
            return None;
        }
        let change = set(workload, &["metadata", "annotations"], DEFAULT_NETWORK, wanted.as_str());
        let short = wanted.rsplit('/').next().unwrap_or_default();
        let elsewhere =
            workload.annotations()[NETWORKS].as_str().is_some_and(|networks| networks.contains(short));
        let what = match named {
            Some(named) if named == short => format!(
                "the annotation {DEFAULT_NETWORK}: {named} names no namespace, and Multus looks in its own"
            ),
            Some(named) => format!("the annotation {DEFAULT_NETWORK} names {named}"),
            None if elsewhere => format!(
                "{short} is named under {NETWORKS}, which adds networks and leaves the default one as it is"
            ),
            None => format!("the annotation {DEFAULT_NETWORK} is missing"),
        };
        Some(Problem { what, remedy: format!("set {DEFAULT_NETWORK}: {wanted}"), change })
    }

    fn toleration(&self, workload: &Workload<'_>) -> Option<Problem> {
        let (key, value, effect) = &self.taint;
        let matches = |toleration: &Value| {
            let text = |name: &str| toleration[name].as_str().unwrap_or_default();
            let any_key = text("key").is_empty() && text("operator") == "Exists";
            let this_key = text("key") == key && (text("operator") == "Exists" || text("value") == value);
            (any_key || this_key) && (text("effect").is_empty() || text("effect") == effect)
        };
        let tolerations = workload.spec()["tolerations"].as_array();
        if effect == "PreferNoSchedule" || tolerations.into_iter().flatten().any(matches) {
            return None;
        }
        let toleration = json!({ "key": key, "operator": "Exists", "effect": effect });
        Some(Problem {
            what: format!("it does not tolerate the taint {key}={value}:{effect}"),
            remedy: format!("add the toleration {toleration}"),
            change: append(workload, "/spec/tolerations", toleration.clone()),
        })
    }

    /// How many VFs a list of containers asks for in its limits.
    fn asked(&self, workload: &Workload<'_>, list: &str) -> u64 {
        let containers = workload.spec()[list].as_array();
        let of = |container: &Value| {
            let resources = &container["resources"];
            count(&resources["limits"][&self.resource]).max(count(&resources["requests"][&self.resource]))
        };
        containers.into_iter().flatten().map(of).sum()
    }

    fn selects(&self, workload: &Workload<'_>) -> bool {
        let ours = |key: &str| key == self.mode || key == self.role;
        let selector =
            workload.spec()["nodeSelector"].as_object().is_some_and(|map| map.keys().any(|key| ours(key)));
        let required =
            &workload.spec()["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
        let expression = |expression: &Value| {
            let key = expression["key"].as_str().is_some_and(ours);
            key && matches!(expression["operator"].as_str(), Some("Exists" | "In"))
        };
        let term = |term: &Value| {
            term["matchExpressions"].as_array().is_some_and(|list| list.iter().any(expression))
        };
        selector
            || required["nodeSelectorTerms"]
                .as_array()
                .is_some_and(|terms| !terms.is_empty() && terms.iter().all(term))
    }
}

/// A quantity of whole devices; anything else counts as none.
fn count(quantity: &Value) -> u64 {
    quantity.as_u64().or_else(|| quantity.as_str()?.parse().ok()).unwrap_or(0)
}

fn shown(quantity: &Value) -> String {
    match quantity {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
