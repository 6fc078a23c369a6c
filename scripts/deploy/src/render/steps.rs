//! What a person does with the manifests: a script, which says in its head how it is called and what it needs. Its parts
//! are shell, in `steps/`; what differs from site to site is set at its beginning, for whoever reads it, `uninstall` too.

use super::site::{Cluster, Site};
use super::{Plan, dra};
use crate::known::OPT_OUT;
use crate::shell;

/// The OpenShift whose node disruption policies are generally available.
const OPENSHIFT: &str = "4.17";

/// The text of `STEPS` in the output directory.
pub(crate) fn text(site: &Site, plan: &Plan, out: &str) -> String {
    let mut text = head(site, plan, out);
    text += "\n";
    for (name, value) in settings(site, plan) {
        text += &format!("{name}='{value}'\n");
    }
    for part in parts(site) {
        text += "\n";
        text += &filled(part, site, plan);
    }
    text + "\n" + &shell::common(site.openshift(), site.cluster == Cluster::Tenant) + "\nmain \"$@\"\n"
}

/// Up to the first empty line: what the script prints when it is called with nothing.
fn head(site: &Site, plan: &Plan, out: &str) -> String {
    let plugin = site.cluster.plugin();
    let cluster = title(site.cluster);
    let needs = match (site.openshift(), site.cluster) {
        (true, Cluster::Tenant) => format!(
            "OpenShift {OPENSHIFT} or later, the SR-IOV operator with its SriovOperatorConfig, no pool that is Degraded or\n\
             # paused, and sriov.numVfs within the firmware's NUM_OF_VFS."
        ),
        (true, Cluster::Infra) => {
            format!("OpenShift {OPENSHIFT} or later, and no pool that is Degraded or paused.")
        }
        (false, Cluster::Tenant) => {
            "ssh to each node and sudo there; and the SR-IOV operator, or VFs and a device plugin of your own."
                .to_owned()
        }
        (false, Cluster::Infra) => "ssh to each node, and sudo there.".to_owned(),
    };
    let drained = if site.openshift() { "drained, rebooted" } else { "drained" };
    let mut text = format!(
        "#!/bin/sh\n\
         # Puts {plugin} on nodes of the {cluster} cluster, one after the other:\n\
         #\n\
         #   sh {out}/STEPS --check NODE...    says what is in the way, and changes nothing\n\
         #   sh {out}/STEPS NODE...            can be stopped, and run again at any point\n\
         #\n\
         # It needs {needs}\n\
         # Each node is tainted, {drained}, labelled, and opened once it has everything; one that somebody had cordoned stays so.\n\
         # A node that joins later is given here too: nothing labels or taints it by itself, but for a MachineSet told to.\n"
    );
    if let Some(versions) = plan.policy_versions {
        text += &format!(
            "# The admission policies are for {versions}. A pod labelled {OPT_OUT} is left alone by them.\n"
        );
    }
    text
}

fn title(cluster: Cluster) -> &'static str {
    match cluster {
        Cluster::Infra => "infra",
        Cluster::Tenant => "tenant",
    }
}

/// What the parts refer to. Values have no quotes: `labels`, `paths` and `vfs` have refused such.
fn settings(site: &Site, plan: &Plan) -> Vec<(&'static str, String)> {
    let names = |sriov: bool| {
        let files = plan.manifests().map(|(file, _)| file.as_str());
        // kube-proxy is applied with the API server's version in it.
        let files = files.filter(|file| file.contains("-sriov") == sriov && !file.contains("kube-proxy"));
        files.collect::<Vec<_>>().join(" ")
    };
    let samples = plan.samples.iter().map(|(name, _)| name.as_str()).filter(|name| *name != dra::SAMPLE);
    let samples: Vec<&str> = samples.collect();
    let mut settings = vec![("mode", site.mode_label()), ("taint", site.taint())];
    if site.openshift() {
        settings.push(("role", format!("{}=", site.role())));
        settings.push(("pool", site.pool().to_owned()));
        settings.push(("machine_configs", plan.machine_configs.join(" ")));
    }
    settings.push(("binary", format!("{}/{}", site.binaries(), site.cluster.plugin())));
    settings.push(("manifests", names(false)));
    if site.cluster == Cluster::Tenant {
        let sriov = &site.values.sriov;
        settings.push(("sriov_namespace", site.sriov_namespace().to_owned()));
        settings.push(("sriov_manifests", names(true)));
        settings.push(("functions", sriov.physical_functions.join(" ")));
        settings.push(("num_vfs", sriov.num_vfs.to_string()));
        // What a driver gives by claim is in no node's status: the first is looked at twice.
        let pods = if site.by_claim() { &sriov.management } else { &sriov.pods };
        let offered = [&sriov.management, pods].map(|pool| {
            format!("{{.status.allocatable.{}}}", site.resource(&pool.resource).replace('.', "\\."))
        });
        settings.push(("allocatable", offered.join(" ")));
        settings.push(("policies", plan.policies.join(" ")));
    } else if !site.openshift() {
        let given = site.values.kube_proxy.image.is_some() && site.values.kube_proxy.server.is_some();
        settings.push(("kube_proxy_given", if given { "yes" } else { "" }.to_owned()));
    }
    settings.push(("samples", samples.join(" ")));
    settings
}

fn parts(site: &Site) -> [&'static str; 3] {
    let (profile, cluster) = match (site.openshift(), site.cluster) {
        (true, Cluster::Tenant) => (include_str!("steps/openshift.sh"), include_str!("steps/tenant.sh")),
        (true, Cluster::Infra) => {
            (include_str!("steps/openshift.sh"), include_str!("steps/infra-openshift.sh"))
        }
        (false, Cluster::Tenant) => (include_str!("steps/kubernetes.sh"), include_str!("steps/tenant.sh")),
        (false, Cluster::Infra) => {
            (include_str!("steps/kubernetes.sh"), include_str!("steps/infra-kubernetes.sh"))
        }
    };
    [profile, cluster, include_str!("steps/common.sh")]
}

/// A part with the client's name and the like in it.
fn filled(part: &str, site: &Site, plan: &Plan) -> String {
    let (without_sriov, hint) = if site.openshift() {
        (
            "stop \"the SR-IOV operator is not installed: its definition of SriovNetworkNodePolicy is not here\"",
            "see FeatureGate cluster (v1beta1 needs MutatingAdmissionPolicy enabled there, by CustomNoUpgrade, which cannot be undone), or render for this version",
        )
    } else {
        (
            "say \"no SR-IOV operator is here: VFs and device plugin are yours, and $sriov_manifests are left out\"",
            "v1beta1 needs --feature-gates=MutatingAdmissionPolicy=true and --runtime-config=admissionregistration.k8s.io/v1beta1=true; or render for this version",
        )
    };
    shell::filled(part, site.openshift())
        .replace("@without_sriov@", without_sriov)
        .replace("@policies_hint@", hint)
        .replace("@copy@", &copy(plan))
}

fn copy(plan: &Plan) -> String {
    let clear = "ssh \"$node\" rm -rf dpu-cni".to_owned();
    let mut commands = vec![clear.clone(), "scp -r node \"$node:dpu-cni\"".to_owned()];
    commands.extend(plan.node_files().map(|file| {
        format!("ssh \"$node\" sudo install -D -m {:04o} dpu-cni{} {}", file.mode, file.path, file.path)
    }));
    commands.push(clear);
    if plan.node_files().any(|file| file.path.starts_with("/etc/systemd/")) {
        // One that is watched for, or runs, is kept in mind as it was.
        commands.push("ssh \"$node\" sudo systemctl daemon-reload".to_owned());
    }
    commands.join(" &&\n    ")
}
