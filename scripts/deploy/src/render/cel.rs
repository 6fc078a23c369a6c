//! The expressions of the admission policies.

use super::site::Site;
use crate::known::{DEFAULT_NETWORK, OPT_OUT};
use crate::need::network::Wanted;
use crate::need::{Labels, Taint, Vfs, there};

/// What the expressions are about.
pub(crate) struct Cel {
    labels: Labels,
    vfs: Vfs,
    taint: Taint,
    /// Where the default network is not ours.
    attachment: Option<Wanted>,
    one_network: bool,
}

impl Cel {
    pub(crate) fn new(site: &Site) -> Self {
        Cel {
            labels: Labels::of(site),
            vfs: Vfs::of(site),
            taint: Taint::of(site),
            attachment: site.default_attachment().map(|name| Wanted::new(&name)),
            one_network: site.one_network(),
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

    pub(crate) fn selects(&self) -> String {
        self.labels.selected_in_cel()
    }

    fn named() -> String {
        format!("(has(object.metadata.annotations) && '{DEFAULT_NETWORK}' in object.metadata.annotations)")
    }

    /// One expression for each thing that may be missing: a list of JSON patch operations, empty when it is there.
    pub(crate) fn patches(&self) -> Vec<String> {
        let mut patches = vec![self.patch_resource()];
        patches.extend(self.taint.binding().then(|| self.patch_toleration()));
        patches.extend(self.attachment.as_ref().map(Self::patch_annotation));
        patches
    }

    fn patch_resource(&self) -> String {
        let resource = &self.vfs.resource;
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
            self.vfs.held_in_cel(),
            map("requests"),
            map("limits")
        )
    }

    fn patch_toleration(&self) -> String {
        let toleration = self.taint.toleration().to_string().replace('"', "'");
        format!(
            "{} ? [] :\n(has(object.spec.tolerations) ? [] :\n  [JSONPatch{{op: 'add', path: '/spec/tolerations', value: []}}]) +\n \
             [JSONPatch{{op: 'add', path: '/spec/tolerations/-',\n  value: {toleration}}}]",
            self.taint.tolerated_in_cel()
        )
    }

    fn patch_annotation(attachment: &Wanted) -> String {
        let escaped = DEFAULT_NETWORK.replace('/', "~1");
        format!(
            "{} ? [] :\n(has(object.metadata.annotations) ? [] :\n  [JSONPatch{{op: 'add', path: '/metadata/annotations', value: {{}}}}]) +\n \
             [JSONPatch{{op: 'add', path: '/metadata/annotations/{escaped}', value: '{attachment}'}}]",
            Self::named()
        )
    }

    /// What must hold, and what to say when it does not.
    pub(crate) fn checks(&self) -> Vec<(String, String)> {
        let resource = &self.vfs.resource;
        let mut checks = vec![(
            self.vfs.held_in_cel(),
            format!(
                "this pod selects DPU hosts and asks for no VF that lasts: add resources.limits '{resource}: \"1\"' to its first container, or set hostNetwork: true"
            ),
        )];
        checks.extend(self.taint.binding().then(|| {
            let why = format!(
                "this pod selects DPU hosts and does not tolerate their taint {}: add the toleration {}, or it stays Pending",
                self.taint.text(),
                self.taint.toleration()
            );
            (self.taint.tolerated_in_cel(), why)
        }));
        checks.extend(self.network());
        checks
    }

    /// As the linter judges it, but that nothing is made of what somebody has written: see there for the change.
    fn network(&self) -> Option<(String, String)> {
        let named = Self::named();
        let Some(wanted) = &self.attachment else {
            let why = format!(
                "this pod selects DPU hosts and names a default network, which takes it away from theirs: remove the annotation {DEFAULT_NETWORK}"
            );
            return self.one_network.then(|| (format!("!{named}"), why));
        };
        let why = format!(
            "this pod selects DPU hosts and names no default network, or another one than theirs: set the annotation {DEFAULT_NETWORK}: {wanted}"
        );
        let ours = wanted.named_in_cel();
        Some((
            format!("{named} &&\n [object.metadata.annotations['{DEFAULT_NETWORK}']].exists(a,\n  {ours})"),
            why,
        ))
    }
}
