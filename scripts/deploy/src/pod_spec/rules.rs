//! What a pod needs to run on a DPU host: a VF, the right network, leave to be there.

use std::fmt::{self, Display};

use serde::Serialize;
use serde_json::{Value, json};

use super::change::{Change, append, merged, remove, set};
use super::claims::{Claim, Claims, Of};
use super::workload::Workload;
use crate::known::{DEFAULT_NETWORK, NETWORKS};
use crate::need::network::{self, Wanted};
use crate::need::{Container, Labels, Taint, Vfs, containers, count};
use crate::render::Site;

/// The cluster's side of it.
pub(crate) struct Rules {
    labels: Labels,
    taint: Taint,
    vfs: Vfs,
    /// Where a driver gives VFs by claim.
    claims: Option<Claims>,
    attachment: Option<Wanted>,
    one_network: bool,
}

/// What is to be said of a workload.
#[derive(Debug)]
pub(crate) struct Verdict {
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
        f.write_str(if self.runs() { "runs on a DPU host" } else { "cannot run on a DPU host" })?;
        for Problem { what, remedy, .. } in &self.problems {
            write!(f, "\n  {what}: {remedy}")?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "\n  note: {note}"))
    }
}

impl Verdict {
    /// Whether nothing is in the way.
    pub(crate) fn runs(&self) -> bool {
        self.problems.is_empty()
    }
}

impl Rules {
    /// Those of a site; what claims are of is told by `objects`.
    pub(crate) fn new(site: &Site, objects: &[Value]) -> Self {
        let vfs = Vfs::of(site);
        Rules {
            labels: Labels::of(site),
            taint: Taint::of(site),
            claims: vfs.class.map(|class| Claims::among(objects, class)),
            vfs,
            attachment: site.default_attachment().map(|name| Wanted::new(&name)),
            one_network: site.one_network(),
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
            && !self.labels.selected(workload.spec())
            && !self.held(workload)
        {
            problems.push(self.everywhere());
        } else {
            problems.extend(
                containers(workload.spec()).filter_map(|container| self.uneven(workload, &container)),
            );
            problems.extend(self.device(workload));
            notes.extend(self.guessed(workload));
            problems.extend(self.network(workload));
            if !self.labels.selected(workload.spec()) {
                notes.push(format!("it is not bound to DPU hosts: the VF alone does that, where only they have {}; else add the node selector {}: \"\"", self.vfs.resource, self.labels.mode));
            }
        }
        problems.extend(self.toleration(workload));
        Verdict { problems, notes }
    }

    /// Binds the workload to DPU hosts.
    pub(crate) fn select(&self, workload: &Workload<'_>) -> Vec<Change> {
        if self.labels.selected(workload.spec()) {
            Vec::new()
        } else {
            set(workload, &["spec", "nodeSelector"], &self.labels.mode, "")
        }
    }

    /// A VF request would keep such a DaemonSet's pods Pending on every node that has none.
    fn everywhere(&self) -> Problem {
        Problem {
            what: "this DaemonSet's pods go to all nodes, and those on DPU hosts need a VF that the others do not have".to_owned(),
            remedy: format!("set hostNetwork: true, or keep it off DPU hosts with the node affinity {} DoesNotExist, or make a second DaemonSet for them", self.labels.mode),
            change: Vec::new(),
        }
    }

    /// The claims that may be for VFs.
    fn claims<'a>(&'a self, workload: &Workload<'a>) -> impl Iterator<Item = Claim<'a>> {
        let workload = *workload;
        let claims = self.claims.iter().flat_map(move |claims| claims.of(workload));
        claims.filter(|claim| claim.of != Of::Other)
    }

    fn held(&self, workload: &Workload<'_>) -> bool {
        self.vfs.asked_for(workload.spec()) || self.claims(workload).any(|claim| claim.held)
    }

    /// What the verdict rests on that was not seen.
    fn guessed(&self, workload: &Workload<'_>) -> Option<String> {
        if self.vfs.asked_for(workload.spec())
            || self.claims(workload).any(|claim| claim.held && claim.of == Of::Vf)
        {
            return None;
        }
        let claim = self.claims(workload).find(|claim| claim.held)?;
        Some(format!(
            "its claim {} is taken for one of a VF, for {} was not given: give it too, to be sure",
            claim.name, claim.source
        ))
    }

    /// A claim that no container has: the kubelet prepares it and tells nobody.
    fn unnamed(workload: &Workload<'_>, claim: &Claim<'_>) -> Problem {
        let list = "/spec/containers/0/resources/claims";
        let value = json!({ "name": claim.name });
        let change = if workload.has(&format!("{}{list}", workload.at)) {
            append(workload, list, value)
        } else {
            set(workload, &["spec", "containers", "0", "resources"], "claims", json!([value]))
        };
        Problem {
            what: format!(
                "no container that lasts has its claim {}, and the kubelet then tells of no VF",
                claim.name
            ),
            remedy: format!("add {{name: {}}} to resources.claims of its first container", claim.name),
            change,
        }
    }

    fn device(&self, workload: &Workload<'_>) -> Option<Problem> {
        let resource = &self.vfs.resource;
        if self.held(workload) {
            return None;
        }
        if let Some(claim) = self.claims(workload).next() {
            return Some(Self::unnamed(workload, &claim));
        }
        let what = if containers(workload.spec()).any(|container| self.vfs.asked(container.object) > 0) {
            "only an init container asks for a VF, and the pod's own containers then have none".to_owned()
        } else {
            format!("no container asks for a VF ({resource})")
        };
        let remedy = format!(
            "add {resource}: \"1\" to resources.requests and resources.limits of its first container"
        );
        Some(Problem { what, remedy, change: self.give(workload, "containers", 0, 1) })
    }

    /// A container that requests one number of VFs and limits itself to another.
    fn uneven(&self, workload: &Workload<'_>, container: &Container<'_>) -> Option<Problem> {
        let resource = &self.vfs.resource;
        let limit = &container.object["resources"]["limits"][resource];
        let request = &container.object["resources"]["requests"][resource];
        if request.is_null() || count(limit) == count(request) {
            return None;
        }
        let what = format!(
            "container {} requests {} of {resource} and limits it to {}",
            container.object["name"],
            shown(request),
            shown(limit)
        );
        let number = self.vfs.asked(container.object);
        let change = self.give(workload, container.list, container.index, number);
        Some(Problem { what, remedy: "an extended resource needs both alike".to_owned(), change })
    }

    fn give(&self, workload: &Workload<'_>, list: &str, index: usize, number: u64) -> Vec<Change> {
        let path = ["spec", list, &index.to_string(), "resources"];
        let map = |map| set(workload, &[&path[..], &[map]].concat(), &self.vfs.resource, number.to_string());
        merged([map("requests"), map("limits")].concat())
    }

    fn network(&self, workload: &Workload<'_>) -> Option<Problem> {
        let named = workload.annotations()[DEFAULT_NETWORK].as_str();
        let Some(wanted) = &self.attachment else {
            // Every pod of the node comes to us, unless it says otherwise.
            let named = named.filter(|_| self.one_network)?;
            return Some(Problem {
                what: format!(
                    "the annotation {DEFAULT_NETWORK}: {named} takes the pod away from the node's default network"
                ),
                remedy: "remove the annotation".to_owned(),
                change: remove(workload, &["metadata", "annotations"], DEFAULT_NETWORK),
            });
        };
        let (what, annotation) = match named {
            Some(named) => wanted.judge(named)?,
            None => (Self::without(workload, wanted), Some(wanted.to_string())),
        };
        let shown = annotation.as_ref().map_or(wanted.to_string(), Clone::clone);
        let change = annotation
            .map(|annotation| set(workload, &["metadata", "annotations"], DEFAULT_NETWORK, annotation));
        let remedy = format!("set {DEFAULT_NETWORK}: {shown}");
        Some(Problem { what, remedy, change: change.unwrap_or_default() })
    }

    fn without(workload: &Workload<'_>, wanted: &Wanted) -> String {
        let networks = workload.annotations()[NETWORKS].as_str();
        let elements = networks.and_then(|networks| network::parse(networks).ok()).unwrap_or_default();
        if elements.iter().any(|element| element.name == wanted.name) {
            format!(
                "{} is named under {NETWORKS}, which adds networks and leaves the default one as it is",
                wanted.name
            )
        } else {
            format!("the annotation {DEFAULT_NETWORK} is missing")
        }
    }

    fn toleration(&self, workload: &Workload<'_>) -> Option<Problem> {
        if self.taint.tolerated(workload.spec()) {
            return None;
        }
        let toleration = self.taint.toleration();
        Some(Problem {
            what: format!("it does not tolerate the taint {}", self.taint.text()),
            remedy: format!("add the toleration {toleration}"),
            change: append(workload, "/spec/tolerations", toleration.clone()),
        })
    }
}

fn shown(quantity: &Value) -> String {
    match quantity {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
