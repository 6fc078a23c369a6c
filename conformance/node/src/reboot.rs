//! A reboot of the card.

use std::time::Instant;

use anyhow::Result;

use super::behaviour::{Card, Lease};
use super::{Node, Vf, link};

/// By how much the indices of functions grow with each reset. A kernel counts on; but it lets a veth's other end choose its
/// own only where both do.
const FURTHER: u32 = 1000;

impl Node {
    /// The card goes down: its functions vanish, from pods too, and nothing is connected any more. Its lease expires
    /// some time later; that is said with [`Node::behave`].
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn card_goes_down(&self) -> Result<()> {
        self.behave(|behaviour| behaviour.card = Card::Never);
        self.shared.topology.unplug(&self.simulated())?;
        self.simulated()
            .iter()
            .filter_map(|vf| vf.pci.as_deref())
            .try_for_each(|pci| self.shared.sysfs.unplug(pci))?;
        self.shared.change(|state| state.resets += 1);
        Ok(())
    }

    /// The card is back, with new functions at the old addresses, and renews its lease. Those that are back already stay.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn card_comes_up(&self) -> Result<()> {
        self.card_comes_up_without(&[])
    }

    /// The same, but the functions of these VFs stay away.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn card_comes_up_without(&self, away: &[&Vf]) -> Result<()> {
        let there = link::links(self.card().netns())?;
        let is_to_come = |vf: &Vf| {
            let is_away = away.iter().any(|away| away.index == vf.index);
            !is_away && !there.iter().any(|link| link.name == vf.representor)
        };
        let coming: Vec<Vf> = self.simulated().into_iter().filter(is_to_come).collect();
        self.functions_come(&coming)?;
        self.behave(|behaviour| {
            behaviour.card = Card::Ready;
            behaviour.lease = Lease::Healthy;
        });
        Ok(())
    }

    /// The function of a VF comes back that the card came up without, under this name.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn function_comes(&self, vf: &Vf, name: &str) -> Result<()> {
        self.functions_come(&[Vf { name: name.into(), ..vf.clone() }])
    }

    /// They are others than before: their MAC and index are new, and nobody has connected them.
    fn functions_come(&self, vfs: &[Vf]) -> Result<()> {
        let link = |vf: &Vf| vf.link + self.shared.state().resets * FURTHER;
        let vfs: Vec<Vf> =
            vfs.iter().map(|vf| Vf { mac: self.mac_at_home(vf), link: link(vf), ..vf.clone() }).collect();
        self.shared.topology.plug(&vfs)?;
        vfs.iter().filter(|vf| vf.pci.is_some()).try_for_each(|vf| self.shared.sysfs.plug(vf))?;
        // The card's ovnkube-node goes by what the pods' annotations say.
        self.shared.change(|state| {
            for details in state.pods.values_mut().flat_map(|pod| pod.details.values_mut()) {
                (details.seen, details.written) = (false, Instant::now());
            }
        });
        Ok(())
    }

    /// The MAC of the function that a VF is by now, at home.
    pub fn mac_at_home(&self, vf: &Vf) -> String {
        let rest = vf.mac.get(8..).unwrap_or_default();
        format!("52:54:{:02x}{rest}", self.shared.state().resets % 256)
    }

    fn simulated(&self) -> Vec<Vf> {
        self.vfs().iter().filter(|vf| !vf.representor.is_empty()).cloned().collect()
    }
}
