//! A pod's resource claims, and whether one is of the class of the pods' VFs: that is in the template, or the claim, which
//! may be among what was given.

use std::collections::BTreeMap;

use serde_json::Value;

use super::workload::Workload;
use crate::need::containers;

/// Kind, namespace and name.
type Key = (String, String, String);

/// The templates and claims that were given, and whether each asks for a device of the class.
pub(super) struct Claims(BTreeMap<Key, bool>);

/// Whether a claim is for a VF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// It is.
    Vf,
    /// It is for something else.
    Other,
    /// Its template was not given.
    Unknown,
}

/// One claim of a pod.
pub(super) struct Claim<'a> {
    /// As the pod calls it.
    pub(super) name: &'a str,
    /// Its template or itself, as `kind name`.
    pub(super) source: String,
    pub(super) of: Of,
    /// Whether a container that lasts has it: only then does the kubelet tell of it.
    pub(super) held: bool,
}

impl Claims {
    /// Reads them all.
    pub(super) fn among(objects: &[Value], class: &str) -> Self {
        let of = |object: &Value| {
            let kind = object["kind"].as_str()?;
            let spec = match kind {
                "ResourceClaimTemplate" => &object["spec"]["spec"],
                "ResourceClaim" => &object["spec"],
                _ => return None,
            };
            let metadata = &object["metadata"];
            let namespace = metadata["namespace"].as_str().unwrap_or("default");
            Some(((kind.into(), namespace.into(), metadata["name"].as_str()?.into()), asks_for(spec, class)))
        };
        Claims(objects.iter().filter_map(of).collect())
    }

    /// The claims of a workload's pods.
    pub(super) fn of<'a>(&'a self, workload: Workload<'a>) -> impl Iterator<Item = Claim<'a>> {
        let (spec, namespace) = (workload.spec(), workload.namespace());
        let declared = spec["resourceClaims"].as_array().into_iter().flatten();
        declared.filter_map(move |claim| {
            let name = claim["name"].as_str()?;
            let (kind, source) = match claim["resourceClaimTemplateName"].as_str() {
                Some(template) => ("ResourceClaimTemplate", template),
                None => ("ResourceClaim", claim["resourceClaimName"].as_str()?),
            };
            let of = match self.0.get(&(kind.into(), namespace.into(), source.into())) {
                Some(true) => Of::Vf,
                Some(false) => Of::Other,
                None => Of::Unknown,
            };
            let has = |claims: &Value| {
                claims.as_array().is_some_and(|list| list.iter().any(|claim| claim["name"] == name))
            };
            let held = containers(spec)
                .any(|container| container.lasts() && has(&container.object["resources"]["claims"]));
            Some(Claim { name, source: format!("{kind} {source}"), of, held })
        })
    }
}

/// Whether one of a claim's requests is for a device of the class, as v1 and the betas before it write them.
fn asks_for(spec: &Value, class: &str) -> bool {
    let requests = spec["devices"]["requests"].as_array().into_iter().flatten();
    let alternatives = |request: &Value| {
        let mut first = request["firstAvailable"].as_array().into_iter().flatten();
        first.any(|request| request["deviceClassName"] == class)
    };
    requests.into_iter().any(|request| {
        request["exactly"]["deviceClassName"] == class
            || request["deviceClassName"] == class
            || alternatives(request)
    })
}
