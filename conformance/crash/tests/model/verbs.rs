//! Steps that call the plugin, and what has to come of them.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use crash::Stage;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use node::{Answer, Call, Output, Running, Verb};
use serde_json::{Value, json};

use crate::expected::{self, Expected};
use crate::field::RESOURCE;
use crate::observed::Holder;
use crate::play::Play;
use crate::script::{Fate, KubeletState, Told, VFS, Valid, pod_of};

/// What may come of an ADD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outlook {
    Succeeds,
    Fails,
    Either,
}

impl Play<'_> {
    pub(crate) fn add(&mut self, to: usize, vf: usize, others: &[usize], fate: &Fate) -> Result<()> {
        self.field.need(to)?;
        if self.field.is_never_added(to) {
            return Ok(());
        }
        let offered = self.offered(to, vf, others);
        let vf = offered[0];
        self.field[to].vf = vf;
        self.field.give_to(to, &offered);
        let outlook = self.outlook(to, vf, fate);
        let mut conf = self.conf_for(to);
        if offered.len() > 1 {
            conf = self.field.node().conf();
            conf["resourceName"] = json!(RESOURCE);
        }
        let answer = match fate {
            Fate::Lost => Answer::Lost,
            Fate::HangUp => Answer::HangUp,
            Fate::Refused => Answer::Refuse("something is wrong".into()),
            _ => Answer::Proper,
        };
        if outlook == Outlook::Fails && answer == Answer::Proper {
            // Somebody is waited for in vain.
            conf["timeoutSeconds"] = json!(1);
        }
        if vf < VFS && self.observed.sandbox(vf).is_some_and(|from| self.is_same_pod(from, to)) {
            // It comes home while the ADD looks for it.
            self.field.world.show(vf)?;
        }
        let node = self.field.node();
        node.behave(|b| b.add = answer);
        let running = self.field.call(Verb::Add, to)?.conf(&conf).spawn()?;
        let output = match *fate {
            Fate::Killed(after) => killed(running, after)?,
            Fate::Abandoned(after) => {
                thread::sleep(Duration::from_micros(after));
                Some(running.abandon()?)
            }
            Fate::Restart(after) => {
                thread::sleep(Duration::from_micros(after));
                // The simulated server hangs up before a move of its own has ended, as no process that is killed can.
                // What moves late is brought home by a later call: tests/crash/late.rs.
                if !(self.up && self.field.is_privileged()) {
                    node.start_server()?;
                    self.up = true;
                }
                Some(running.wait()?)
            }
            _ => Some(running.wait()?),
        };
        self.field.node().behave(|b| b.add = Answer::Proper);
        self.field.give_to(to, &[vf]);
        self.count(output.is_none());
        match output {
            None => {
                self.killed(|_| false);
                self.expected[vf] = Expected::Torn;
                Ok(())
            }
            Some(output) => {
                self.ended();
                self.added(to, vf, &output, outlook)?;
                if matches!(fate, Fate::Abandoned(_) | Fate::Unread) {
                    // Nobody has heard of it.
                    (self.field[to].result, self.field[to].attached) = (None, false);
                }
                Ok(())
            }
        }
    }

    /// What an ADD can have, the one first that it has to take: of several that nobody has the smallest, where the kubelet
    /// tells of them.
    fn offered(&self, to: usize, vf: usize, others: &[usize]) -> Vec<usize> {
        let is_free = |at: usize| self.expected[at] == Expected::Home && self.observed.holders[at].is_none();
        let told = self.kubelet == KubeletState::Well && self.field.is_known(to);
        if !told || !is_free(vf) {
            return vec![vf];
        }
        let free = others.iter().copied().filter(|at| is_free(*at)).chain([vf]);
        free.collect::<BTreeSet<usize>>().into_iter().collect()
    }

    /// A call has ended by itself, and has done its share for others.
    fn ended(&mut self) {
        expected::mend(&mut self.expected, &self.observed, self.field);
        for at in 0..VFS {
            if let Expected::In(sandbox) = self.expected[at]
                && self.is_orphan(sandbox)
            {
                self.expected[at] = Expected::Perhaps(sandbox);
            }
        }
    }

    /// A call has been killed, perhaps while it did something to these sandboxes, or its share for others.
    fn killed(&mut self, of: impl Fn(usize) -> bool) {
        let orphans: Vec<usize> =
            self.field.sandboxes().keys().copied().filter(|sandbox| self.is_orphan(*sandbox)).collect();
        expected::tear(&mut self.expected, |sandbox| of(sandbox) || orphans.contains(&sandbox));
    }

    /// Whether for all that the plugin can see nobody cares for a sandbox: the kubelet answers and does not list its pod,
    /// and nothing runs in it.
    pub(crate) fn is_orphan(&self, sandbox: usize) -> bool {
        let listed = match self.kubelet {
            KubeletState::Well => self.field.lists(sandbox),
            KubeletState::Restarted => false,
            KubeletState::Refuses | KubeletState::Incomplete => true,
        };
        !listed && self.field[sandbox].process.is_none()
    }

    /// Whether the kubelet's word gives a VF to this sandbox's pod and takes it from the other's.
    fn is_given(&self, vf: usize, to: usize, from: usize) -> bool {
        // Of a name the kubelet lists one pod only: the one that was made anew.
        let anew = pod_of(to) == pod_of(from) && self.field.is_known(to) && !self.field.is_known(from);
        let given = self.field.lists_with(to, vf) && (anew || !self.field.lists_with(from, vf));
        self.kubelet == KubeletState::Well && given
    }

    fn is_same_pod(&self, one: usize, other: usize) -> bool {
        self.field[one].pod.uid == self.field[other].pod.uid
    }

    /// Whether a sandbox that holds a VF has to give it to another: the same pod's, or one that the kubelet has given it.
    fn yields(&self, holder: usize, vf: usize, to: usize) -> bool {
        holder != to && (self.is_same_pod(holder, to) || self.is_given(vf, to, holder))
    }

    /// What may come of an ADD that is about to begin.
    fn outlook(&self, to: usize, vf: usize, fate: &Fate) -> Outlook {
        let sandbox = &self.field[to];
        let inside = |at: &usize| self.observed.sandbox(*at) == Some(to);
        let occupied = (0..VFS).filter(inside).any(|at| self.observed.name(at) == sandbox.pod.ifname);
        let refused = matches!(fate, Fate::Lost | Fate::HangUp | Fate::Refused);
        let down = !self.up && !matches!(fate, Fate::Restart(_));
        let holder = match (self.expected[vf], self.observed.holders[vf]) {
            (Expected::In(holder) | Expected::Perhaps(holder), _) => Some(holder),
            (Expected::Torn, Some(holder)) => {
                let lives = holder.stage != Stage::Released && self.field[holder.sandbox].lives;
                lives.then_some(holder.sandbox)
            }
            (Expected::Home | Expected::Torn, _) => None,
        };
        let holder = holder.filter(|holder| *holder != to);
        let yields = holder.is_some_and(|holder| self.yields(holder, vf, to));
        let taken = holder.is_some() && !yields;
        // Its record would take the place of the one that knows where the other VF is.
        let begun = (0..VFS)
            .any(|at| at != vf && self.observed.holders[at].is_some_and(|holder| holder.sandbox == to));
        let impossible = !sandbox.lives || !self.field.is_known(to) || occupied || begun;
        match fate {
            _ if impossible || refused || down || taken => Outlook::Fails,
            Fate::Killed(_) | Fate::Abandoned(_) | Fate::Restart(_) => Outlook::Either,
            _ => Outlook::Succeeds,
        }
    }

    /// An ADD has ended by itself.
    fn added(&mut self, to: usize, vf: usize, output: &Output, outlook: Outlook) -> Result<()> {
        match (output.ok(), outlook) {
            (Ok(_), Outlook::Fails) => bail!("ADD has succeeded"),
            (Err(error), Outlook::Succeeds) => Err(error.context("ADD has failed")),
            (Err(_), _) => {
                // Its holder may have lost it for the sake of an ADD that has failed all the same.
                if let Expected::In(holder) = self.expected[vf]
                    && self.yields(holder, vf, to)
                {
                    self.expected[vf] = Expected::Perhaps(holder);
                }
                Ok(())
            }
            (Ok(result), _) => {
                expected::home_from(&mut self.expected, &self.observed, to);
                self.expected[vf] = Expected::In(to);
                let sandbox = &mut self.field[to];
                (sandbox.result, sandbox.attached, sandbox.tampered) = (Some(result), true, false);
                self.tally.added += 1;
                Ok(())
            }
        }
    }

    pub(crate) fn del(&mut self, of: usize, netns: &Told, device: bool, after: Option<u64>) -> Result<()> {
        self.field.need(of)?;
        if let Told::Of(other) = netns {
            self.field.need(*other)?;
        }
        // A runtime ends a pod's containers first.
        self.field[of].process = None;
        let conf = if device { self.conf_for(of) } else { self.field.node().conf() };
        let call = self.field.call(Verb::Del, of)?.conf(&conf);
        let call = match netns {
            Told::Own => call,
            Told::None => call.without("CNI_NETNS"),
            Told::Of(other) => call.env("CNI_NETNS", self.field[*other].pod.netns().path().to_string_lossy()),
        };
        let output = end(call, after)?;
        self.deleted(of, output)
    }

    /// Does this while the server hears DELs, or hangs up on them.
    pub(crate) fn heard(&mut self, heard: bool, call: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let answer = if heard { Answer::Proper } else { Answer::HangUp };
        self.field.node().behave(|b| b.del = answer);
        call(self)?;
        self.field.node().behave(|b| b.del = Answer::Proper);
        Ok(())
    }

    /// A DEL has ended.
    fn deleted(&mut self, of: usize, output: Option<Output>) -> Result<()> {
        self.count(output.is_none());
        let Some(output) = output else {
            self.killed(|sandbox| sandbox == of);
            return Ok(());
        };
        output.ok().context("DEL has failed")?;
        self.ended();
        expected::home_from(&mut self.expected, &self.observed, of);
        let sandbox = &mut self.field[of];
        (sandbox.attached, sandbox.tampered) = (false, false);
        Ok(())
    }

    pub(crate) fn check(&mut self, of: usize) -> Result<()> {
        self.field.need(of)?;
        let Some(result) = self.field[of].result.clone() else { return Ok(()) };
        let mut conf = self.conf_for(of);
        conf["prevResult"] = result;
        let output = self.field.call(Verb::Check, of)?.conf(&conf).run()?;
        self.count(false);
        let has = |vf: usize| self.expected[vf] == Expected::In(of);
        // The last thing that was killed may have been a DEL, which had not begun, or an ADD that had ended.
        let perhaps = |vf: usize| {
            let attached = |holder: Holder| holder.sandbox == of && holder.stage == Stage::Attached;
            self.expected[vf] == Expected::Torn && self.observed.holders[vf].is_some_and(attached)
        };
        match output.ok() {
            Err(error) if (0..VFS).any(has) && !self.field[of].tampered => {
                Err(error.context("CHECK has failed"))
            }
            Ok(_) if self.field[of].tampered => bail!("CHECK has not seen what the pod has changed"),
            Ok(_) if !(0..VFS).any(|vf| has(vf) || perhaps(vf)) => bail!("CHECK has succeeded without a VF"),
            _ => Ok(()),
        }
    }

    pub(crate) fn gc(&mut self, valid: Valid, after: Option<u64>) -> Result<()> {
        let attached = self.field.sandboxes().values().filter(|sandbox| sandbox.attached);
        let listed: Vec<Value> = attached
            .map(|sandbox| json!({"containerID": sandbox.pod.container, "ifname": sandbox.pod.ifname}))
            .collect();
        let mut conf = self.field.node().conf();
        match valid {
            Valid::Attached => conf["cni.dev/valid-attachments"] = json!(listed),
            Valid::Unsaid => {}
            Valid::None => conf["cni.dev/valid-attachments"] = json!([]),
        }
        let output = end(self.field.gc()?.conf(&conf), after)?;
        self.count(output.is_none());
        let kept: Vec<usize> = self
            .field
            .sandboxes()
            .iter()
            .filter(|(number, sandbox)| match valid {
                // Nobody takes a VF from a process.
                _ if sandbox.process.is_some() => true,
                Valid::Attached => sandbox.attached && !self.is_orphan(**number),
                Valid::Unsaid => sandbox.lives && !self.is_orphan(**number),
                Valid::None => false,
            })
            .map(|(number, _)| *number)
            .collect();
        let Some(output) = output else {
            self.killed(|sandbox| !kept.contains(&sandbox));
            return Ok(());
        };
        output.ok().context("GC has failed")?;
        self.ended();
        for vf in 0..VFS {
            let reclaimed = match (self.expected[vf], self.observed.holders[vf]) {
                (Expected::In(sandbox) | Expected::Perhaps(sandbox), _) => !kept.contains(&sandbox),
                (Expected::Torn, Some(holder)) => !kept.contains(&holder.sandbox),
                (Expected::Home | Expected::Torn, _) => continue,
            };
            if reclaimed {
                self.expected[vf] = Expected::Home;
            }
        }
        Ok(())
    }

    pub(crate) fn hand_over(&mut self, from: usize, to: usize, after: u64) -> Result<()> {
        let Some(vf) = self.expected.iter().position(|vf_expected| *vf_expected == Expected::In(from)) else {
            return Ok(());
        };
        self.field.need(to)?;
        if self.field.is_never_added(to) {
            return Ok(());
        }
        // What the ADD will find, once the DEL has been.
        self.expected[vf] = Expected::Home;
        let outlook = self.outlook(to, vf, &Fate::Undisturbed);
        self.expected[vf] = Expected::In(from);
        if from == to || outlook == Outlook::Fails {
            return Ok(());
        }
        self.field[to].vf = vf;
        self.field.give_to(to, &[vf]);
        let adding = self.field.call(Verb::Add, to)?.conf(&self.conf_for(to)).spawn()?;
        thread::sleep(Duration::from_micros(after));
        self.field[from].process = None;
        let output = self.field.call(Verb::Del, from)?.conf(&self.conf_for(from)).run()?;
        self.deleted(from, Some(output))?;
        // The ADD may move the VF while it is looked for; then it has no need of sysfs any more.
        let pods: Vec<_> = self.field.sandboxes().values().map(|sandbox| &sandbox.pod).collect();
        let _ = self.field.world.mirror_sysfs(&pods);
        let output = adding.wait()?;
        self.count(false);
        self.added(to, vf, &output, outlook)
    }
}

/// Runs a call to its end, or to where it is killed.
pub(crate) fn end(call: Call<'_>, after: Option<u64>) -> Result<Option<Output>> {
    let running = call.spawn()?;
    match after {
        Some(after) => killed(running, after),
        None => running.wait().map(Some),
    }
}

/// Kills a call so many microseconds after its start; what it has said if it was faster.
fn killed(running: Running, after: u64) -> Result<Option<Output>> {
    thread::sleep(Duration::from_micros(after));
    // It has not been waited for, so the number is its own even when it has ended.
    kill(Pid::from_raw(running.id().try_into()?), Signal::SIGKILL)?;
    let output = running.wait()?;
    Ok(output.status.code().is_some().then_some(output))
}
