//! A pool: whether anything reaches its nodes.

use super::objects::Pool;
use crate::audit::finding::Findings;

impl Pool<'_> {
    pub(super) fn check(&self, findings: &mut Findings) {
        self.paused(findings);
        let conditions = self.0["status"]["conditions"].as_array().into_iter().flatten();
        let mut degraded =
            conditions.filter(|condition| condition["type"] == "Degraded" && condition["status"] == "True");
        if let Some(condition) = degraded.next() {
            let message = condition["message"].as_str().unwrap_or("no message");
            findings.error(
                "cluster",
                format!("machineconfigpool {} is degraded ({message})", self.name()),
                "run this audit on the node that it names",
            );
        }
        let count = |key: &str| self.0["status"][key].as_u64();
        if let (Some(machines @ 1..), Some(0)) = (count("machineCount"), count("updatedMachineCount")) {
            let text = format!(
                "machineconfigpool {}: none of its {machines} nodes has its configuration",
                self.name()
            );
            findings.warning("cluster", text, "wait for the machine config operator; if nothing moves, see what else is said here, and cordoned nodes");
        }
    }

    /// By whom: the SR-IOV operator says so in an annotation, anybody else is in the managed fields, where those were asked
    /// for.
    fn paused(&self, findings: &mut Findings) {
        if self.0["spec"]["paused"] != true {
            return;
        }
        let name = self.name();
        if self.0["metadata"]["annotations"]["sriovnetwork.openshift.io/state"] == "Paused" {
            let text =
                format!("machineconfigpool {name} is paused by the SR-IOV operator, while it drains a node");
            return findings.warning(
                "cluster",
                text,
                "wait: it goes on by itself; see the sriovnetworknodestates if not",
            );
        }
        let fields = self.0["metadata"]["managedFields"].as_array().into_iter().flatten();
        let by = fields.filter(|field| field["fieldsV1"]["f:spec"]["f:paused"].is_object());
        let by = by.filter_map(|field| field["manager"].as_str()).next_back();
        let by = by.map_or(String::new(), |manager| format!(" by {manager}"));
        findings.warning(
            "cluster",
            format!("machineconfigpool {name} is paused{by}: nothing reaches its nodes"),
            format!("oc patch mcp {name} --type=merge -p '{{\"spec\":{{\"paused\":false}}}}'"),
        );
    }
}
