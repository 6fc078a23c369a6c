//! Labels and taints, under Kubernetes' rules and around one trap of the cluster network operator.

use super::site::{Cluster, Site};
use crate::fault::{Fault, Faults};

/// Everything of the values file that becomes a label, a taint or an object's name. Returns warnings.
pub(crate) fn check(site: &Site, faults: &mut Faults) -> Vec<String> {
    check_mode(site, faults);
    if !name(site.pool()) {
        faults.push(Fault::new(
            format!("pool.name is '{}'", site.pool()),
            "use lower-case letters, digits and '-'",
        ));
    }
    if ["master", "worker", "control-plane"].contains(&site.pool()) {
        let why = format!("pool.name is '{}', a pool that OpenShift owns", site.pool());
        faults.push(Fault::new(why, "give the DPU nodes a pool of their own"));
    }
    let taint = &site.values.taint;
    if !key(&site.taint_key()) || !value(&taint.value) {
        let why = format!("the taint '{}' is not one", site.taint());
        faults.push(Fault::new(why, "give taint.key as a label key and taint.value as a label value"));
    }
    for attachment in &site.values.attachments {
        if !name(&attachment.name) || !name(&attachment.namespace) {
            let why = format!(
                "the attachment {}/{} cannot be an object's name",
                attachment.namespace, attachment.name
            );
            faults.push(Fault::new(why, "use lower-case letters, digits and '-'"));
        }
    }
    bound_to_the_usual_key(site).into_iter().collect()
}

/// What the network operator ties to its default keys, whatever its ConfigMap says
/// (`bindata/network/{network-metrics,network-diagnostics,ovn-kubernetes/common/error-cni}`).
fn bound_to_the_usual_key(site: &Site) -> Option<String> {
    if !site.openshift() || site.mode_key() == site.usual_mode_key() {
        return None;
    }
    let missing = match site.cluster {
        Cluster::Infra => {
            ", and its dummy plugin and Multus' readiness file do not come (the latter is rendered here)"
        }
        Cluster::Tenant => "",
    };
    Some(format!(
        "modeLabel is not {}=, which network-metrics-daemon and network-check-target are kept off by: their pods land on these nodes \
         and never start{missing}. They degrade nothing; to be rid of them use the default label",
        site.usual_mode_key()
    ))
}

fn check_mode(site: &Site, faults: &mut Faults) {
    let label = site.mode_label();
    match label.split_once('=') {
        None => {
            let why =
                format!("modeLabel is '{label}', without '=': the operator would use its default instead");
            faults.push(Fault::new(why, format!("write '{label}='")));
        }
        Some((left, "")) if key(left) => {}
        Some((left, "")) => {
            faults.push(Fault::new(format!("modeLabel's key '{left}' is no label key"), "use prefix/name="));
        }
        // The operator lists nodes by the whole label, but keeps its ordinary DaemonSets off every node that has
        // the key: a node labelled with another value than the one listed ends up with no ovnkube-node at all. On
        // the cards kube-proxy and the dummy plugin select the empty value, whatever is configured.
        Some((left, right)) => {
            let lost = match site.cluster {
                Cluster::Tenant => "nodes with the key and another value get no ovnkube-node at all",
                Cluster::Infra => "kube-proxy selects the empty value only",
            };
            let why = format!("modeLabel is '{left}={right}': {lost}");
            faults.push(Fault::new(why, format!("write '{left}=' and label the nodes with '{left}='")));
        }
    }
}

/// A label key: an optional DNS subdomain and a name of at most 63 characters.
fn key(text: &str) -> bool {
    let (prefix, rest) = text.split_once('/').map_or((None, text), |(prefix, rest)| (Some(prefix), rest));
    prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(name))
        && !rest.is_empty()
        && value(rest)
}

/// A label value: at most 63 characters, letters and digits at both ends.
fn value(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let end = |c: char| c.is_ascii_alphanumeric();
    text.is_empty()
        || (text.len() <= 63 && text.chars().all(inside) && text.starts_with(end) && text.ends_with(end))
}

/// A DNS label.
pub(crate) fn name(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && value(text) && text.chars().all(inside)
}
