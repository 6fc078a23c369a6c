//! kube-proxy for the cards, where no network operator sets it up: their pods are all on the host network, and without a
//! pod network nothing else brings a Service's address to them. It asks the API server at its own address, because that of
//! the Service `kubernetes` is one of those that it brings about.

use serde_json::{Value, json};

use super::site::{Cluster, Site};
use crate::fault::{Fault, Faults};
use crate::yaml;

/// Its DaemonSet and the rest, and the label of its pods.
const NAME: &str = "kube-proxy-dpu";
const NAMESPACE: &str = "kube-system";

/// Host and port of the API server.
type Address = (String, String);

/// The manifest, where it is needed. What the values leave open, `STEPS` fills in from the cluster.
///
/// # Errors
/// None that values can cause.
pub(crate) fn manifest(site: &Site) -> Result<Option<String>, Fault> {
    if site.openshift() || site.cluster != Cluster::Infra {
        return Ok(None);
    }
    let values = &site.values.kube_proxy;
    let image = values.image.clone().unwrap_or_else(|| "registry.k8s.io/kube-proxy:@VERSION@".to_owned());
    let (host, port) = values
        .server
        .as_deref()
        .and_then(address)
        .unwrap_or_else(|| ("@HOST@".to_owned(), "@PORT@".to_owned()));
    let documents = [account(), binding(), daemon_set(site, &image, &host, &port)];
    let texts = documents.iter().map(yaml::print).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(texts.join("---\n")))
}

fn account() -> Value {
    json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": NAME, "namespace": NAMESPACE } })
}

/// To the role that every cluster has for it.
fn binding() -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": { "name": NAME },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:node-proxier" },
        "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE }],
    })
}

fn daemon_set(site: &Site, image: &str, host: &str, port: &str) -> Value {
    let labels = json!({ "k8s-app": NAME });
    let container = json!({
        "name": "kube-proxy",
        "image": image,
        "command": ["/usr/local/bin/kube-proxy", "--hostname-override=$(NODE_NAME)"],
        "env": [
            { "name": "NODE_NAME", "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } },
            { "name": "KUBERNETES_SERVICE_HOST", "value": host },
            { "name": "KUBERNETES_SERVICE_PORT", "value": port },
        ],
        "securityContext": { "privileged": true },
        "volumeMounts": [
            { "name": "xtables-lock", "mountPath": "/run/xtables.lock" },
            { "name": "lib-modules", "mountPath": "/lib/modules", "readOnly": true },
        ],
    });
    let pod = json!({
        "hostNetwork": true,
        "nodeSelector": { site.mode_key(): "" },
        "priorityClassName": "system-node-critical",
        "serviceAccountName": NAME,
        "tolerations": [{ "operator": "Exists" }],
        "containers": [container],
        "volumes": [
            { "name": "xtables-lock", "hostPath": { "path": "/run/xtables.lock", "type": "FileOrCreate" } },
            { "name": "lib-modules", "hostPath": { "path": "/lib/modules" } },
        ],
    });
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": { "name": NAME, "namespace": NAMESPACE, "labels": labels },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": pod },
        },
    })
}

/// `https://HOST[:PORT]`, an IPv6 address in brackets.
fn address(server: &str) -> Option<Address> {
    let rest = server.strip_prefix("https://")?.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (rest, "443"),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let plain = |c: char| c.is_ascii_alphanumeric() || ".:-".contains(c);
    (!host.is_empty() && host.chars().all(plain) && port.parse::<u16>().is_ok())
        .then(|| (host.to_owned(), port.to_owned()))
}

/// What nobody would read, or a node could not.
pub(crate) fn check(site: &Site, faults: &mut Faults) {
    let values = &site.values.kube_proxy;
    let given = values.image.is_some() || values.server.is_some();
    if given && (site.openshift() || site.cluster == Cluster::Tenant) {
        let why = "kubeProxy is for the cards' cluster with profile kubernetes";
        faults
            .push(Fault::new(why, "leave it out: OpenShift's operator sets it up, and hosts have their own"));
    }
    if let Some(server) = values.server.as_deref().filter(|server| address(server).is_none()) {
        let why = format!("kubeProxy.server is '{server}'");
        faults
            .push(Fault::new(why, "give the API server's address for nodes, such as https://192.0.2.1:6443"));
    }
}
