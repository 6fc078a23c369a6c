//! The expressions of the admission policies.

use super::site::Site;
use crate::known::{DEFAULT_NETWORK, OPT_OUT};

/// What the expressions are about.
pub(crate) struct Cel {
    mode: String,
    role: String,
    resource: String,
    taint: String,
    effect: String,
    /// `namespace/name`, where the default network is not ours.
    attachment: Option<String>,
}

impl Cel {
    pub(crate) fn new(site: &Site) -> Self {
        Cel {
            mode: site.mode_key(),
            role: site.role(),
            resource: site.pod_resource(),
            taint: site.taint_key(),
            effect: format!("{:?}", site.values.taint.effect),
            attachment: site.default_attachment(),
        }
    }

    /// The platform's own pods are the platform's business.
    pub(crate) fn ordinary_namespace(others: &[String]) -> String {
        let mut terms = vec![
            "!request.namespace.startsWith('kube-')".to_owned(),
            "!request.namespace.startsWith('openshift-')".to_owned(),
        ];
        terms.extend(others.iter().map(|name| format!("request.namespace != '{name}'")));
        terms.join(" && ")
    }

    pub(crate) fn not_opted_out() -> String {
        format!("!has(object.metadata.labels) || !('{OPT_OUT}' in object.metadata.labels)")
    }

    pub(crate) fn pod_network() -> String {
        "!has(object.spec.hostNetwork) || !object.spec.hostNetwork".to_owned()
    }

    /// By node selector, or by an affinity all of whose alternatives name one of the labels.
    pub(crate) fn selects(&self) -> String {
        let Cel { mode, role, .. } = self;
        let required = "object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution";
        format!(
            "(has(object.spec.nodeSelector) && ('{mode}' in object.spec.nodeSelector || '{role}' in object.spec.nodeSelector)) ||\n\
             ({} &&\n {required}.nodeSelectorTerms.all(t,\n  \
             has(t.matchExpressions) && t.matchExpressions.exists(e,\n   \
             e.key in ['{mode}', '{role}'] && e.operator in ['Exists', 'In'])))",
            there(required, "object.spec")
        )
    }

    /// Whether some container has the resource already.
    fn asks(&self) -> String {
        let resource = &self.resource;
        let of = |list: &str| {
            format!(
                "{list}.exists(c, has(c.resources) && has(c.resources.limits) && '{resource}' in c.resources.limits)"
            )
        };
        format!(
            "({} || (has(object.spec.initContainers) && {}))",
            of("object.spec.containers"),
            of("object.spec.initContainers")
        )
    }

    fn tolerates(&self) -> String {
        let taint = &self.taint;
        format!(
            "(has(object.spec.tolerations) && object.spec.tolerations.exists(t, (!has(t.key) || t.key == '' || t.key == '{taint}')))"
        )
    }

    fn named() -> String {
        format!("(has(object.metadata.annotations) && '{DEFAULT_NETWORK}' in object.metadata.annotations)")
    }

    /// One expression for each thing that may be missing: a list of JSON patch operations, empty when it is there.
    pub(crate) fn patches(&self) -> Vec<String> {
        let mut patches = vec![self.patch_resource(), self.patch_toleration()];
        patches.extend(self.attachment.as_deref().map(Self::patch_annotation));
        patches
    }

    fn patch_resource(&self) -> String {
        let Cel { resource, .. } = self;
        let escaped = resource.replace('/', "~1");
        let base = "/spec/containers/0/resources";
        let map = |name: &str| {
            let path = format!("object.spec.containers[0].resources.{name}");
            format!(
                "({} ? [] :\n  \
                 [JSONPatch{{op: 'add', path: '{base}/{name}', value: {{}}}}]) +\n \
                 [JSONPatch{{op: 'add', path: '{base}/{name}/{escaped}', value: '1'}}]",
                there(&path, "object.spec.containers[0]")
            )
        };
        format!(
            "{} ? [] :\n(has(object.spec.containers[0].resources) ? [] :\n  [JSONPatch{{op: 'add', path: '{base}', value: {{}}}}]) +\n {} +\n {}",
            self.asks(),
            map("requests"),
            map("limits")
        )
    }

    fn patch_toleration(&self) -> String {
        let Cel { taint, effect, .. } = self;
        format!(
            "{} ? [] :\n(has(object.spec.tolerations) ? [] :\n  [JSONPatch{{op: 'add', path: '/spec/tolerations', value: []}}]) +\n \
             [JSONPatch{{op: 'add', path: '/spec/tolerations/-',\n  \
             value: {{'key': '{taint}', 'operator': 'Exists', 'effect': '{effect}'}}}}]",
            self.tolerates()
        )
    }

    fn patch_annotation(attachment: &str) -> String {
        let escaped = DEFAULT_NETWORK.replace('/', "~1");
        format!(
            "{} ? [] :\n(has(object.metadata.annotations) ? [] :\n  [JSONPatch{{op: 'add', path: '/metadata/annotations', value: {{}}}}]) +\n \
             [JSONPatch{{op: 'add', path: '/metadata/annotations/{escaped}', value: '{attachment}'}}]",
            Self::named()
        )
    }

    /// What must hold, and what to say when it does not.
    pub(crate) fn checks(&self) -> Vec<(String, String)> {
        let Cel { resource, taint, effect, .. } = self;
        let mut checks = vec![
            (
                self.asks(),
                format!(
                    "this pod selects DPU hosts and asks for no VF: add resources.limits '{resource}: \"1\"' to its first container, or set hostNetwork: true"
                ),
            ),
            (
                self.tolerates(),
                format!(
                    "this pod selects DPU hosts and does not tolerate their taint: add the toleration {taint} (Exists, {effect}), or it stays Pending"
                ),
            ),
        ];
        checks.extend(self.attachment.as_deref().map(|attachment| {
            (Self::named(), format!("this pod selects DPU hosts and names no default network: add the annotation {DEFAULT_NETWORK}: {attachment}"))
        }));
        checks
    }
}

/// Whether a field is there, and every one on the way to it from `base`. Optional fields (`a.?b`) say it shorter, from
/// Kubernetes 1.29 on.
fn there(path: &str, base: &str) -> String {
    let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]).filter(|end| *end > base.len());
    ends.map(|end| format!("has({})", &path[..end])).collect::<Vec<_>>().join(" && ")
}
