//! Admission policies, so that a pod which selects DPU hosts needs nothing else in its spec. They run in the API
//! server: no webhook server that could be down. Admission comes before scheduling, so only what a pod *selects*
//! counts; one that merely tolerates the taint is not seen.

use serde::Serialize;

use super::cel::Cel;
use super::site::Site;
use super::values::Validation;
use crate::fault::Fault;
use crate::manifest::{Meta, Object, Spec, object};

/// The name of the policies and their bindings.
pub(crate) const NAME: &str = "dpu-host-pods";

/// A Kubernetes version: minor of 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kubernetes(u16);

impl Kubernetes {
    /// Reads `1.36`, `v1.36.2` or `1.33.4+openshift`.
    ///
    /// # Errors
    /// For anything else.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let minor = text.trim_start_matches('v').strip_prefix("1.").and_then(|rest| {
            rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|minor| minor.parse().ok())
        });
        minor.map(Kubernetes).ok_or_else(|| {
            Fault::new(
                format!("--kubernetes-version is '{text}'"),
                "give it as 1.36; OpenShift 4.N runs Kubernetes 1.(N+13)",
            )
        })
    }

    /// The API that serves MutatingAdmissionPolicy, if one does.
    pub(crate) fn mutating(self) -> Option<&'static str> {
        match self.0 {
            36.. => Some("admissionregistration.k8s.io/v1"),
            34 | 35 => Some("admissionregistration.k8s.io/v1beta1"),
            _ => None,
        }
    }

    /// The same for ValidatingAdmissionPolicy.
    pub(crate) fn validating(self) -> Option<&'static str> {
        match self.0 {
            30.. => Some("admissionregistration.k8s.io/v1"),
            28 | 29 => Some("admissionregistration.k8s.io/v1beta1"),
            _ => None,
        }
    }

    /// Which versions take what is rendered for this one.
    pub(crate) fn taken_by(self) -> Option<&'static str> {
        match self.0 {
            36.. => Some("Kubernetes 1.36 and later (OpenShift 4.23)"),
            34 | 35 => Some("Kubernetes 1.34 and 1.35 (OpenShift 4.21 and 4.22)"),
            30.. => Some("Kubernetes 1.30 and later (OpenShift 4.17), but only check"),
            28 | 29 => Some("Kubernetes 1.28 and 1.29 (OpenShift 4.15 and 4.16), and only check"),
            _ => None,
        }
    }

    /// What must be switched on, or done instead.
    pub(crate) fn warning(self, openshift: bool) -> Option<String> {
        if self.validating().is_none() {
            return Some(format!(
                "Kubernetes 1.{} has no admission policies: change the pods themselves with pod-spec patch",
                self.0
            ));
        }
        if self.mutating().is_none() {
            return Some(format!(
                "Kubernetes 1.{} has no MutatingAdmissionPolicy, only pods that lack something are told: change them with pod-spec patch",
                self.0
            ));
        }
        let switch = if openshift {
            "once MutatingAdmissionPolicy is enabled in FeatureGate cluster (CustomNoUpgrade: never undone, and no more upgrades)"
        } else {
            "with --feature-gates=MutatingAdmissionPolicy=true and --runtime-config=admissionregistration.k8s.io/v1beta1=true \
             on the API server"
        };
        (self.mutating() != Some("admissionregistration.k8s.io/v1"))
            .then(|| format!("Kubernetes 1.{} serves MutatingAdmissionPolicy only {switch}", self.0))
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mutating {
    failure_policy: &'static str,
    reinvocation_policy: &'static str,
    match_constraints: Constraints,
    match_conditions: Vec<Condition>,
    mutations: Vec<Mutation>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Mutation {
    patch_type: &'static str,
    json_patch: Expression,
}

#[derive(Clone, Debug, Serialize)]
struct Expression {
    expression: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Validating {
    failure_policy: &'static str,
    match_constraints: Constraints,
    match_conditions: Vec<Condition>,
    validations: Vec<Check>,
}

#[derive(Clone, Debug, Serialize)]
struct Check {
    expression: String,
    message: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Constraints {
    resource_rules: [Rule; 1],
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: [&'static str; 1],
    api_versions: [&'static str; 1],
    operations: [&'static str; 1],
    resources: [&'static str; 1],
}

#[derive(Clone, Debug, Serialize)]
struct Condition {
    name: &'static str,
    expression: String,
}

/// A binding's spec.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Binding {
    policy_name: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    validation_actions: Vec<&'static str>,
}

/// Adds what is missing to a new pod. `Ignore`: were the policy broken, pods would still be made, and ADD would say
/// what they lack.
pub(crate) fn mutating(site: &Site, api: &'static str) -> (Object<Spec<Mutating>>, Object<Spec<Binding>>) {
    let cel = Cel::new(site);
    let mutation = |expression| Mutation { patch_type: "JSONPatch", json_patch: Expression { expression } };
    let spec = Mutating {
        failure_policy: "Ignore",
        reinvocation_policy: "Never",
        match_constraints: constraints(),
        match_conditions: conditions(site, &cel),
        mutations: cel.patches().into_iter().map(mutation).collect(),
    };
    let binding = Binding { policy_name: NAME, validation_actions: Vec::new() };
    (
        object(api, "MutatingAdmissionPolicy", Meta::cluster(NAME), spec),
        object(api, "MutatingAdmissionPolicyBinding", Meta::cluster(NAME), binding),
    )
}

/// Says what a new pod lacks.
pub(crate) fn validating(
    site: &Site,
    api: &'static str,
) -> (Object<Spec<Validating>>, Object<Spec<Binding>>) {
    let cel = Cel::new(site);
    let check = |(expression, message)| Check { expression, message };
    let spec = Validating {
        failure_policy: "Ignore",
        match_constraints: constraints(),
        match_conditions: conditions(site, &cel),
        validations: cel.checks().into_iter().map(check).collect(),
    };
    let validation_actions = match site.values.admission.validation {
        Validation::Warn => vec!["Warn", "Audit"],
        Validation::Deny => vec!["Deny", "Audit"],
    };
    let binding = Binding { policy_name: NAME, validation_actions };
    (
        object(api, "ValidatingAdmissionPolicy", Meta::cluster(NAME), spec),
        object(api, "ValidatingAdmissionPolicyBinding", Meta::cluster(NAME), binding),
    )
}

fn constraints() -> Constraints {
    let rule = Rule { api_groups: [""], api_versions: ["v1"], operations: ["CREATE"], resources: ["pods"] };
    Constraints { resource_rules: [rule] }
}

fn conditions(site: &Site, cel: &Cel) -> Vec<Condition> {
    let condition = |name, expression| Condition { name, expression };
    vec![
        condition("ordinary-namespace", Cel::ordinary_namespace(&site.values.admission.skip_namespaces)),
        condition("not-opted-out", Cel::not_opted_out()),
        condition("pod-network", Cel::pod_network()),
        condition("selects-dpu-hosts", cel.selects()),
    ]
}
