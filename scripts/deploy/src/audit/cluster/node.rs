//! A node: in the mode and in the pool, or in neither; tainted, open, and with VFs to give.

use super::objects::{Cluster, Node};
use crate::audit::finding::Findings;

impl Node<'_> {
    /// Nothing is said of a node that is none of ours.
    pub(super) fn check(&self, cluster: &Cluster<'_>, findings: &mut Findings) {
        let before = findings.list().len();
        let name = self.name();
        self.pools(cluster, findings);
        let Some(mode) = self.mode(cluster) else { return };
        self.labels(cluster, mode, findings);
        self.taint(mode, findings);
        self.open(findings);
        self.ready(findings);
        if mode == cluster.modes[0] {
            self.offers(cluster, findings);
        }
        if findings.list().len() == before {
            findings.ok("node", format!("{name} is labelled and tainted with {mode}{}", self.devices()));
        }
    }

    fn pools(&self, cluster: &Cluster<'_>, findings: &mut Findings) {
        let name = self.name();
        let pools: Vec<_> =
            cluster.pools.iter().filter(|pool| pool.is_custom() && pool.selects(self)).collect();
        if let [first, second, ..] = pools[..] {
            let text = format!(
                "{name} is in the pools {} and {}: the machine config operator serves neither",
                first.name(),
                second.name()
            );
            return findings.error("node", text, format!("oc label node {name} {}-", second.role()));
        }
        match (self.mode(cluster), pools.first()) {
            (None, Some(pool)) if cluster.ours().any(|ours| ours.name() == pool.name()) => {
                let text = format!(
                    "{name} is in the pool {} and in no mode: its plugin has no ovnkube-node to ask",
                    pool.name()
                );
                let remedy = format!(
                    "oc label node {name} {}=, or take it out: oc label node {name} {}-",
                    cluster.modes[0],
                    pool.role()
                );
                findings.warning("node", text, remedy);
            }
            (Some(mode), None) if !cluster.pools.is_empty() => {
                let role = cluster.ours().next().map_or("ROLE", |pool| pool.role());
                let text =
                    format!("{name} is in the mode {mode} and in no pool of its own: it gets no plugin");
                findings.error(
                    "node",
                    text,
                    format!("oc label node {name} {role}=, or out of the mode: oc label node {name} {mode}-"),
                );
            }
            _ => {}
        }
    }

    fn labels(&self, cluster: &Cluster<'_>, mode: &str, findings: &mut Findings) {
        let name = self.name();
        if let Some(value) = self.label(mode).filter(|value| !value.is_empty()) {
            let remedy = format!("oc label node {name} --overwrite {mode}=");
            let text =
                format!("{name} is labelled {mode}={value}: the operator does not count it, and it gets");
            // The DaemonSet selects the key, whatever its value, and is there only for nodes that are counted.
            if cluster.rendered(mode) {
                let text = format!("{text} ovnkube-node only while another node is labelled {mode}=");
                findings.warning("node", text, remedy);
            } else {
                findings.error("node", format!("{text} no ovnkube-node"), remedy);
            }
        }
        let set: Vec<&String> = cluster.modes.iter().filter(|key| self.label(key).is_some()).collect();
        if let [_, second, ..] = set[..] {
            let text =
                format!("{name} has {} mode labels, which degrades the cluster network operator", set.len());
            findings.error("node", text, format!("oc label node {name} {second}-"));
        }
        if self.label("node-role.kubernetes.io/worker").is_none() {
            let text = format!("{name} is no worker: the SR-IOV daemon does not run there");
            findings.warning("node", text, format!("oc label node {name} node-role.kubernetes.io/worker="));
        }
    }

    fn taint(&self, mode: &str, findings: &mut Findings) {
        let name = self.name();
        let taints = self.0["spec"]["taints"].as_array().into_iter().flatten();
        let effects: Vec<&str> = taints
            .filter(|taint| taint["key"] == mode)
            .filter_map(|taint| taint["effect"].as_str())
            .collect();
        let remedy = format!("oc adm taint node {name} {mode}=true:NoSchedule");
        if effects.is_empty() {
            let text =
                format!("{name} has no taint {mode}: pods that do not mean to be there will be, and fail");
            findings.warning("node", text, remedy);
        } else if !effects.iter().any(|effect| ["NoSchedule", "NoExecute"].contains(effect)) {
            let text = format!(
                "{name} is tainted {mode} with {} only: other pods still come, and fail",
                effects.join(", ")
            );
            findings.warning("node", text, remedy);
        }
    }

    fn open(&self, findings: &mut Findings) {
        let name = self.name();
        let noted = &self.0["metadata"]["annotations"]["dpu-cni/was-cordoned"];
        if self.0["spec"]["unschedulable"] != true {
            return;
        }
        if noted.is_string() {
            let text = format!("{name} is cordoned by an installation or a removal that has not ended");
            findings.warning("node", text, "run that again: it goes on, and opens the node");
        } else {
            let text =
                format!("{name} is cordoned: no pod comes, and the machine config operator passes it over");
            findings.warning("node", text, format!("oc adm uncordon {name}, once its owner is done"));
        }
    }

    fn ready(&self, findings: &mut Findings) {
        let mut conditions = self.0["status"]["conditions"].as_array().into_iter().flatten();
        let ready = conditions.find(|condition| condition["type"] == "Ready");
        if let Some(condition) = ready.filter(|condition| condition["status"] != "True") {
            let message = condition["message"].as_str().unwrap_or("no message");
            findings.error(
                "node",
                format!("{} is not Ready ({message})", self.name()),
                "run this audit on the node",
            );
        }
    }

    /// Extended resources that look like VFs, and what there is of each.
    fn vfs(&self) -> impl Iterator<Item = (&String, &str)> {
        let allocatable = self.0["status"]["allocatable"].as_object().into_iter().flatten();
        let vfs = allocatable.filter(|(name, _)| name.contains('/') && name.contains("vf"));
        vfs.map(|(name, count)| (name, count.as_str().unwrap_or("?")))
    }

    fn devices(&self) -> String {
        self.vfs().map(|(name, count)| format!(", {name} {count}")).collect()
    }

    fn offers(&self, cluster: &Cluster<'_>, findings: &mut Findings) {
        let name = self.name();
        let remedy = format!(
            "see the policies and oc -n openshift-sriov-network-operator get sriovnetworknodestate {name} -o yaml"
        );
        let lacks = |resource: &str| {
            ["", "0"].contains(&self.0["status"]["allocatable"][resource].as_str().unwrap_or_default())
        };
        if let Some(resource) = cluster.management.filter(|resource| lacks(resource)) {
            let text =
                format!("{name} offers no {resource}: ovnkube-node, which asks for one, stays Pending there");
            findings.error("node", text, remedy.clone());
        }
        let mut others = self.vfs().filter(|(resource, _)| Some(resource.as_str()) != cluster.management);
        if !cluster.by_claim && !others.any(|(_, count)| count != "0") {
            findings.error(
                "node",
                format!("{name} offers no VFs: pods that ask for one stay Pending"),
                remedy,
            );
        }
    }
}
