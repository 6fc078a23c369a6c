//! Plays a sequence, and compares what happens with what has to.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use conformance::crash::Stage;
use conformance::node::{Answer, Call, Output, Running, Verb};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::field::Field;
use crate::script::{End, Fate, Script, Step, Told, VFS, Valid};
use crate::sight::{Holder, Sight};

impl Tally {
    /// Both together.
    pub(crate) fn add(&mut self, other: Tally) {
        self.calls += other.calls;
        self.killed += other.killed;
        self.added += other.added;
    }
}

/// What has to hold of a VF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lot {
    /// It is at home as it was at first; while another link has its name, under another one.
    Home,
    /// It is in this sandbox, whose ADD succeeded, which has not been deleted and whose namespace lives.
    In(usize),
    /// A kill, or the end of its namespace, has torn it away: a record says whose it is and how to make it whole.
    Torn,
}

/// What may come of an ADD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outlook {
    Succeeds,
    Fails,
    Either,
}

/// A sequence under way.
struct Play<'f> {
    field: &'f mut Field,
    lots: [Lot; VFS],
    sight: Sight,
    /// Whether the server runs.
    up: bool,
    tally: Tally,
}

/// How many calls were made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// All.
    pub(crate) calls: u64,
    /// Those that were killed in time.
    pub(crate) killed: u64,
    /// ADDs that succeeded.
    pub(crate) added: u64,
}

/// Plays `script` on a clean node, which is clean again afterwards.
///
/// # Errors
/// The first step after which something does not hold.
pub(crate) fn play(field: &mut Field, script: &Script) -> Result<Tally> {
    field.begin(script.privileged);
    let sight = Sight::take(field, |_| false)?;
    let mut play = Play { field, lots: [Lot::Home; VFS], sight, up: true, tally: Tally::default() };
    for (number, step) in script.steps.iter().enumerate() {
        play.step(step).and_then(|()| play.look()).with_context(|| format!("step {number}, {step:?}"))?;
    }
    play.end(script.end).context("at the end")?;
    Ok(play.tally)
}

impl Play<'_> {
    fn step(&mut self, step: &Step) -> Result<()> {
        match *step {
            Step::Add { sandbox, vf, ref fate } => self.add(sandbox, vf, fate),
            Step::Del { sandbox, ref netns, device, heard, killed } => {
                let answer = if heard { Answer::Proper } else { Answer::HangUp };
                self.field.node().behave(|b| b.del = answer);
                self.del(sandbox, netns, device, killed)?;
                self.field.node().behave(|b| b.del = Answer::Proper);
                Ok(())
            }
            Step::Check { sandbox } => self.check(sandbox),
            Step::Gc { valid, killed } => self.gc(valid, killed),
            Step::Lose { sandbox } => self.lose(sandbox),
            Step::HandOver { from, to, after } => self.hand_over(from, to, after),
            Step::Server { up } => self.server(up),
            Step::TakeName { vf } => self.take_name(vf),
            Step::FreeNames => self.free_names(),
            Step::Tamper { sandbox } => self.tamper(sandbox),
            Step::Forget { sandbox } => {
                self.field.need(sandbox)?;
                self.field.forget(sandbox);
                Ok(())
            }
            Step::Later => self.later(),
        }
    }

    /// Everything that has to hold between two steps.
    fn look(&mut self) -> Result<()> {
        self.field.node().idle()?;
        let lots = self.lots;
        self.sight = Sight::take(self.field, |vf| lots[vf] == Lot::Torn)?;
        for (vf, lot) in self.lots.iter_mut().enumerate() {
            let is = self.sight.sandbox(vf);
            match *lot {
                Lot::Home => ensure!(is.is_none(), "VF {vf} is in sandbox {is:?} and should be at home"),
                Lot::In(own) => ensure!(is == Some(own), "VF {vf} is in {is:?} and should be in {own}"),
                // Then nothing has been done to it, or all was undone.
                Lot::Torn if self.sight.holders[vf].is_none() => *lot = Lot::Home,
                Lot::Torn => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, to: usize, vf: usize, fate: &Fate) -> Result<()> {
        self.field.need(to)?;
        self.field[to].vf = vf;
        let outlook = self.outlook(to, vf, fate);
        let mut conf = self.conf_for(to);
        if outlook == Outlook::Fails {
            // Its wait is the longest that there is.
            conf["timeoutSeconds"] = json!(1);
        }
        let answer = match fate {
            Fate::Lost => Answer::Lost,
            Fate::HangUp => Answer::HangUp,
            Fate::Refused => Answer::Refuse("something is wrong".into()),
            _ => Answer::Proper,
        };
        let node = self.field.node();
        node.behave(|b| b.add = answer);
        let running = self.field.call(Verb::Add, to)?.conf(&conf).spawn()?;
        let output = match *fate {
            Fate::Killed(after) => killed(running, after)?,
            Fate::Restart(after) => {
                thread::sleep(Duration::from_micros(after));
                node.start_server()?;
                self.up = true;
                Some(running.wait()?)
            }
            _ => Some(running.wait()?),
        };
        self.field.node().behave(|b| b.add = Answer::Proper);
        self.count(output.is_none());
        match output {
            None => {
                if self.lots[vf] == Lot::Home {
                    self.lots[vf] = Lot::Torn;
                }
                Ok(())
            }
            Some(output) => {
                self.mended();
                self.added(to, vf, &output, outlook)
            }
        }
    }

    /// What may come of an ADD that is about to begin.
    fn outlook(&self, to: usize, vf: usize, fate: &Fate) -> Outlook {
        let sandbox = &self.field[to];
        let inside = |at: &usize| self.sight.sandbox(*at) == Some(to);
        let occupied = (0..VFS).filter(inside).any(|at| self.sight.name(at) == sandbox.pod.ifname);
        let refused = matches!(fate, Fate::Lost | Fate::HangUp | Fate::Refused);
        let down = !self.up && !matches!(fate, Fate::Restart(_));
        let taken = match (self.lots[vf], self.sight.holders[vf]) {
            (Lot::In(holder), _) => holder != to,
            (Lot::Torn, Some(holder)) => {
                holder.sandbox != to && holder.stage != Stage::Released && self.field[holder.sandbox].lives
            }
            (Lot::Home | Lot::Torn, _) => false,
        };
        // Its record would take the place of the one that knows where the other VF is.
        let begun =
            (0..VFS).any(|at| at != vf && self.sight.holders[at].is_some_and(|holder| holder.sandbox == to));
        let impossible = !sandbox.lives || !sandbox.known || occupied || begun;
        match fate {
            _ if impossible || refused || down || taken => Outlook::Fails,
            Fate::Killed(_) | Fate::Restart(_) => Outlook::Either,
            _ => Outlook::Succeeds,
        }
    }

    /// An ADD has ended by itself.
    fn added(&mut self, to: usize, vf: usize, output: &Output, outlook: Outlook) -> Result<()> {
        match (output.ok(), outlook) {
            (Ok(_), Outlook::Fails) => bail!("ADD has succeeded"),
            (Err(error), Outlook::Succeeds) => Err(error.context("ADD has failed")),
            (Err(_), _) => Ok(()),
            (Ok(result), _) => {
                self.home_from(to);
                self.lots[vf] = Lot::In(to);
                let sandbox = &mut self.field[to];
                (sandbox.result, sandbox.attached, sandbox.tampered) = (Some(result), true, false);
                self.tally.added += 1;
                Ok(())
            }
        }
    }

    fn del(&mut self, of: usize, netns: &Told, device: bool, after: Option<u64>) -> Result<()> {
        self.field.need(of)?;
        if let Told::Of(other) = netns {
            self.field.need(*other)?;
        }
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

    /// A DEL has ended.
    fn deleted(&mut self, of: usize, output: Option<Output>) -> Result<()> {
        self.count(output.is_none());
        let Some(output) = output else {
            self.tear(|sandbox| sandbox == of);
            return Ok(());
        };
        output.ok().context("DEL has failed")?;
        self.mended();
        self.home_from(of);
        let sandbox = &mut self.field[of];
        (sandbox.attached, sandbox.tampered) = (false, false);
        Ok(())
    }

    fn check(&mut self, of: usize) -> Result<()> {
        self.field.need(of)?;
        let Some(result) = self.field[of].result.clone() else { return Ok(()) };
        let mut conf = self.conf_for(of);
        conf["prevResult"] = result;
        let output = self.field.call(Verb::Check, of)?.conf(&conf).run()?;
        self.count(false);
        let has = |vf: usize| self.lots[vf] == Lot::In(of);
        let torn = |vf: usize| {
            self.lots[vf] == Lot::Torn && self.sight.holders[vf].is_some_and(|holder| holder.sandbox == of)
        };
        match output.ok() {
            Err(error) if (0..VFS).any(has) && !self.field[of].tampered => {
                Err(error.context("CHECK has failed"))
            }
            Ok(_) if self.field[of].tampered => bail!("CHECK has not seen what the pod has changed"),
            Ok(_) if !(0..VFS).any(|vf| has(vf) || torn(vf)) => bail!("CHECK has succeeded without a VF"),
            _ => Ok(()),
        }
    }

    fn gc(&mut self, valid: Valid, after: Option<u64>) -> Result<()> {
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
            .filter(|(_, sandbox)| match valid {
                Valid::Attached => sandbox.attached,
                Valid::Unsaid => sandbox.lives,
                Valid::None => false,
            })
            .map(|(number, _)| *number)
            .collect();
        let Some(output) = output else {
            self.tear(|sandbox| !kept.contains(&sandbox));
            return Ok(());
        };
        output.ok().context("GC has failed")?;
        self.mended();
        for vf in 0..VFS {
            let reclaimed = match (self.lots[vf], self.sight.holders[vf]) {
                (Lot::In(sandbox), _) => !kept.contains(&sandbox),
                (Lot::Torn, Some(holder)) => !kept.contains(&holder.sandbox) && !self.is_young(holder),
                (Lot::Home | Lot::Torn, _) => continue,
            };
            if reclaimed {
                self.lots[vf] = Lot::Home;
            }
        }
        Ok(())
    }

    /// Whether an ADD may still be under way for all that a GC can know.
    fn is_young(&self, holder: Holder) -> bool {
        holder.stage == Stage::Claimed && holder.busy && self.field[holder.sandbox].lives
    }

    fn lose(&mut self, which: usize) -> Result<()> {
        self.field.need(which)?;
        if !self.field[which].lives {
            return Ok(());
        }
        self.field.node().lose_netns(&self.field[which].pod)?;
        self.field[which].lives = false;
        self.tear(|sandbox| sandbox == which);
        Ok(())
    }

    fn hand_over(&mut self, from: usize, to: usize, after: u64) -> Result<()> {
        let Some(vf) = self.lots.iter().position(|lot| *lot == Lot::In(from)) else { return Ok(()) };
        self.field.need(to)?;
        // What the ADD will find, once the DEL has been.
        self.lots[vf] = Lot::Home;
        let outlook = self.outlook(to, vf, &Fate::Undisturbed);
        self.lots[vf] = Lot::In(from);
        if from == to || outlook == Outlook::Fails {
            return Ok(());
        }
        // A pod that has two sandboxes at once is refused the second without a wait.
        let same = self.field[from].pod.uid == self.field[to].pod.uid;
        let outlook = if same { Outlook::Either } else { Outlook::Succeeds };
        self.field[to].vf = vf;
        let adding = self.field.call(Verb::Add, to)?.conf(&self.conf_for(to)).spawn()?;
        thread::sleep(Duration::from_micros(after));
        let output = self.field.call(Verb::Del, from)?.conf(&self.conf_for(from)).run()?;
        self.deleted(from, Some(output))?;
        // The ADD may move the VF while it is looked for; then it has no need of sysfs any more.
        let pods: Vec<_> = self.field.sandboxes().values().map(|sandbox| &sandbox.pod).collect();
        let _ = self.field.world.mirror_sysfs(&pods);
        let output = adding.wait()?;
        self.count(false);
        self.added(to, vf, &output, outlook)
    }

    fn server(&mut self, up: bool) -> Result<()> {
        match (self.up, up) {
            (false, true) => self.field.node().start_server()?,
            (true, false) => self.field.node().stop_server(),
            _ => {}
        }
        self.up = up;
        Ok(())
    }

    fn take_name(&mut self, vf: usize) -> Result<()> {
        let name = &self.field.node().vfs()[vf].name;
        if self.sight.has(name) {
            return Ok(());
        }
        self.field.node().change_host(&format!("link add dev {name} type bridge"))
    }

    fn free_names(&mut self) -> Result<()> {
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

    fn tamper(&mut self, which: usize) -> Result<()> {
        if !self.lots.contains(&Lot::In(which)) || self.field[which].tampered {
            return Ok(());
        }
        self.field[which].tampered = true;
        self.field[which].pod.change(
            "link set eth0 down\nlink set eth0 mtu 1280 address 02:00:00:00:00:99\nlink set eth0 alias mine\n\
             link property add dev eth0 altname theirs\nlink set eth0 promisc on\nlink set eth0 up",
        )
    }

    fn later(&mut self) -> Result<()> {
        self.field.world.age()?;
        for (lot, holder) in self.lots.iter_mut().zip(&self.sight.holders) {
            // The server has had its time: the next call forgets the record.
            if *lot == Lot::Home && holder.is_some() {
                *lot = Lot::Torn;
            }
        }
        Ok(())
    }

    /// Brings everything home.
    fn end(&mut self, how: End) -> Result<()> {
        self.free_names()?;
        self.server(true)?;
        match how {
            End::Del => {
                let all: Vec<usize> = self.field.sandboxes().keys().copied().collect();
                for sandbox in all {
                    self.del(sandbox, &Told::Own, true, None)?;
                    self.look().with_context(|| format!("after DEL of {sandbox}"))?;
                }
            }
            End::Gc => {
                self.later()?;
                self.look()?;
                self.gc(Valid::None, None)?;
                self.look().context("after GC")?;
            }
        }
        self.field.clean()
    }

    /// A call has ended by itself: it has also brought home what nobody else would come for, if it saw all records.
    fn mended(&mut self) {
        if !self.sight.few() {
            return;
        }
        for (lot, holder) in self.lots.iter_mut().zip(&self.sight.holders) {
            let forsaken = holder
                .is_some_and(|holder| holder.stage == Stage::Released || !self.field[holder.sandbox].lives);
            if *lot == Lot::Torn && forsaken {
                *lot = Lot::Home;
            }
        }
    }

    /// All VFs of a sandbox are home.
    fn home_from(&mut self, sandbox: usize) {
        for (lot, holder) in self.lots.iter_mut().zip(&self.sight.holders) {
            let held = holder.is_some_and(|holder| holder.sandbox == sandbox);
            if *lot == Lot::In(sandbox) || *lot == Lot::Torn && held {
                *lot = Lot::Home;
            }
        }
    }

    /// A kill may have met the VFs of these sandboxes.
    fn tear(&mut self, of: impl Fn(usize) -> bool) {
        for lot in &mut self.lots {
            if matches!(*lot, Lot::In(sandbox) if of(sandbox)) {
                *lot = Lot::Torn;
            }
        }
    }

    fn conf_for(&self, sandbox: usize) -> Value {
        let node = self.field.node();
        node.conf_for(&node.vfs()[self.field[sandbox].vf])
    }

    fn count(&mut self, killed: bool) {
        self.tally.calls += 1;
        self.tally.killed += u64::from(killed);
    }
}

/// Runs a call to its end, or to where it is killed.
fn end(call: Call<'_>, after: Option<u64>) -> Result<Option<Output>> {
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
