//! A reboot of the card.

use anyhow::Result;

use super::behaviour::{Card, Lease};
use super::{Node, Vf};

impl Node {
    /// The card goes down: its functions vanish, from pods too, and nothing is connected any more. Its lease expires
    /// some time later; that is said with [`Node::behave`].
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn card_goes_down(&self) -> Result<()> {
        self.behave(|behaviour| behaviour.card = Card::Never);
        self.shared.topology.unplug(&self.simulated())?;
        self.functions_in_sysfs(false)
    }

    /// The card is back, with new functions at the old addresses, and renews its lease.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn card_comes_up(&self) -> Result<()> {
        self.shared.topology.plug(&self.simulated())?;
        self.functions_in_sysfs(true)?;
        self.behave(|behaviour| {
            behaviour.card = Card::Ready;
            behaviour.lease = Lease::Healthy;
        });
        Ok(())
    }

    fn simulated(&self) -> Vec<Vf> {
        self.vfs().iter().filter(|vf| !vf.representor.is_empty()).cloned().collect()
    }

    fn functions_in_sysfs(&self, there: bool) -> Result<()> {
        let mut addresses = self.vfs().iter().filter_map(|vf| vf.pci.as_deref());
        Ok(addresses.try_for_each(|pci| self.shared.sysfs.plug(pci, there))?)
    }
}
