//! A pod whose VF the kubelet tells, where its list of all pods has grown as long as those of nodes that no client can
//! read any more (kubernetes #141335).

use anyhow::{Context, Result};
use serde_json::json;

use super::attach::cycle;
use super::group::{Group, Role};
use super::site::{RESOURCE, Site};
use super::subject::Field;
use node::{Families, Get};

/// Names, which the limits are stated in.
pub(super) const GROUP: &str = "pod, its VF told by the kubelet";
pub(super) const SHORT: &str = "dpu-host, a list of one pod";
pub(super) const LONG: &str = "dpu-host, a list of 16 MiB";
/// Before Kubernetes 1.34 nothing but the list is to be had, and of a longer one nothing at all.
const LISTED: &str = "dpu-host, a list of 15 MiB, which has to be read";

const MIB: usize = 1 << 20;

/// A node for each length of the list, and one whose kubelet cannot be asked for a pod alone.
pub(super) struct Kubelets(Vec<(&'static str, Role, Site, node::Pod)>);

impl Kubelets {
    /// Makes the nodes.
    ///
    /// # Errors
    /// When one cannot be made.
    pub(super) fn new() -> Result<Self> {
        let kinds = [
            (SHORT, Role::Reference, 0, Get::Served),
            (LONG, Role::Ours, 16 * MIB, Get::Served),
            (LISTED, Role::Ours, 15 * MIB, Get::Missing),
        ];
        let site = |(name, role, padding, get)| {
            let site = Site::new(1, Families::V4)?;
            let pod = site.node.pod("bench", "listed")?;
            let vf = site.node.vfs().first().context("a VF")?;
            site.node.allocate(&pod, RESOURCE, &[vf.device_id()]);
            site.node.behave(|behaviour| (behaviour.list_padding, behaviour.get) = (padding, get));
            Ok((name, role, site, pod))
        };
        Ok(Kubelets(kinds.into_iter().map(site).collect::<Result<_>>()?))
    }

    /// ADD, CHECK and DEL on each of them.
    ///
    /// # Errors
    /// When one does not end as it has to.
    pub(super) fn group<'l>(&self, field: &Field) -> Result<Group<'l>> {
        let entry = |(name, role, site, pod): &(&str, Role, Site, node::Pod)| {
            let mut conf = site.node.conf();
            conf["resourceName"] = json!(RESOURCE);
            cycle(name, *role, &field.dpu_host.path, site, &pod.into(), conf)
        };
        Ok(Group { name: GROUP, entries: self.0.iter().map(entry).collect::<Result<_>>()? })
    }
}
