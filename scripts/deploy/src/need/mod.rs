//! What a pod needs to run on a DPU host, each said twice: in Rust, for a manifest that a person holds, and in CEL, for
//! the pod that reaches the API server. The two are one rule, and tests hold them together pod by pod.

pub(crate) mod network;

use serde_json::{Value, json};

use crate::known::{CLASS, CLASS_RESOURCE};
use crate::render::Site;

/// A node taint, and which tolerations let a pod past it (`k8s.io/component-helpers`, `ToleratesTaint`).
pub(crate) struct Taint {
    key: String,
    value: String,
    effect: String,
}

impl Taint {
    /// The taint of a site's DPU hosts.
    pub(crate) fn of(site: &Site) -> Self {
        let taint = &site.values.taint;
        Taint { key: site.taint_key(), value: taint.value.clone(), effect: format!("{:?}", taint.effect) }
    }

    /// `key=value:effect`.
    pub(crate) fn text(&self) -> String {
        format!("{}={}:{}", self.key, self.value, self.effect)
    }

    /// A toleration of it, as it is added where none is.
    pub(crate) fn toleration(&self) -> Value {
        json!({ "key": self.key, "operator": "Exists", "effect": self.effect })
    }

    /// Whether it keeps anything away at all.
    pub(crate) fn binding(&self) -> bool {
        self.effect != "PreferNoSchedule"
    }

    /// Whether a pod's spec tolerates it.
    pub(crate) fn tolerated(&self, spec: &Value) -> bool {
        let tolerates = |toleration: &Value| {
            let text = |name: &str| toleration[name].as_str().unwrap_or_default();
            let key = match text("operator") {
                "Exists" => text("key").is_empty() || text("key") == self.key,
                "" | "Equal" => text("key") == self.key && text("value") == self.value,
                _ => false,
            };
            key && (text("effect").is_empty() || text("effect") == self.effect)
                && (!self.evicts() || toleration["tolerationSeconds"].is_null())
        };
        !self.binding() || spec["tolerations"].as_array().into_iter().flatten().any(tolerates)
    }

    /// The same of `object.spec`.
    pub(crate) fn tolerated_in_cel(&self) -> String {
        let Taint { key, value, effect } = self;
        if !self.binding() {
            return "true".to_owned();
        }
        let for_ever = if self.evicts() { " &&\n  !has(t.tolerationSeconds)" } else { "" };
        format!(
            "(has(object.spec.tolerations) && object.spec.tolerations.exists(t,\n  \
             (!has(t.effect) || t.effect in ['', '{effect}']){for_ever} &&\n  \
             (has(t.operator) && t.operator == 'Exists' ?\n   \
             (!has(t.key) || t.key in ['', '{key}']) :\n   \
             (!has(t.operator) || t.operator in ['', 'Equal']) &&\n   \
             has(t.key) && t.key == '{key}' && (has(t.value) ? t.value : '') == '{value}')))"
        )
    }

    /// Whether a pod that tolerates it for some seconds is thrown out after them.
    fn evicts(&self) -> bool {
        self.effect == "NoExecute"
    }
}

/// VFs of a device pool. What counts is who still runs when the pod does: its containers, and the init containers that
/// run beside them (`restartPolicy: Always`). A plain init container gives its VF back.
pub(crate) struct Vfs {
    /// `prefix/name`.
    pub(crate) resource: String,
    /// The class of which a pod may have one by claim, where a driver gives them.
    pub(crate) class: Option<&'static str>,
}

/// A container of a pod.
#[derive(Clone, Copy)]
pub(crate) struct Container<'a> {
    /// `containers` or `initContainers`.
    pub(crate) list: &'static str,
    pub(crate) index: usize,
    pub(crate) object: &'a Value,
}

impl Container<'_> {
    /// Whether it runs for as long as the pod does.
    pub(crate) fn lasts(&self) -> bool {
        self.list == "containers" || self.object["restartPolicy"] == "Always"
    }
}

/// All containers of a pod's spec.
pub(crate) fn containers(spec: &Value) -> impl Iterator<Item = Container<'_>> {
    ["containers", "initContainers"].into_iter().flat_map(move |list| {
        let objects = spec[list].as_array().into_iter().flatten().enumerate();
        objects.map(move |(index, object)| Container { list, index, object })
    })
}

impl Vfs {
    /// Those that pods of a site ask for.
    pub(crate) fn of(site: &Site) -> Self {
        Vfs { resource: site.pod_resource(), class: site.by_claim().then_some(CLASS) }
    }

    /// The names by which a container may ask for one.
    fn resources(&self) -> impl Iterator<Item = String> {
        let of_class = self.class.map(|class| format!("{CLASS_RESOURCE}{class}"));
        std::iter::once(self.resource.clone()).chain(of_class)
    }

    /// How many a container asks for: the larger of request and limit, which the API server wants to be the same.
    pub(crate) fn asked(&self, container: &Value) -> u64 {
        let resources = &container["resources"];
        let of = |name: String| count(&resources["limits"][&name]).max(count(&resources["requests"][&name]));
        self.resources().map(of).sum()
    }

    /// Whether some container asks for one, for as long as the pod runs.
    pub(crate) fn asked_for(&self, spec: &Value) -> bool {
        containers(spec).any(|container| container.lasts() && self.asked(container.object) > 0)
    }

    /// The same of `object.spec`, where a limit without a request, or with another one, is refused already. A claim counts
    /// whatever it is of: that is known only to who sees its template.
    pub(crate) fn held_in_cel(&self) -> String {
        let limits = self.resources().map(|resource| {
            format!(
                "has(c.resources) && has(c.resources.limits) &&\n   \
                 '{resource}' in c.resources.limits && c.resources.limits['{resource}'] != '0'"
            )
        });
        let claims = self
            .class
            .map(|_| "has(c.resources) && has(c.resources.claims) && c.resources.claims != []".to_owned());
        let asks = limits.chain(claims).collect::<Vec<_>>().join(" ||\n   ");
        let asks = if self.class.is_some() { format!("({asks})") } else { asks };
        format!(
            "(object.spec.containers.exists(c, {asks}) ||\n  \
             (has(object.spec.initContainers) && object.spec.initContainers.exists(c,\n   \
             has(c.restartPolicy) && c.restartPolicy == 'Always' && {asks})))"
        )
    }
}

/// A quantity of whole devices, such as `1`, `"2"` or `1000m`; anything else counts as none.
pub(crate) fn count(quantity: &Value) -> u64 {
    let text = match quantity {
        Value::String(text) => text.as_str(),
        number => return number.as_u64().unwrap_or(0),
    };
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = digits.parse().unwrap_or(0);
    match unit {
        "m" => number / 1000,
        _ => number,
    }
}

/// The labels by which a pod chooses DPU hosts: the mode's, or the pool's role.
pub(crate) struct Labels {
    pub(crate) mode: String,
    role: String,
}

impl Labels {
    /// Those of a site.
    pub(crate) fn of(site: &Site) -> Self {
        Labels { mode: site.mode_key(), role: site.role() }
    }

    /// Whether a pod's spec chooses them: by node selector, or by an affinity all of whose alternatives do.
    pub(crate) fn selected(&self, spec: &Value) -> bool {
        let ours = |key: &str| key == self.mode || key == self.role;
        let expression = |expression: &Value| {
            let key = expression["key"].as_str().is_some_and(ours);
            key && matches!(expression["operator"].as_str(), Some("Exists" | "In"))
        };
        let term = |term: &Value| {
            term["matchExpressions"].as_array().is_some_and(|list| list.iter().any(expression))
        };
        let selector = spec["nodeSelector"].as_object().is_some_and(|map| map.keys().any(|key| ours(key)));
        let required = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
        let terms = required["nodeSelectorTerms"].as_array();
        selector || terms.is_some_and(|terms| !terms.is_empty() && terms.iter().all(term))
    }

    /// The same of `object.spec`.
    pub(crate) fn selected_in_cel(&self) -> String {
        let Labels { mode, role } = self;
        let required = "object.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution";
        format!(
            "(has(object.spec.nodeSelector) && ('{mode}' in object.spec.nodeSelector || '{role}' in object.spec.nodeSelector)) ||\n\
             ({} &&\n {required}.nodeSelectorTerms.all(t,\n  \
             has(t.matchExpressions) && t.matchExpressions.exists(e,\n   \
             e.key in ['{mode}', '{role}'] && e.operator in ['Exists', 'In'])))",
            there(required, "object.spec")
        )
    }
}

/// In CEL, whether a field is there, and every one on the way to it from `base`. Optional fields (`a.?b`) say it
/// shorter, from Kubernetes 1.29 on.
pub(crate) fn there(path: &str, base: &str) -> String {
    let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]).filter(|end| *end > base.len());
    ends.map(|end| format!("has({})", &path[..end])).collect::<Vec<_>>().join(" && ")
}
