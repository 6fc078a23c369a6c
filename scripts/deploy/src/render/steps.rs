//! What a person does with the manifests: the commands in their order, for one cluster.

use super::Plan;
use super::admission;
use super::site::{Cluster, Site};
use crate::known::FIELD_MANAGER;

/// The text of `STEPS` in the output directory.
pub(crate) fn text(site: &Site, plan: &Plan, out: &str) -> String {
    let client = site.client();
    let mut steps = Vec::new();
    if plan.manifests().next().is_some() {
        steps.push(("apply the manifests; the files are in order".to_owned(), vec![apply(client, out)]));
    }
    if site.openshift() {
        steps.push((
            "per node: into the pool, into the mode, and taint what is there already".to_owned(),
            labels(site),
        ));
        // At first the pool is as it was: done.
        let wait = [("Updating", "5m"), ("Updated", "60m")].map(|(condition, timeout)| {
            format!(
                "{client} wait machineconfigpool/{} --for=condition={condition} --timeout={timeout}",
                site.pool()
            )
        });
        steps.push(("wait for drain and reboot, node by node".to_owned(), wait.into()));
        steps.push(("look at a node".to_owned(), vec![look(site)]));
    } else {
        let drain = format!("{client} drain NODE --ignore-daemonsets --delete-emptydir-data");
        steps.push(("per node: empty it".to_owned(), vec![drain]));
        steps.push(("into the mode, and taint it".to_owned(), labels(site)));
        steps.push(("its files, the binary before its configuration".to_owned(), vec![copy(plan, out)]));
        steps.push((
            "look at it, and let pods in".to_owned(),
            vec![look(site), format!("{client} uncordon NODE")],
        ));
    }
    for (name, _) in &plan.samples {
        steps.push(("try a pod".to_owned(), vec![format!("{client} apply -f {out}/samples/{name}.yaml")]));
    }
    let mut text = format!("# {} cluster, {}\n", title(site.cluster), site.cluster.plugin());
    for (number, (what, commands)) in steps.iter().enumerate() {
        text += &format!("\n# {}. {what}\n", number + 1);
        for command in commands {
            text += &format!("{command}\n");
        }
    }
    if plan.manifests().any(|(file, _)| file.contains("admission")) {
        text += &format!(
            "\n# To leave a pod alone: the label {}. To see the policies: {client} get mutatingadmissionpolicy,validatingadmissionpolicy {}\n",
            crate::known::OPT_OUT,
            admission::NAME
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

fn apply(client: &str, out: &str) -> String {
    format!("{client} apply --server-side --field-manager={FIELD_MANAGER} -f {out}")
}

/// By way of the login's home, where nobody else can put a file in another's place. Into a directory that is there
/// already, scp would copy beside what an earlier run left.
fn copy(plan: &Plan, out: &str) -> String {
    let clear = "ssh NODE rm -rf dpu-cni".to_owned();
    let mut commands = vec![clear.clone(), format!("scp -r {out}/node NODE:dpu-cni")];
    commands.extend(plan.node_files().map(|file| {
        format!("ssh NODE sudo install -D -m {:04o} dpu-cni{} {}", file.mode, file.path, file.path)
    }));
    commands.push(clear);
    commands.join(" &&\n")
}

fn labels(site: &Site) -> Vec<String> {
    let client = site.client();
    let mut labels = format!("{client} label node NODE {}", site.mode_label());
    if site.openshift() {
        labels += &format!(" {}=", site.role());
    }
    vec![labels, format!("{client} adm taint node NODE {}", site.taint()).replace("kubectl adm ", "kubectl ")]
}

fn look(site: &Site) -> String {
    let binary = format!("{}/{}", site.binaries(), site.cluster.plugin());
    if site.openshift() {
        format!("oc debug node/NODE -- chroot /host {binary}")
    } else {
        format!("ssh NODE {binary}")
    }
}
