//! What Multus makes of its directory.
//!
//! It waits for the readiness file, takes the first `.conf` or `.conflist` that is not its own for the default
//! network, and keeps to that choice until it is restarted (`pkg/server/config/{generator,manager}.go`).

use super::conf::Conf;
use super::finding::Findings;
use super::keys;
use super::runtime::Runtime;
use crate::known::{DPU_HOST_CONF, ERROR_CNI_CONF, KEPT, MULTUS_CONF, OPENSHIFT_MULTUS, OVNKUBE_CONF};
use crate::tree::Tree;

const RESTART: &str = "delete the node's multus pod (oc -n openshift-multus delete pod -l app=multus --field-selector spec.nodeName=NODE)";

/// Looks at Multus, where it is what the runtime calls.
pub(crate) fn check(
    tree: &Tree,
    runtime: &Runtime,
    multus: &Conf,
    expects_us: bool,
    findings: &mut Findings,
) {
    version(multus, findings);
    readiness(tree, multus, findings);
    let directory = directory(tree, multus, runtime);
    let Some(first) = first(tree, &directory, findings) else {
        let text = format!("{directory} is empty: Multus waits for a default network and its pod restarts");
        return findings.error("multus", text, "see why ovnkube-node is not up; for our file, systemd-tmpfiles --create /etc/tmpfiles.d/dpu-cni.conf");
    };
    let chosen =
        multus.document["clusterNetwork"].as_str().or_else(|| delegate(multus)).unwrap_or(&first.name);
    let chosen_file = chosen.rsplit('/').next().unwrap_or(chosen);
    let first_file = first.path.rsplit('/').next().unwrap_or_default();
    if chosen.contains('/') && chosen_file != first_file {
        findings.error(
            "multus",
            format!("Multus has chosen {chosen}, and {} comes first now", first.path),
            RESTART,
        );
    }
    if first.calls("dpu-host") {
        findings.ok("multus", format!("pods' default network is ours: {}", first.path));
        stale(tree, &first, findings);
        keys::check(&first, findings);
    } else if expects_us && tree.exists(&format!("{KEPT}/{DPU_HOST_CONF}")) {
        let text = format!(
            "pods' default network is {} ({}), and {DPU_HOST_CONF} is not in {directory}",
            first.path,
            first.types.join(" + ")
        );
        findings.error(
            "multus",
            text,
            format!("systemd-tmpfiles --create /etc/tmpfiles.d/dpu-cni.conf, then {RESTART}"),
        );
    } else {
        findings
            .ok("multus", format!("pods' default network is {} ({})", first.path, first.types.join(" + ")));
    }
    if first_file != ERROR_CNI_CONF && tree.exists(&format!("{directory}/{ERROR_CNI_CONF}")) {
        let text =
            format!("{directory}/{ERROR_CNI_CONF} is there, of the cluster network operator's dummy plugin");
        findings.warning(
            "multus",
            text,
            format!("on a node that is no DPU any more, remove it or reboot; it sorts before {OVNKUBE_CONF}"),
        );
    }
}

fn version(multus: &Conf, findings: &mut Findings) {
    let version = multus.version.as_deref().unwrap_or("none");
    let at_least = |wanted: [u32; 2]| {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        [parts.next().unwrap_or(0), parts.next().unwrap_or(0)] >= wanted
    };
    if at_least([1, 1]) {
        findings
            .ok("multus", format!("{} speaks {version}: STATUS reaches the default network", multus.path));
    } else {
        let text = format!("{} speaks {version}: the node stays Ready when the card is not", multus.path);
        findings.warning("multus", text, "needs Multus 4.2 with cniVersion 1.1.0 (OpenShift 4.19 and newer)");
    }
}

fn readiness(tree: &Tree, multus: &Conf, findings: &mut Findings) {
    let named = multus.document["readinessindicatorfile"].as_str().map(on_host);
    let usual = format!("{OPENSHIFT_MULTUS}/{OVNKUBE_CONF}");
    let Some(path) = named.or_else(|| tree.exists(&usual).then_some(usual)) else { return };
    match Conf::read(tree, &path) {
        Ok(_) => findings.ok("multus", format!("its readiness file {path} is there")),
        Err(error) => {
            let text = format!("Multus waits for {path} ({error})");
            findings.error("multus", text, "see why ovnkube-node is not up; on a DPU NIC node, label the node or render with placeholder.multusReadiness: true");
        }
    }
}

/// The thick Multus sees the node below `/host`.
fn on_host(path: &str) -> String {
    path.strip_prefix("/host").unwrap_or(path).to_owned()
}

/// Where it chooses the default network from.
pub(crate) fn directory(tree: &Tree, multus: &Conf, runtime: &Runtime) -> String {
    let from_choice = multus.document["clusterNetwork"].as_str().filter(|path| path.starts_with('/'));
    let parent = from_choice.and_then(|path| path.rsplit_once('/')).map(|(parent, _)| on_host(parent));
    parent.unwrap_or_else(|| {
        if tree.exists(OPENSHIFT_MULTUS) {
            OPENSHIFT_MULTUS.to_owned()
        } else {
            runtime.configuration.clone()
        }
    })
}

fn delegate(multus: &Conf) -> Option<&str> {
    multus.document["delegates"][0]["name"].as_str()
}

/// The first file that Multus would take.
fn first(tree: &Tree, directory: &str, findings: &mut Findings) -> Option<Conf> {
    let mut names = tree.names(directory).into_iter();
    let ours = |name: &String| {
        !name.starts_with(MULTUS_CONF.trim_end_matches(".conf"))
            && [".conf", ".conflist"].iter().any(|end| name.ends_with(end))
    };
    let path = format!("{directory}/{}", names.find(ours)?);
    match Conf::read(tree, &path) {
        Ok(conf) => Some(conf),
        Err(error) => {
            findings.error(
                "multus",
                format!("{path} comes first and is unusable ({error}): Multus' pod restarts for ever"),
                "mend or remove the file",
            );
            None
        }
    }
}

/// `C` copies only what is not there: a new configuration arrives with the reboot that the operator makes.
fn stale(tree: &Tree, conf: &Conf, findings: &mut Findings) {
    let kept = format!("{KEPT}/{DPU_HOST_CONF}");
    if let (Ok(kept_text), Ok(text)) = (tree.read(&kept), tree.read(&conf.path))
        && kept_text != text
    {
        findings.warning(
            "multus",
            format!("{} differs from {kept}", conf.path),
            "reboot the node, or copy the file and restart Multus",
        );
    }
}
