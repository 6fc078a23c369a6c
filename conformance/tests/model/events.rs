//! Steps in which something happens to the node.

use anyhow::Result;

use crate::lots::{self, Lot};
use crate::play::Play;

impl Play<'_> {
    /// The namespace of a sandbox dies.
    pub(crate) fn lose(&mut self, which: usize) -> Result<()> {
        self.field.need(which)?;
        if !self.field[which].lives {
            return Ok(());
        }
        self.field.node().lose_netns(&self.field[which].pod)?;
        self.field[which].lives = false;
        lots::tear(&mut self.lots, |sandbox| sandbox == which);
        Ok(())
    }

    /// The server is started or stopped.
    pub(crate) fn server(&mut self, up: bool) -> Result<()> {
        match (self.up, up) {
            (false, true) => self.field.node().start_server()?,
            (true, false) => self.field.node().stop_server(),
            _ => {}
        }
        self.up = up;
        Ok(())
    }

    /// Another link takes a VF's name, if that is free.
    pub(crate) fn take_name(&mut self, vf: usize) -> Result<()> {
        let name = &self.field.node().vfs()[vf].name;
        if self.sight.has(name) {
            return Ok(());
        }
        self.field.node().change_host(&format!("link add dev {name} type bridge"))
    }

    /// All such links go.
    pub(crate) fn free_names(&mut self) -> Result<()> {
        for (vf, lot) in self.lots.iter_mut().enumerate() {
            let name = &self.field.node().vfs()[vf].name;
            let at_home = self.sight.sandbox(vf).is_none();
            if at_home && self.sight.name(vf) == name || !self.sight.has(name) {
                continue;
            }
            self.field.node().change_host(&format!("link del {name}"))?;
            // It gets its name back from the next call.
            if *lot == Lot::Home {
                *lot = Lot::Torn;
            }
        }
        Ok(())
    }

    /// A pod changes its interface.
    pub(crate) fn tamper(&mut self, which: usize) -> Result<()> {
        if !self.lots.contains(&Lot::In(which)) || self.field[which].tampered {
            return Ok(());
        }
        self.field[which].tampered = true;
        self.field[which].pod.change(
            "link set eth0 down\nlink set eth0 mtu 1280 address 02:00:00:00:00:99\nlink set eth0 alias mine\n\
             link property add dev eth0 altname theirs\nlink set eth0 promisc on\nlink set eth0 up",
        )
    }

    /// Five minutes go by.
    pub(crate) fn later(&mut self) -> Result<()> {
        self.field.world.age()?;
        for (lot, holder) in self.lots.iter_mut().zip(&self.sight.holders) {
            // The server has had its time: the next call forgets the record.
            if *lot == Lot::Home && holder.is_some() {
                *lot = Lot::Torn;
            }
        }
        Ok(())
    }
}
