//! The two namespaces, host and card, and the links between them.

use std::fmt::Write;

use anyhow::{Context, Result};
use testkit::ip;
use testkit::namespace::Namespace;

use super::link::{self, LinkState};
use super::pods;
use super::vf::{PF, UPLINK, Vf};

/// The bridge that stands for OVS on the card.
const BRIDGE: &str = "br-int";

/// The host with its VFs, and the card with its bridge.
#[derive(Debug)]
pub(super) struct Topology {
    pub(super) host: Namespace,
    pub(super) card: Namespace,
}

impl Topology {
    /// Makes both, and joins them by a veth pair for the PF and one for each VF, whose link indices are filled in.
    pub(super) fn build(vfs: &mut [Vf]) -> Result<Topology> {
        let host = Namespace::new("host")?;
        let card = Namespace::new("card")?;
        let mut script = format!(
            "link add {BRIDGE} type bridge mcast_snooping 0\nlink set {BRIDGE} up\n\
             link add {UPLINK} type veth peer name {} netns {}\n",
            PF.1,
            host.name()
        );
        for gateway in pods::gateways() {
            writeln!(
                script,
                "address add {gateway} dev {BRIDGE}{}",
                if gateway.is_ipv6() { " nodad" } else { "" }
            )?;
        }
        for vf in vfs.iter().filter(|vf| !vf.vfio) {
            let Vf { name, representor, mac, mtu, .. } = vf;
            writeln!(
                script,
                "link add {representor} mtu {mtu} type veth peer name {name} address {mac} mtu {mtu} netns {}\n\
                 link set {representor} master {BRIDGE}",
                host.name()
            )?;
        }
        ip::batch(card.netns(), &script).context("joining host and card")?;
        let (on_host, on_card) = (link::links(host.netns())?, link::links(card.netns())?);
        let index = |links: &[LinkState], name: &str| {
            links.iter().find(|link| link.name == name).map(|link| link.index).unwrap_or_default()
        };
        for vf in vfs.iter_mut() {
            vf.link = index(&on_host, &vf.name);
            vf.representor_link = index(&on_card, &vf.representor);
        }
        Ok(Topology { host, card })
    }

    /// Takes the VFs away from host and pods, as a card does that reboots.
    pub(super) fn unplug(&self, vfs: &[Vf]) -> Result<()> {
        // A pair whose end died with its pod is gone already.
        let there = link::links(self.card.netns())?;
        let mut script = String::new();
        for vf in vfs.iter().filter(|vf| there.iter().any(|link| link.name == vf.representor)) {
            writeln!(script, "link del {}", vf.representor)?;
        }
        ip::batch(self.card.netns(), &script)
    }

    /// Makes new VFs in the place of those that [`Topology::unplug`] took, under these indices. Their representors have the
    /// old ones' indices: without a PCI address, which real ones keep, nothing else tells which is which.
    pub(super) fn plug(&self, vfs: &[Vf]) -> Result<()> {
        let (mut host, mut card) = (String::new(), String::new());
        for Vf { name, link, representor, representor_link, mac, mtu, .. } in vfs.iter().filter(|vf| !vf.vfio)
        {
            writeln!(
                host,
                "link add {name} index {link} address {mac} mtu {mtu} type veth \
                 peer name {representor} index {representor_link} mtu {mtu} netns {}",
                self.card.name()
            )?;
            writeln!(card, "link set {representor} master {BRIDGE}")?;
        }
        ip::batch(self.host.netns(), &host)?;
        ip::batch(self.card.netns(), &card)
    }

    /// The host is where this process runs, and its VFs are real; the card's namespace stays empty.
    pub(super) fn real() -> Result<Topology> {
        Ok(Topology { host: Namespace::own()?, card: Namespace::new("card")? })
    }
}
