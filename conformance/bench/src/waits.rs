//! What users wait for: pods on nodes whose server takes its time as upstream's does, for the card's answer and for
//! duplicate address detection.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::attach::cycle;
use super::call::Pod;
use super::group::{Entry, Group, Role, Work};
use super::process::Invocation;
use super::site::Site;
use super::subject::Field;
use node::{Card, Families, Node};

/// Names, which the limits are stated in.
pub(super) const GROUP: &str = "pod, with the server's waits";
pub(super) const KNOWN: &str = "dpu-host, privileged, dual stack";
pub(super) const UNKNOWN: &str = "dpu-host, privileged, dual stack, as if by upstream";

/// Upstream looks for the card's answer every 200 ms (`GetPodWithAnnotations`): a card that is quick is seen then.
const CARD: Duration = Duration::from_millis(200);
/// The pool of the pod that has two VFs.
const RESOURCE: &str = "openshift.io/dpuvf";
/// Has the plugin know nothing of its server, and so wait as long as upstream's does: takes the server's file away first.
const FORGETFUL: &str = r#"rm -f "$0"; exec "$1""#;

/// A node with one pod, and how it is attached.
pub(super) struct Stage {
    name: String,
    site: Site,
    pod: node::Pod,
    conf: Value,
}

/// Every kind of server and network; of them only those of both families where `all` is not wanted.
///
/// # Errors
/// When a node cannot be made.
pub(super) fn stages(all: bool) -> Result<Vec<Stage>> {
    let mut stages = Vec::new();
    for (privileged, server) in [(true, "privileged"), (false, "unprivileged")] {
        for (families, network) in
            [(Families::V4, "IPv4"), (Families::V6, "IPv6"), (Families::Dual, "dual stack")]
        {
            if all || families == Families::Dual {
                let name = format!("dpu-host, {server}, {network}");
                stages.push(Stage::new(name, privileged, families, false)?);
            }
        }
        let name = format!("dpu-host, {server}, dual stack, with a primary user-defined network");
        stages.push(Stage::new(name, privileged, Families::Dual, true)?);
    }
    stages.push(Stage::new(UNKNOWN.to_owned(), true, Families::Dual, false)?);
    Ok(stages)
}

/// ADD, CHECK and DEL on each of them.
///
/// # Errors
/// When one does not end as it has to.
pub(super) fn group<'l>(field: &Field, stages: &[Stage]) -> Result<Group<'l>> {
    let entries = stages.iter().map(|stage| stage.entry(field)).collect::<Result<_>>()?;
    Ok(Group { name: GROUP, entries })
}

impl Stage {
    fn new(name: String, privileged: bool, families: Families, udn: bool) -> Result<Self> {
        let node = Node::builder().vfs(2).privileged(privileged).families(families).behave(|behaviour| {
            behaviour.card = Card::After(CARD);
            behaviour.detects_duplicates = true;
        });
        let site = Site::over(node.start()?)?;
        let pod = site.node.pod("bench", "waiting")?;
        let mut conf = site.node.conf_for(&site.node.vfs()[0]);
        if udn {
            site.node.give_udn(&pod, &site.node.vfs()[1])?;
            let (address, gateway) = ("fd04::5/64".parse()?, "fd04::1".parse()?);
            site.node.edit_pod(&pod, |object| {
                if let Some(udn) = &mut object.udn {
                    udn.interface.ips.push(address);
                    udn.interface.gateways.push(gateway);
                }
            })?;
            let devices: Vec<&str> = site.node.vfs().iter().map(node::Vf::device_id).collect();
            site.node.allocate(&pod, RESOURCE, &devices);
            conf = site.node.conf();
            conf["resourceName"] = json!(RESOURCE);
        }
        Ok(Stage { name, site, pod, conf })
    }

    fn entry<'l>(&self, field: &Field) -> Result<Entry<'l>> {
        let plugin = &field.dpu_host.path;
        let pod = Pod::from(&self.pod);
        let mut entry = cycle(&self.name, Role::Ours, plugin, &self.site, &pod, self.conf.clone())?;
        if self.name == UNKNOWN {
            entry.role = Role::Theirs;
            let known = self.site.node.root().join("run/dpu-cni/privileged-server");
            let add = entry.steps.iter_mut().find(|step| step.verb == "ADD");
            if let Some(Work::Processes(calls)) = add.map(|step| &mut step.work) {
                let forgetful = |call: Invocation| Invocation {
                    program: "/bin/sh".into(),
                    args: vec![
                        "-c".to_owned(),
                        FORGETFUL.to_owned(),
                        known.display().to_string(),
                        call.program.display().to_string(),
                    ],
                    ..call
                };
                *calls = std::mem::take(calls).into_iter().map(forgetful).collect();
            }
        }
        Ok(entry)
    }
}
