//! The host's links, and what happens to them behind a plugin's back.

use anyhow::Result;
use testkit::ip;

use super::Node;
use super::link::{self, LinkState};
use super::sandbox::Pod;
use super::xdp::{self, Attached, Xdp};

impl Node {
    /// Takes the sandbox's namespace away as it looks when physical VFs are in it: the kernel pushes them back to
    /// the host, down and without addresses, under the name they had in the pod where it is free there, else as
    /// `dev<index>`. (veth ends would be destroyed: for that, [`unbind`](super::Namespace::unbind) the pod's and drop it.)
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn lose_netns(&self, pod: &Pod) -> Result<()> {
        let host = self.host();
        let (peers, card) = (link::peers(pod.netns().netns())?, link::links(self.card().netns())?);
        // Links that are the pod's own die with it. Real VFs have no representor that we know.
        let is_vf = |link: &LinkState| {
            let representor = peers.get(&link.name);
            card.is_empty() || card.iter().any(|end| representor == Some(&u64::from(end.index)))
        };
        for link in pod.links()?.into_iter().filter(is_vf) {
            let taken = link::link(host.netns(), &link.name)?.is_some();
            let name = if taken { format!("dev{}", link.index) } else { link.name.clone() };
            pod.change(&format!(
                "link set {old} down\nlink set {old} name {name}\nlink set {name} netns {}",
                host.path().display(),
                old = link.name
            ))?;
        }
        pod.netns().unbind()
    }

    /// The link `name` on the host.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn host_link(&self, name: &str) -> Result<Option<LinkState>> {
        link::link(self.host().netns(), name)
    }

    /// All links on the host but `lo`, the PF's among them.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn host_links(&self) -> Result<Vec<LinkState>> {
        link::links(self.host().netns())
    }

    /// Puts an XDP program on one of its links that drops every packet.
    ///
    /// # Errors
    /// When there is no `python3`, or the kernel refuses.
    pub fn attach_host_xdp(&self, ifname: &str, how: Xdp) -> Result<Attached> {
        xdp::attach(self.host().netns(), ifname, how)
    }

    /// Switches offload features of one of its links: `ethtool -K IFNAME ARGS`.
    ///
    /// # Errors
    /// When `ethtool` fails.
    pub fn switch_host(&self, ifname: &str, args: &[&str]) -> Result<()> {
        link::switch(self.host().netns(), ifname, args)
    }

    /// Runs lines of `ip -batch` on the host, to disturb what a plugin relies on.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn change_host(&self, script: &str) -> Result<()> {
        ip::batch(self.host().netns(), script)
    }

    /// Makes sysfs tell the names that VFs on the host have now, as the kernel's does; it keeps the name of a VF that
    /// is away.
    ///
    /// # Errors
    /// When `ip` fails, or the tree cannot be written.
    pub fn refresh_sysfs(&self) -> Result<()> {
        let links = self.host_links()?;
        for vf in self.vfs().iter().filter(|vf| !vf.vfio) {
            let link = links.iter().find(|link| link.peer == Some(vf.representor_link));
            if let (Some(pci), Some(link)) = (&vf.pci, link) {
                self.shared.sysfs.show(pci, &link.name)?;
            }
        }
        Ok(())
    }
}
