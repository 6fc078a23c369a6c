//! Steps in which something happens to the node.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use crash::Stage;
use node::{Kubelet, Verb, Xdp};
use serde_json::json;

use crate::expected::{self, Expected};
use crate::observed::Observed;
use crate::play::Play;
use crate::script::{During, KubeletState, VFS};
use crate::verbs;

/// More than any link's index.
const FAR: u32 = 1_000_000;

impl Play<'_> {
    /// The namespace of a sandbox dies.
    pub(crate) fn lose(&mut self, which: usize) -> Result<()> {
        self.field.need(which)?;
        if !self.field[which].lives {
            return Ok(());
        }
        self.field[which].process = None;
        self.field.node().lose_netns(&self.field[which].pod)?;
        self.field[which].lives = false;
        expected::tear(&mut self.expected, |sandbox| sandbox == which);
        Ok(())
    }

    /// Another sandbox gets the path and the inode of a dead one.
    pub(crate) fn reborn(&mut self, from: usize, to: usize) -> Result<()> {
        let sandboxes = self.field.sandboxes();
        let is_dead = sandboxes
            .get(&from)
            .is_some_and(|sandbox| !sandbox.lives && !sandbox.pod.netns().path().exists());
        if !is_dead || sandboxes.contains_key(&to) {
            return Ok(());
        }
        self.field.need_in_place_of(from, to)
    }

    /// A pod's first container starts.
    pub(crate) fn run(&mut self, which: usize) -> Result<()> {
        if self.expected.contains(&Expected::In(which)) {
            self.field[which].process = Some(self.field[which].pod.start_process()?);
        }
        Ok(())
    }

    /// The kubelet answers otherwise.
    pub(crate) fn set_kubelet(&mut self, state: KubeletState) {
        self.kubelet = state;
        let kubelet = match state {
            KubeletState::Well => Kubelet::Healthy,
            KubeletState::Restarted => Kubelet::Restarted,
            KubeletState::Refuses => Kubelet::Refuses,
            KubeletState::Incomplete => Kubelet::Truncated,
        };
        self.field.node().behave(|b| b.kubelet = kubelet);
    }

    /// Every VF is made anew.
    pub(crate) fn reset(&mut self) -> Result<()> {
        self.free_names()?;
        self.field.node().card_goes_down()?;
        for vf in 0..VFS {
            let Some(sandbox) = self.observed.sandbox(vf) else { continue };
            let index = self.observed.index(vf);
            // A representor's index at the other end would make it look like a simulated VF.
            let line = format!(
                "link add own{index} index {index} type veth peer name end{index} index {}",
                FAR + index
            );
            self.field[sandbox].pod.change(&line)?;
            self.field[sandbox].crowded = true;
        }
        self.field.node().card_comes_up()?;
        self.field.world.dress()?;
        expected::tear(&mut self.expected, |_| true);
        Ok(())
    }

    /// The same in the middle of a call, whatever comes of that. Functions are at home as the card has made them.
    pub(crate) fn reset_during(&mut self, call: During, sandbox: usize, vf: usize, after: u64) -> Result<()> {
        self.free_names()?;
        self.field.need(sandbox)?;
        let running = match call {
            During::Add if self.field.is_never_added(sandbox) => return Ok(()),
            // A function that the server moves after the reset is known by its parent; a simulated one has none.
            During::Add if self.field.is_privileged() => return Ok(()),
            During::Add => {
                self.field[sandbox].vf = vf;
                self.field.give_to(sandbox, &[vf]);
                let mut conf = self.conf_for(sandbox);
                // Whoever is waited for in vain.
                conf["timeoutSeconds"] = json!(1);
                self.field.call(Verb::Add, sandbox)?.conf(&conf).spawn()?
            }
            During::Del => {
                self.field[sandbox].process = None;
                self.field.call(Verb::Del, sandbox)?.conf(&self.conf_for(sandbox)).spawn()?
            }
            During::Restore => self.field.restore()?.spawn()?,
        };
        thread::sleep(Duration::from_micros(after));
        self.field.node().card_goes_down()?;
        self.field.node().card_comes_up()?;
        let output = running.wait()?;
        self.field.world.undress()?;
        self.count(false);
        expected::tear(&mut self.expected, |_| true);
        match (call, output.ok()) {
            (During::Add, done) => {
                self.expected[vf] = Expected::Torn;
                // What it has said of a VF that has gone since is not to be checked.
                (self.field[sandbox].result, self.field[sandbox].attached) = (None, done.is_ok());
            }
            (During::Del, done) => {
                done.context("DEL has failed")?;
                self.field[sandbox].attached = false;
            }
            (During::Restore, _) => {}
        }
        Ok(())
    }

    /// Every pod is given back what it has lost.
    pub(crate) fn restore(&mut self, killed: Option<u64>) -> Result<()> {
        let output = verbs::end(self.field.restore()?, killed)?;
        self.count(output.is_none());
        if let Some(output) = output {
            // All are back, or one cannot be or waits: which may is looked for.
            ensure!(matches!(output.status.code(), Some(0 | 1 | 3)), "{output:?}");
            self.given_back = true;
        }
        Ok(())
    }

    /// Whoever can have had a VF back has it, and the pod is as ADD has left it.
    pub(crate) fn look_for_restored(&mut self, before: &Observed) -> Result<()> {
        for vf in 0..VFS {
            let (Expected::Torn, Some(holder)) = (self.expected[vf], self.observed.holders[vf]) else {
                continue;
            };
            let (own, is) = (holder.sandbox, self.observed.sandbox(vf));
            let sandbox = &self.field[own];
            let alone = (0..VFS).all(|other| other == vf || self.observed.sandbox(other) != Some(own));
            let given = match self.kubelet {
                KubeletState::Well => self.field.lists_with(own, vf),
                // It knows of no other pod.
                KubeletState::Restarted => true,
                // One that is there and does not say whose it is is waited for.
                KubeletState::Refuses | KubeletState::Incomplete => false,
            };
            if holder.stage != Stage::Attached || !sandbox.lives || sandbox.disguised || self.is_orphan(own) {
                continue;
            }
            ensure!(
                is == Some(own) || !(alone && given),
                "VF {vf} is in {is:?}, and {own} should have it back"
            );
            if is == Some(own) {
                self.expected[vf] = Expected::In(own);
                if before.sandbox(vf) != Some(own) {
                    self.field[own].tampered = false;
                    self.tally.restored += 1;
                }
            }
        }
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
        if self.observed.has(name) {
            return Ok(());
        }
        self.field.node().change_host(&format!("link add dev {name} type bridge"))
    }

    /// All such links go.
    pub(crate) fn free_names(&mut self) -> Result<()> {
        for (vf, vf_expected) in self.expected.iter_mut().enumerate() {
            let name = &self.field.node().vfs()[vf].name;
            let at_home = self.observed.sandbox(vf).is_none();
            if at_home && self.observed.name(vf) == name || !self.observed.has(name) {
                continue;
            }
            self.field.node().change_host(&format!("link del {name}"))?;
            // It gets its name back from the next call.
            if *vf_expected == Expected::Home {
                *vf_expected = Expected::Torn;
            }
        }
        Ok(())
    }

    /// A pod changes its interface.
    pub(crate) fn tamper(&mut self, which: usize) -> Result<()> {
        if !self.expected.contains(&Expected::In(which)) || self.field[which].tampered {
            return Ok(());
        }
        self.field[which].tampered = true;
        let pod = &self.field[which].pod;
        pod.change(
            "link set eth0 down\nlink set eth0 mtu 1280 address 02:00:00:00:00:99\n\
             link property add dev eth0 altname theirs\nlink set eth0 up",
        )?;
        crash::tamper(pod)?;
        pod.attach_xdp(&pod.ifname, Xdp::Generic).map(drop)
    }

    /// Five minutes go by.
    pub(crate) fn later(&mut self) -> Result<()> {
        self.field.world.age()?;
        for (vf_expected, holder) in self.expected.iter_mut().zip(&self.observed.holders) {
            // The server has had its time: the next call forgets the record.
            if *vf_expected == Expected::Home && holder.is_some() {
                *vf_expected = Expected::Torn;
            }
        }
        Ok(())
    }
}
