//! What users wait for: pods on nodes whose server takes its time as upstream's does, for the card's answer and for
//! duplicate address detection.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::attach::{cycle, cycle_through};
use super::call::Pod;
use super::group::{Entry, Group, Role, Work};
use super::mounts::Mounts;
use super::process::Invocation;
use super::site::{RESOURCE, Site};
use super::subject::Field;
use node::{Card, Families, Node};

/// Names, which the limits are stated in.
pub(super) const GROUP: &str = "pod, with the server's waits";
pub(super) const KNOWN: &str = "dpu-host, privileged, dual stack";
pub(super) const UNKNOWN: &str = "dpu-host, privileged, dual stack, as if by upstream";
pub(super) const OURS: &str = "dpu-host, ";
pub(super) const UPSTREAMS: &str = "ovn-k8s-cni-overlay, ";

/// Upstream looks every 200 ms whether the pod is annotated and the card has answered (`GetPodWithAnnotations`, one loop for
/// both): a card that is quick is seen the second time.
const CARD: Duration = Duration::from_millis(200);
/// Has the plugin know nothing of its server, and so wait as long as upstream's does: takes the server's file away first.
const FORGETFUL: &str = r#"rm -f "$0"; exec "$1""#;

/// A node with one pod, and how it is attached.
pub(super) struct Stage {
    name: String,
    site: Site,
    pod: node::Pod,
    conf: Value,
    by: By,
}

/// Whose plugin attaches it.
#[derive(Clone)]
enum By {
    Ours,
    /// Ours, which has forgotten its server.
    Forgetful,
    Upstreams(PathBuf),
}

/// Every kind of server and network, with upstream's plugin beside ours if it is here; of them only those of both families
/// where `all` is not wanted.
///
/// # Errors
/// When a node cannot be made.
pub(super) fn stages(field: &Field, all: bool) -> Result<Vec<Stage>> {
    let upstreams = field.overlay.iter().map(|overlay| (UPSTREAMS, By::Upstreams(overlay.path.clone())));
    let plugins: Vec<_> = [(OURS, By::Ours)].into_iter().chain(upstreams).collect();
    let mut stages = Vec::new();
    for (privileged, server) in [(true, "privileged"), (false, "unprivileged")] {
        for (families, network, udn) in [
            (Families::V4, "IPv4", false),
            (Families::V6, "IPv6", false),
            (Families::Dual, "dual stack", false),
            (Families::Dual, "dual stack, with a primary user-defined network", true),
        ] {
            if all || families == Families::Dual {
                // Upstream's leaves the second VF where it is (ovn-kubernetes #6756), so that there is no second ADD.
                let can = |(_, by): &&(&str, By)| !(udn && matches!(by, By::Upstreams(_)));
                for (plugin, by) in plugins.iter().filter(can) {
                    let name = format!("{plugin}{server}, {network}");
                    stages.push(Stage::new(name, by.clone(), slow(2, privileged, families)?, udn)?);
                }
            }
        }
    }
    stages.push(Stage::new(UNKNOWN.to_owned(), By::Forgetful, slow(2, true, Families::Dual)?, false)?);
    Ok(stages)
}

/// A node whose server moves VFs itself, in both families.
///
/// # Errors
/// When it cannot be made.
pub(super) fn busy(vfs: u32) -> Result<Site> {
    slow(vfs, true, Families::Dual)
}

/// A node whose server takes its time.
fn slow(vfs: u32, privileged: bool, families: Families) -> Result<Site> {
    let node = Node::builder().vfs(vfs).privileged(privileged).families(families).behave(|behaviour| {
        behaviour.card = Card::After(CARD);
        behaviour.detects_duplicates = true;
        // Upstream's plugin takes no certificate that is made up.
        behaviour.ca_bundle = 0;
    });
    Site::over(node.start()?)
}

/// ADD and DEL on each of them.
///
/// # Errors
/// When one does not end as it has to.
pub(super) fn group<'l>(field: &Field, stages: &[Stage]) -> Result<Group<'l>> {
    let mut entries = stages.iter().map(|stage| stage.entry(field)).collect::<Result<Vec<_>>>()?;
    // It waits for nobody.
    for entry in &mut entries {
        entry.steps.retain(|step| step.verb != "CHECK");
    }
    Ok(Group { name: GROUP, entries })
}

impl Stage {
    fn new(name: String, by: By, site: Site, udn: bool) -> Result<Self> {
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
        Ok(Stage { name, site, pod, conf, by })
    }

    fn entry<'l>(&self, field: &Field) -> Result<Entry<'l>> {
        let (site, pod, conf) = (&self.site, Pod::from(&self.pod), self.conf.clone());
        let ours = |role| cycle(&self.name, role, &field.dpu_host.path, site, &pod, conf.clone());
        match &self.by {
            By::Ours => ours(Role::Ours),
            By::Upstreams(path) => {
                let mounts = Mounts::of_node(site.node.root())?;
                let mut conf = conf.clone();
                conf["type"] = json!("ovn-k8s-cni-overlay");
                let there = |call| Invocation { mounts: Some(mounts.clone()), ..call };
                cycle_through(&self.name, Role::Theirs, path, site, &pod, conf, there)
            }
            By::Forgetful => {
                let mut entry = ours(Role::Theirs)?;
                let known = site.node.root().join("run/dpu-cni/privileged-server");
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
                Ok(entry)
            }
        }
    }
}
